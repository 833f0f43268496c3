"""Taking one patient out of a folder of votes: rows, columns, counts and manifest, and out for good."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from ..readers import QuarantinedRow
from ..schema import LabelSchema
from ..vote_files import from_table, read_manifest, read_votes, write_votes
from ..votes import FunctionInfo, VoteMatrix
from .erasure import add_erased
from .folder_votes import function_keys
from .job import FunctionKey
from .journal import add_entry
from .lock import lock_folder
from .merge import Whole, merge
from .store import PartStore, faults_of


def erase_patient(folder: str | Path, patient: str) -> list[str]:
    """Take a patient out of a folder of votes and return the ids of the records that are gone.

    The patient stays out when the folder is labeled again. What the folder says of other rows set aside is a place and
    a hash, and stays.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    if manifest["version"] == 1:
        return _erase_written(path, patient, manifest)
    schema = LabelSchema.from_json(manifest["schema"])
    gone: list[str] = []
    with lock_folder(path):
        add_erased(path, patient)
        keys = tuple(part["key"] for part in manifest["parts"])
        for key in keys:
            gone += _erase_part(PartStore(path, key), patient, schema)
        sources = tuple(manifest["sources"])
        merge(
            path,
            Whole(keys, function_keys(manifest), schema, sources, manifest["events"], manifest["id_field"]),
        )
        for raw in (path / "raw").glob("*"):
            raw.unlink()
        add_entry(path, "erase", {"records": len(gone)})
    return gone


def read_erasable(folder: str | Path, patient: str) -> list[str]:
    """Return the ids of the records that `erase_patient` would take out."""
    path = Path(folder)
    found: list[str] = []
    manifest = read_manifest(path)
    if manifest["version"] == 1:
        votes = read_votes(path)
        return [] if votes.ids is None else [str(name) for name in votes.ids[_theirs(votes, patient)]]
    for part in manifest["parts"]:
        rows = PartStore(path, part["key"]).rows(["id", "patient_id"]).to_pydict()
        found += [name for name, who in zip(rows["id"], rows["patient_id"], strict=True) if who == patient]
    return found


def _erase_written(path: Path, patient: str, manifest: Mapping[str, Any]) -> list[str]:
    """Take a patient out of votes that `write_votes` wrote: the folder is written anew, all or nothing."""
    votes = read_votes(path)
    theirs = _theirs(votes, patient)
    if not theirs.any():
        return []
    lines = (path / "quarantine.jsonl").read_bytes().splitlines()
    log = (path / "run.log.jsonl").read_bytes().splitlines()
    write_votes(
        votes.take_rows(~theirs),
        path,
        sources=manifest["sources"],
        quarantine=[QuarantinedRow(**orjson.loads(line)) for line in lines],
        log=orjson.loads(log[-1]) if log else None,
        overwrite=True,
    )
    return [] if votes.ids is None else [str(name) for name in votes.ids[theirs]]


def _theirs(votes: VoteMatrix, patient: str) -> NDArray[np.bool_]:
    """Return which records are a patient's."""
    if votes.patient_ids is None:
        return np.zeros(votes.n_records, dtype=bool)
    return np.asarray(votes.patient_ids == patient)


def _erase_part(store: PartStore, patient: str, schema: LabelSchema) -> list[str]:
    """Rewrite a part without a patient, when the patient is in it."""
    table = store.rows(["id", "patient_id"])
    theirs = np.array([name == patient for name in table.column("patient_id").to_pylist()], dtype=bool)
    if not theirs.any():
        return []
    _, groups = store.receipts()
    new_row = np.cumsum(~theirs) - 1
    for group in groups:
        keys = tuple(
            FunctionKey(f["name"], f["fingerprint"], tuple(f["polarity"]), f["key"])
            for f in group["functions"]
        )
        infos = tuple(FunctionInfo(key.name, key.fingerprint, key.polarity) for key in keys)
        votes = from_table(store.columns(keys, [group]).filter(pa.array(~theirs)), schema, infos)
        poison = [int(new_row[row]) for row in group["poison"] if not theirs[row]]
        store.write_columns(
            keys, votes, [faults_of(f) for f in group["functions"]], poison, group["versions"]
        )
    store.erase_rows(theirs)
    for file in store.path.glob("counts-*.npz"):
        file.unlink()
    return [str(name) for name in table.filter(pa.array(theirs)).column("id").to_pylist()]
