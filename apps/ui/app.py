"""The script that Streamlit runs for every visit; `sidelight ui` starts it."""

from sidelight.apps.ui.guard import guarded
from sidelight.apps.ui.screens import run

guarded(run)()
