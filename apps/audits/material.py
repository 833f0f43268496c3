"""The records of an audit: predictions joined with gold, patients, columns, slices, embeddings and signals by id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal import Predictions, patient_split
from sidelight.label_model import Labels
from sidelight.labeling import InputError, LabelSchema, UsageError, encode_gold, load_functions
from sidelight.slicing import SFApplier, SliceMatrix, SlicingFunction, as_slices, strata

Fields = Callable[[Sequence[str], Sequence[str]], dict[str, dict[str, Any]]]
"""Reads columns of the export, wanted ones and ones it may lack, as {column: {id: cell}}."""


@dataclass(frozen=True, eq=False)
class Material:
    """All predictions that are of known records, and which of them are audited.

    Parameters
    ----------
    ids, patients : ndarray of str of shape (n_records,)
        Patients are empty where unknown.
    proba : ndarray of shape (n_records, n_classes)
    gold : ndarray of int of shape (n_records,)
        Class numbers, -1 where missing.
    schema : LabelSchema
    rows : ndarray of int
        The records audited.
    training : ndarray of int
        The records the model was trained on; empty where not known.
    columns : mapping of str to list of shape (n_records,)
        Cells of the export.
    members : SliceMatrix
        Slices of all records.
    n_unknown : int
        Predictions of studies that the export does not hold.
    embeddings : mapping of str to ndarray of shape (n_records, n_features)
        The model's own first.
    signals : object, optional
        A `SignalSet` or `StudyFiles`, and the row of each record in it.
    bundle : Bundle, optional
    """

    ids: NDArray[np.str_]
    patients: NDArray[np.str_]
    proba: NDArray[np.float64]
    gold: NDArray[np.int64]
    schema: LabelSchema
    rows: NDArray[np.intp]
    training: NDArray[np.intp]
    columns: Mapping[str, list[Any]]
    members: SliceMatrix
    n_unknown: int
    embeddings: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    signals: Any = None
    signal_rows: NDArray[np.intp] | None = None
    bundle: Any = None

    def cells(self, name: str, rows: NDArray[np.intp]) -> list[Any]:
        """Return some records' cells of a column."""
        return [self.columns[name][row] for row in rows.tolist()]


