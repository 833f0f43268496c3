"""What the server was started with; the pages, which run in its process, find it here."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidelight.label_model import ModelIntervals

from .people import Login, Roles
from .queues import Queue, build_queues, random_order
from .store import LabelStore
from .workspace import Workspace

MOST_FOR_INTERVALS, DRAWS = 20_000, 60
"""Records, drawn at random, and refits that intervals of the label model rest on."""


@dataclass(eq=False)
class Context:
    """One task, its store of labels, and the rules of the house.

    Parameters
    ----------
    workspace : Workspace
        What is labeled.
    store : LabelStore
        Where labels go.
    roles : Roles
        Who may do what.
    login : Login
        How people are known.
    suggestions : bool
        Whether annotators may switch on the label model's suggestion; it stays off until they do.
    readers : int
        How many people label each record; 0 for everybody.
    workbench : bool
        Whether functions may be written in the page.
    chosen : Path or None
        A queue that was drawn elsewhere (`sidelight.crossmodal.Queue`).
    audits : tuple of Path
        Finished audits to read.
    rejected : set of str
        Candidates that a developer turned down.
    fitted_with : int
        Labels of people that the label model was fitted with.
    seen : set of (str, str)
        Who saw how functions vote on which record, by person and record id.
    """

    workspace: Workspace
    store: LabelStore
    roles: Roles = field(default_factory=Roles)
    login: Login = field(default_factory=Login)
    suggestions: bool = True
    readers: int = 0
    workbench: bool = True
    chosen: Path | None = None
    audits: tuple[Path, ...] = ()
    rejected: set[str] = field(default_factory=set)
    fitted_with: int = 0
    seen: set[tuple[str, str]] = field(default_factory=set)
    _samples: dict[int, tuple[NDArray[np.intp], list[str]]] = field(default_factory=dict)

    @cached_property
    def uniform(self) -> NDArray[np.intp]:
        """The random order of all records."""
        return random_order(self.workspace.records.ids)

    @cached_property
    def queues(self) -> dict[str, Queue]:
        """The queues that do not depend on labels."""
        return build_queues(self.workspace, self.chosen)

    def sample(self, size: int) -> tuple[NDArray[np.intp], list[str]]:
        """Return rows drawn at random with their texts, the same objects every time."""
        if size not in self._samples:
            rows = self.uniform[:size]
            self._samples[size] = (rows, self.workspace.records.texts(rows.tolist()))
        return self._samples[size]

    def warm(self) -> None:
        """Do now what the first visitor would wait for: order the queues, read rules and pages."""
        from . import screens  # noqa: F401 - the pages ask for this context

        self.queues  # noqa: B018
        if self.workspace.marker is not None:
            self.workspace.marker.warm()

    @cached_property
    def intervals(self) -> ModelIntervals | None:
        """Intervals of the label model's accuracies, None where it gives none; computed when first looked at."""
        workspace = self.workspace
        ask = getattr(workspace.model, "intervals", None)
        if ask is None or workspace.votes is None:
            return None
        votes = workspace.votes.take_rows(np.sort(self.uniform[:MOST_FOR_INTERVALS]))
        found: ModelIntervals = ask(votes, n_draws=DRAWS)
        return found

    def adopt(self, workspace: Workspace, *, fitted_with: int = 0) -> None:
        """Go on with a workspace of the same records that has other functions, or another label model."""
        self.workspace, self.fitted_with = workspace, fitted_with
        for name in ("queues", "intervals"):
            self.__dict__.pop(name, None)


_current: list[Context] = []


def set_context(context: Context) -> None:
    """Make a context the one that pages see."""
    _current[:] = [context]


def get_context() -> Context:
    """Return the context of this server."""
    if not _current:
        raise RuntimeError("the app is started by `sidelight ui`, not by `streamlit run`")
    return _current[0]
