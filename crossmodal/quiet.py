"""Lightning's own messages, kept to itself."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("lightning", "lightning.pytorch", "lightning.fabric")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's own messages, tips and warnings to itself; those of the user's modules pass."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    try:
        with warnings.catch_warnings():
            hush()
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def hush() -> None:
    """Do so for good, as in a process that does nothing else."""
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning(\.|$)")
    warnings.filterwarnings("ignore", module=r"torch\.(optim|utils|cuda)(\.|$)")