def read_material(
    predictions: str | Path,
    fields: Fields,
    gold_column: str,
    *,
    finding: str | None = None,
    bundle: str | Path | None = None,
    part: str = "test",
    slices: str | None = None,
    reading: Callable[[], Any] | None = None,
    columns: Sequence[str] = (),
    optional: Sequence[str] = (),
    strata_columns: Sequence[str] = (),
    signals: str | Path | None = None,
    embeddings: str | Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Material:
    """Join everything an audit needs by record id; rows are never joined by position.

    Parameters
    ----------
    predictions : path-like
        The table of `sidelight predict`.
    fields : callable
        Reads columns of the export.
    gold_column : str
        Its column of gold labels.
    finding : str, optional
        The one to audit, of predictions of several that may be present together; `gold_column` if not given.
    bundle, part
        The bundle that predicted, and which part of its split is audited.
    slices : str, optional
        A file or module of slicing functions; `reading` then opens the export once more.
    columns : sequence of str
        Further columns to read.
    optional : sequence of str
        Columns to read where the export has them.
    strata_columns : sequence of str
        Columns whose values become slices.
    signals, embeddings : path-like, optional
        Signals of the studies, for embeddings by the bundle and for pictures; or embeddings in an NPZ file.
    say : callable, optional
        Told what a person must know.
    """
    table = _one_finding(Predictions.read(predictions), finding, gold_column)
    wanted = list(dict.fromkeys([gold_column, *strata_columns, *columns]))
    found = fields(wanted, ["patient_id", *optional])
    known = np.array([str(name) in found[gold_column] for name in table.ids], dtype=bool)
    if not known.any():
        raise UsageError("no prediction is of a study in the records; is --id the right column?")
    ids, proba = table.ids[known].astype(np.str_), table.proba[known]
    owners = found.get("patient_id") or {}
    patients = np.array([owners.get(str(name)) or "" for name in ids], dtype=np.str_)
    model = None
    if bundle is not None:
        from sidelight.crossmodal import load_bundle

        model = load_bundle(bundle)
        if table.bundle and model.fingerprint != table.bundle:
            raise UsageError(f"{Path(bundle).name} is not the bundle that made these predictions")
    else:
        say("no --bundle given: patients that the model was trained on may be among these")
    rows, training = _parts(model, part, patients, ids)
    cells = {
        name: [column.get(str(row)) for row in ids]
        for name, column in found.items()
        if name != "patient_id" and column
    }
    gold = np.asarray(encode_gold(cells[gold_column], table.schema), dtype=np.int64)
    members = as_slices(strata({name: cells[name] for name in strata_columns})) if strata_columns else None
    if slices is not None and reading is not None:
        named = SFApplier(load_functions(slices, SlicingFunction)).apply(reading()).align(ids)
        members = named if members is None else _joined(named, members)
    if members is None:
        members = SliceMatrix(np.zeros((len(ids), 0), dtype=bool), ())
    views, signal_set, signal_rows = _views(model, ids, signals, embeddings, say)
    return Material(
        ids, patients, proba, gold, table.schema, rows, training, cells, members, int((~known).sum()),
        views, signal_set, signal_rows, model,
    )  # fmt: skip


def _one_finding(table: Predictions, finding: str | None, gold_column: str) -> Predictions:
    """Return the predictions of one finding as those of two classes; others as they are."""
    names = table.schema.classes
    if not table.multi_label:
        if finding is not None:
            raise UsageError(f"--finding {finding!r}: these predictions are of one task, {', '.join(names)}")
        return table
    chosen = gold_column if finding is None else finding
    if chosen not in names:
        raise UsageError(
            f"these predictions are of several findings, and {chosen!r} is none; --finding is one of {', '.join(names)}"
        )
    present = table.proba[:, names.index(chosen)]
    proba = np.column_stack([1 - present, present])
    return replace(
        table, proba=proba, schema=LabelSchema((f"no {chosen}", chosen), chosen), multi_label=False
    )


def without_taught(material: Material, labels: Labels | None, say: Callable[[str], None]) -> Material:
    """Return material without the gold labels that a label model learned from: they would judge what they taught.

    Parameters
    ----------
    material : Material
    labels : Labels, optional
        The labels trained on, which say which gold labels these are.
    say : callable
        Told what a person must know.
    """
    if labels is not None and labels.from_gold is not None:
        taught = np.isin(material.ids, labels.ids[labels.from_gold]) & (material.gold >= 0)
        if taught.any():
            say(f"gold labels that taught the label model, and measure nothing: {int(taught.sum())}")
        return replace(material, gold=np.where(taught, -1, material.gold))
    told = None if material.bundle is None else material.bundle.lineage.get("labels")
    if isinstance(told, Mapping):
        sources = [told, *(part for part in told.values() if isinstance(part, Mapping))]
        if any(source.get("gold_records") for source in sources):
            say("the label model learned from gold labels; the table that it wrote says which: --labels FILE")
    return material


def _joined(first: SliceMatrix, second: SliceMatrix) -> SliceMatrix:
    clash = sorted(set(first.names) & set(second.names))
    if clash:
        raise UsageError(f"a slicing function and a stratum are both called {clash[0]!r}")
    return SliceMatrix(np.concatenate([first.values, second.values], axis=1), (*first.names, *second.names))


def _parts(
    model: Any, part: str, patients: NDArray[np.str_], ids: NDArray[np.str_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which records are audited, and which the model learned from."""
    everyone, nobody = np.arange(len(ids)), np.zeros(0, dtype=np.intp)
    cut = None if model is None else model.lineage.get("split")
    if cut is None:
        return everyone, nobody
    split = patient_split(patients, dict(cut["fractions"]), key=cut["key"], ids=ids)
    training = split["train"] if "train" in split.names else nobody
    if part == "all":
        return everyone, training
    if part not in split.names:
        raise UsageError(f"no part {part!r}; the bundle's split has {', '.join(split.names)}, or all")
    if not len(split[part]):
        raise UsageError(f"no prediction is of a patient in the part {part!r} of the bundle's split")
    return split[part], nobody if part == "train" else training


def _views(
    model: Any,
    ids: NDArray[np.str_],
    signals: str | Path | None,
    embeddings: str | Path | None,
    say: Callable[[str], None],
) -> tuple[dict[str, NDArray[np.float64]], Any, NDArray[np.intp] | None]:
    """Return embeddings of every record, the signals, and the row of each record in them."""
    views: dict[str, NDArray[np.float64]] = {}
    signal_set, place = None, None
    if signals is not None:
        signal_set = _studies(Path(signals), model)
        at = {str(name): row for row, name in enumerate(signal_set.ids)}
        place = np.array([at.get(str(name), -1) for name in ids], dtype=np.intp)
        if (place < 0).all():
            raise UsageError(f"{Path(signals).name} holds none of the predicted studies")
        if (place < 0).any():
            say(f"{int((place < 0).sum())} predicted studies have no signal; the search leaves them out")
        if model is not None:
            own = model.embed(signal_set.take(place[place >= 0]))
            views["model"] = _spread_out(own, place >= 0)
    if embeddings is not None:
        views |= _read_embeddings(Path(embeddings), ids)
    return views, signal_set, place


def _studies(path: Path, model: Any) -> Any:
    """Open an NPZ file of signals, or a folder of study files as the bundle takes them."""
    from sidelight.crossmodal import SignalSet, StudyFiles

    if not path.is_dir():
        return SignalSet.read(path)
    if model is None:
        raise UsageError("--signals is a folder: --bundle is needed to know what its files should be")
    contract = model.contract
    return StudyFiles.open(
        path, lead_names=contract.lead_names, sampling_hz=contract.sampling_hz or None, shape=contract.shape
    )


def _read_embeddings(path: Path, ids: NDArray[np.str_]) -> dict[str, NDArray[np.float64]]:
    """Read an NPZ file of `ids` and one or several arrays of shape (n, n_features)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise InputError(path, "does not exist") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(path, "is no NPZ file of arrays") from error
    names = arrays.pop("ids", arrays.pop("id", None))
    if names is None:
        raise InputError(path, "has no array 'ids': embeddings are joined by id")
    at = {str(name): row for row, name in enumerate(names.tolist())}
    place = np.array([at.get(str(name), -1) for name in ids], dtype=np.intp)
    if (place < 0).all():
        raise InputError(path, "holds none of the predicted studies")
    views = {}
    for name, values in arrays.items():
        if values.ndim != 2 or len(values) != len(names):
            raise InputError(path, f"array {name!r} has shape {values.shape}; it is (n_records, n_features)")
        views[name] = _spread_out(values[place[place >= 0]], place >= 0)
    return views


def _spread_out(values: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return rows for all records, NaN for those without an embedding."""
    found = np.full((len(there), values.shape[1]), np.nan)
    found[there] = values
    return found
