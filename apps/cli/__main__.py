"""`python -m sidelight.apps.cli`: the command line, where the `sidelight` script is not on the path."""

import sys

from .main import main

sys.exit(main())
