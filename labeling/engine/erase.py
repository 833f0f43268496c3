"""Taking one patient out of a folder of votes: rows, columns, counts and manifest, and out for good."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from ..faults import UsageError
from ..schema import LabelSchema
from ..vote_files import from_table, read_manifest
from ..votes import FunctionInfo
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
        raise UsageError(
            f"{path.name} holds its votes in one file; label the export again to a folder of parts"
        )
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
    for part in read_manifest(path)["parts"]:
        rows = PartStore(path, part["key"]).rows(["id", "patient_id"]).to_pydict()
        found += [name for name, who in zip(rows["id"], rows["patient_id"], strict=True) if who == patient]
    return found


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
