"""A small export and a file of functions that the engine's tests share."""

import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FUNCTIONS = """
from sidelight.labeling import LabelSchema, labeling_function, keyword_lf

schema = LabelSchema(["no", "yes"])
fever = keyword_lf("fever", ["fever"], "yes")


@labeling_function
def long(record):
    return "yes" if len(record.text) > 20 else None


@labeling_function
def even(record):
    return "no" if int(record.id) % 2 == 0 else None
"""


@pytest.fixture
def functions(tmp_path):
    path = tmp_path / "lfs.py"
    path.write_text(textwrap.dedent(FUNCTIONS))
    return path


def notes(start, stop):
    """Return records with ids from `start` on, two a patient."""
    return [
        {
            "id": str(i),
            "patient_id": f"p{i // 2}",
            "text": ("no fever" if i % 3 else "cough") + " and more" * (i % 4),
        }
        for i in range(start, stop)
    ]


def write_parts(folder: Path, n_parts: int = 6, n_rows: int = 50) -> Path:
    """Write an export of `n_parts` Parquet files."""
    folder.mkdir()
    for part in range(n_parts):
        pq.write_table(
            pa.Table.from_pylist(notes(part * n_rows, (part + 1) * n_rows)), folder / f"p{part:03}.parquet"
        )
    return folder


@pytest.fixture
def export(tmp_path):
    return write_parts(tmp_path / "export")


def content(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder of votes that must not vary between runs."""
    varying = {"run.log.jsonl", "inputs.json", ".lock"}
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in varying
    }
