"""Studies that lie one a file: checked when opened, read when a batch asks for them, all brought to one shape."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.faults import InputError

from .contract import InputContract
from .formats import FORMATS, Study, read_study
from .signals import SetAside

CACHE_BYTES = 256 * 2**20
KEYS = ("stem", "name", "accession", "study_uid")
"""What may tell a file's study, beside a template."""
MISFIT = "\0"
"""Stands for the study of a file whose path does not fit the template."""


@dataclass(frozen=True, eq=False)
class StudyFiles:
    """Signals or images in files of their own, seen as `Inputs`.

    Parameters
    ----------
    ids : ndarray of str of shape (n_files,)
        One for each file, unique.
    study_ids : ndarray of str of shape (n_files,)
        The study each file belongs to; several files may share one.
    paths : tuple of Path
        The files.
    contract : InputContract
        What each is brought to: leads picked by name, signals resampled and cut or padded with zeros at the end, images
        resized.
    set_aside : tuple of SetAside
        Files that could not be read; their row among those given, and their name.

    Notes
    -----
    Files that were read stay in memory up to 256 MiB, the least recently used ones going first.
    """

    ids: NDArray[np.str_]
    study_ids: NDArray[np.str_]
    paths: tuple[Path, ...]
    contract: InputContract
    set_aside: tuple[SetAside, ...] = ()
    _cache: _Cache = field(default_factory=lambda: _Cache(CACHE_BYTES), repr=False)

    @classmethod
    def open(
        cls,
        files: Mapping[str, str | Path | Sequence[str | Path]] | str | Path,
        *,
        by: str = "stem",
        lead_names: Sequence[str] | None = None,
        sampling_hz: float | None = None,
        shape: Sequence[int] | None = None,
    ) -> Self:
        """Look at every file once and return those that can be used.

        Parameters
        ----------
        files : mapping from study id to one path or several, or a folder
            A folder is searched, with what lies below it, for files of a known kind.
        by : {"stem", "name", "accession", "study_uid"} or template, default "stem"
            What in a folder tells a file's study: its name without suffix or with it, a field of the DICOM header, or its
            path below the folder, as in ``"{study_id}/{view}.png"``: what stands for ``study_id`` is the study. Files that
            do not fit a template are set aside.
        lead_names : sequence of str, optional
            Leads or channels to take, in order; those of the first readable file by default. A file that lacks one
            is set aside.
        sampling_hz : float, optional
            Rate to resample signals to; that of the first readable file by default.
        shape : sequence of int, optional
            (length,) of signals, (height, width) of images; that of the first readable file by default.

        Raises
        ------
        InputError
            When no file can be read.
        """
        entries = _listed(files, by)
        contract: InputContract | None = None
        found: list[tuple[str, Path]] = []
        aside: list[SetAside] = []
        cache = _Cache(CACHE_BYTES)
        for row, (study_id, path) in enumerate(entries):
            try:
                if study_id == MISFIT:
                    raise InputError(path, f"does not fit the template {by}")
                study = read_study(path)
                if contract is None:
                    contract = _contract(study, lead_names, sampling_hz, shape)
                values = _fitted(path, study, contract)
                name = _key(path, study, by) if study_id is None else study_id
            except InputError as error:
                aside.append(SetAside(row, str(error)))
                continue
            cache.put(path, values)
            found.append((name, path))
        if contract is None or not found:
            raise InputError(
                files if isinstance(files, str | Path) else "files",
                f"none of {len(entries)} files can be used"
                + (f"; first: {aside[0].reason}" if aside else ""),
            )
        return cls(
            ids=_unique([name for name, _ in found]),
            study_ids=np.array([name for name, _ in found], dtype=np.str_),
            paths=tuple(path for _, path in found),
            contract=contract,
            set_aside=tuple(aside),
            _cache=cache,
        )

    def batch(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Return the studies at these positions as float32 of shape (n_rows, n_leads, ...)."""
        chosen = np.asarray(rows, dtype=np.intp)
        if not len(chosen):
            return np.empty((0, len(self.contract.lead_names), *self.contract.shape), dtype=np.float32)
        return np.stack([self._one(self.paths[row]) for row in chosen])

    def _one(self, path: Path) -> NDArray[np.float32]:
        values = self._cache.get(path)
        if values is None:
            values = _fitted(path, read_study(path), self.contract)
            self._cache.put(path, values)
        return values

    def take(self, rows: ArrayLike) -> Self:
        """Return some of the studies, by position or boolean mask, without reading anything."""
        keep = np.arange(len(self))[np.asarray(rows)]
        return replace(
            self,
            ids=self.ids[keep],
            study_ids=self.study_ids[keep],
            paths=tuple(self.paths[row] for row in keep),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"StudyFiles({len(self)} files, {self.contract}, {len(self.set_aside)} set aside)"


class _Cache:
    """The files read last, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.values: OrderedDict[Path, NDArray[np.float32]] = OrderedDict()

    def get(self, path: Path) -> NDArray[np.float32] | None:
        if path not in self.values:
            return None
        self.values.move_to_end(path)
        return self.values[path]

    def put(self, path: Path, values: NDArray[np.float32]) -> None:
        if values.nbytes > self.limit or path in self.values:
            return
        self.values[path] = values
        self.held += values.nbytes
        while self.held > self.limit:
            self.held -= self.values.popitem(last=False)[1].nbytes


def _listed(files: Any, by: str) -> list[tuple[str | None, Path]]:
    """Return (study id, path) pairs; the id is None where only the file's header tells it."""
    pattern = _template(by) if "{" in by else None
    if pattern is None and by not in KEYS:
        raise ValueError(f"by is {by!r}; it is one of {', '.join(KEYS)}, or a template with {{study_id}}")
    if isinstance(files, Mapping):
        listed: list[tuple[str | None, Path]] = []
        for study_id, given in files.items():
            several = [given] if isinstance(given, str | Path) else given
            listed += [(str(study_id), Path(path)) for path in several]
        return listed
    folder = Path(files)
    if not folder.is_dir():
        raise InputError(folder, "no such folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FORMATS and path.is_file())
    if pattern is None:
        return [({"stem": path.stem, "name": path.name}.get(by), path) for path in paths]
    fits = [pattern.fullmatch(path.relative_to(folder).as_posix()) for path in paths]
    return [(fit["study_id"] if fit else MISFIT, path) for fit, path in zip(fits, paths, strict=True)]


def _template(by: str) -> re.Pattern[str]:
    """Return the pattern of a template such as ``{study_id}/{view}.png``; a name twice means the same text twice."""
    seen: set[str] = set()
    pattern = ""
    for place, piece in enumerate(re.split(r"\{(\w+)\}", by)):
        if place % 2 == 0:
            pattern += re.escape(piece)
        elif piece in seen:
            pattern += f"(?P={piece})"
        else:
            seen.add(piece)
            pattern += f"(?P<{piece}>[^/]+?)"
    if "study_id" not in seen:
        raise ValueError(f"the template {by} does not say where study_id stands")
    return re.compile(pattern)


def _key(path: Path, study: Study, by: str) -> str:
    key = (study.keys or {}).get(by, "")
    if not key:
        raise InputError(path, f"its header holds no {by}")
    return key


def _unique(names: Sequence[str]) -> NDArray[np.str_]:
    """Return ids for files: the study's own, numbered where a study has several files."""
    seen: dict[str, int] = {}
    ids = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        ids.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return np.array(ids, dtype=np.str_)


def _contract(
    study: Study, lead_names: Sequence[str] | None, sampling_hz: float | None, shape: Sequence[int] | None
) -> InputContract:
    rate = study.sampling_hz if sampling_hz is None else float(sampling_hz)
    own = study.values.shape[1:]
    if sampling_hz is not None and study.sampling_hz:
        own = (round(own[0] * rate / study.sampling_hz),)
    return InputContract(
        tuple(study.lead_names if lead_names is None else lead_names),
        tuple(int(size) for size in (own if shape is None else shape)),
        rate,
        study.units,
    )


def _fitted(path: Path, study: Study, contract: InputContract) -> NDArray[np.float32]:
    """Return a study's samples as the contract asks for them."""
    missing = [name for name in contract.lead_names if name not in study.lead_names]
    if missing:
        raise InputError(path, f"lacks {len(missing)} of the {len(contract.lead_names)} leads ({missing[0]})")
    if study.values.ndim - 1 != len(contract.shape):
        raise InputError(path, f"has {study.values.ndim - 1} dimensions; a {contract.kind} is needed")
    if study.units and contract.units and study.units != contract.units:
        raise InputError(path, f"is in {study.units}; {contract.units} is needed")
    values = study.values[[study.lead_names.index(name) for name in contract.lead_names]]
    if contract.kind == "image":
        return _resized(values, contract.shape)
    if contract.sampling_hz and study.sampling_hz and contract.sampling_hz != study.sampling_hz:
        values = _resampled(values, study.sampling_hz, contract.sampling_hz)
    length = contract.length
    return np.pad(values[:, :length], ((0, 0), (0, max(0, length - values.shape[1]))))


def _resampled(values: NDArray[np.float32], given: float, wanted: float) -> NDArray[np.float32]:
    from scipy import signal

    ratio = Fraction(wanted / given).limit_denominator(10_000)
    resampled: NDArray[np.float32] = signal.resample_poly(
        values.astype(np.float64), ratio.numerator, ratio.denominator, axis=1
    ).astype(np.float32)
    return resampled


def _resized(values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    if values.shape[1:] == shape:
        return values
    from PIL import Image

    height, width = shape
    planes = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
        for plane in values
    ]
    return np.stack(planes).astype(np.float32)
