"""A timer that stops a labeling function stuck on one note, such as a regular expression that runs away."""

import signal
import threading
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from types import FrameType

_watched: list[Sized] = [()]


class NoteTimeoutError(Exception):
    """A function took longer over one record than the run allows."""


def watch(progress: Sized) -> None:
    """Name the collection that grows with every record done, () for none; cheaper than a timer for each record."""
    _watched[0] = progress


@contextmanager
def note_timer(seconds: float | None) -> Iterator[None]:
    """Interrupt a call that works on one record for longer than `seconds` (at most twice as long) of processor time.

    Time spent waiting, for a disk or a model server, does not count. Works in the main thread on systems that have
    interval timers; elsewhere it does nothing.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not seconds or not usable:
        yield
        return
    before: tuple[int, int] = (0, -1)

    def look(number: int, frame: FrameType | None) -> None:
        nonlocal before
        now = (id(_watched[0]), len(_watched[0]))
        stuck, before = now == before, now
        if stuck and _watched[0] != ():
            before = (0, -1)
            raise NoteTimeoutError(f"took more than {seconds:g} s over one record")

    previous = signal.signal(signal.SIGVTALRM, look)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
        watch(())
