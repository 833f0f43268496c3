"""The studies of a payload: where their files are, and which record each belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal import SignalSet, StudyFiles, link
from sidelight.labeling import InputError

from .file import Payload, Project
from .work import column_values


def open_studies(project: Project, payload: Payload, path: Path | None = None) -> Any:
    """Return the studies of a payload: NPZ files of signals, one after the other, or a folder of files.

    Parameters
    ----------
    project, payload
        Whose studies they are.
    path : Path, optional
        Other studies than the project's: a file or a folder.

    Raises
    ------
    InputError
        When files hold signals of different kinds, or one study twice.
    """
    places = project.study_paths(payload) if path is None else [path]
    if places[0].suffix != ".npz":
        return StudyFiles.open(places[0])
    sets = [SignalSet.read(place) for place in places]
    first = sets[0]
    if len(sets) == 1:
        return first
    for place, other in zip(places, sets, strict=True):
        if other.contract != first.contract:
            raise InputError(
                place, f"holds other signals ({other.contract}) than {places[0].name} ({first.contract})"
            )
    ids = np.concatenate([one.ids for one in sets])
    if len(np.unique(ids)) != len(ids):
        names, times = np.unique(ids, return_counts=True)
        twice = next(
            p for p, s in zip(places[1:], sets[1:], strict=True) if np.isin(names[times > 1], s.ids).any()
        )
        raise InputError(twice, "holds a study that an earlier file of the payload holds too")
    contract = first.contract
    return SignalSet.of(
        np.concatenate([one.values for one in sets]), ids=ids, lead_names=contract.lead_names,
        sampling_hz=contract.sampling_hz, units=contract.units, derive=False,
    )  # fmt: skip


def link_studies(
    project: Project,
    payload: Payload,
    ids: NDArray[np.str_],
    patients: NDArray[np.str_] | None = None,
    *,
    export: Path | None = None,
    path: Path | None = None,
) -> Any:
    """Return the studies that belong to records, one row a study.

    Parameters
    ----------
    project, payload
        Whose studies they are.
    ids, patients : ndarray of str of shape (n_records,)
        The records, in the order of the export.
    export, path : Path, optional
        Another export, and other studies.

    Notes
    -----
    A record's study is called as the record is, unless the payload names the column that holds its study's id. Two
    records of one study are both left out: neither label alone is that study's.
    """
    studies = None
    if payload.study is not None:
        values: Sequence[Any] = column_values(project, [payload.study], export)[payload.study]
        studies = {
            str(name): _told(value) or f"\x1f{row}"
            for row, (name, value) in enumerate(zip(ids, values, strict=True))
        }
    return link(ids, open_studies(project, payload, path), studies=studies, patient_ids=patients)


def _told(value: Any) -> str:
    """Return a study's id as files spell it, "" where there is none."""
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
