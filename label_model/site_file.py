"""Counts of one site as a small folder, to be merged with those of others: no record, no id, no text."""

import io
import json
from pathlib import Path

import numpy as np
from scipy import sparse

from sidelight.labeling import LabelSchema
from sidelight.labeling.faults import InputError, UsageError
from sidelight.labeling.folder import write_file, write_folder
from sidelight.labeling.moments import Moments

FORMAT = "sidelight moments"
VERSION = 1


def write_moments(
    moments: Moments, folder: str | Path, *, rho: float | None = None, overwrite: bool = False
) -> Path:
    """Write counts to a folder: `moments.json` and `counts.npz`.

    Parameters
    ----------
    moments : Moments
        What to write.
    folder : path-like
        Where.
    rho : float, optional
        Privacy loss spent on these counts, when they come from `private_moments`; stands in the file.
    overwrite : bool, default False
        Replace a folder that is there already.
    """
    if sparse.issparse(moments.pairs):
        raise UsageError(f"{moments.pairs.shape[0]} different votes are too many for one file of counts")
    about = {
        "format": FORMAT,
        "version": VERSION,
        "schema": moments.schema.to_json(),
        "functions": list(moments.names),
        "n_records": moments.n_records,
        "n_covered": moments.n_covered,
        "rho": rho,
        "noisy": moments.noisy,
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, pairs=moments.pairs)
    with write_folder(folder, overwrite=overwrite) as temporary:
        write_file(temporary / "moments.json", json.dumps(about, indent=1, sort_keys=True) + "\n")
        write_file(temporary / "counts.npz", buffer.getvalue())
    return Path(folder)


def read_moments(folder: str | Path) -> Moments:
    """Read what `write_moments` wrote.

    Raises
    ------
    InputError
        When the folder holds no counts, or those of a newer version.
    """
    path = Path(folder)
    try:
        about = json.loads((path / "moments.json").read_text())
        with np.load(path / "counts.npz", allow_pickle=False) as stored:
            pairs = stored["pairs"].astype(np.int64)
    except (OSError, ValueError, KeyError):
        raise InputError(path, "holds no readable counts (moments.json and counts.npz)") from None
    if about.get("format") != FORMAT or about.get("version", VERSION + 1) > VERSION:
        raise InputError(path, f"holds no {FORMAT} of version {VERSION} or older")
    schema, names = LabelSchema.from_json(about["schema"]), tuple(about["functions"])
    size = len(names) * schema.cardinality
    if pairs.shape != (size, size):
        raise InputError(path, f"counts of shape {pairs.shape} for {len(names)} functions")
    singles = pairs.diagonal().reshape(len(names), schema.cardinality).copy()
    noisy = bool(about.get("noisy", about.get("rho") is not None))
    return Moments(
        schema, names, int(about["n_records"]), int(about["n_covered"]), singles, pairs, noisy=noisy
    )
