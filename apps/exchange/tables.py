"""Tables: Parquet, the Parquet layout of Hugging Face datasets, CSV that a spreadsheet opens without harm, JSON lines."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sidelight.label_model import Labels
from sidelight.labeling import InputError, LabelSchema, write_file, write_folder
from sidelight.labeling.spreadsheet import plain_cell, safe_cell

from .content import Content, make_labels, shares_of, text


class ParquetFormat:
    """The table of labels itself."""

    needs = ""

    def write(self, content: Content, path: Path) -> None:
        """Write a Parquet file."""
        content.labels.write(path)

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read a Parquet file that `Labels.write` made."""
        return Content(Labels.read(path))


class HuggingFaceFormat:
    """A folder that `datasets.load_dataset` reads: one Parquet file, its features described."""

    needs = ""

    def write(self, content: Content, path: Path) -> None:
        """Write the folder."""
        classes = list(content.labels.schema.classes)
        rows = list(content.rows())
        columns: dict[str, Any] = {
            "id": pa.array([name for name, *_ in rows], pa.string()),
            "patient_id": pa.array([patient for _, patient, *_ in rows], pa.string()),
            "label": pa.array([label for _, _, label, _ in rows], pa.int64()),
            "probabilities": pa.array([proba.tolist() for *_, proba in rows], pa.list_(pa.float64())),
        }
        features: dict[str, Any] = {
            "id": {"dtype": "string", "_type": "Value"},
            "patient_id": {"dtype": "string", "_type": "Value"},
            "label": {"names": classes, "_type": "ClassLabel"},
            "probabilities": {"feature": {"dtype": "float64", "_type": "Value"}, "_type": "Sequence"},
        }
        if content.from_gold:
            columns["from_gold"] = pa.array(content.from_gold, pa.bool_())
            features["from_gold"] = {"dtype": "bool", "_type": "Value"}
        if content.texts:
            columns["text"] = pa.array([content.texts.get(name, "") for name, *_ in rows], pa.string())
            features["text"] = {"dtype": "string", "_type": "Value"}
        about = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns).replace_schema_metadata(about), sink, compression="zstd")
        with write_folder(path, overwrite=True) as folder:
            write_file(folder / "data" / "train-00000-of-00001.parquet", sink.getvalue().to_pybytes())

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read such a folder."""
        files = sorted(path.glob("data/*.parquet")) or sorted(path.glob("*.parquet"))
        if not files:
            raise InputError(path, "holds no Parquet file in data/")
        rows: list[Any] = []
        taught: list[bool] = []
        for file in files:
            table = pq.read_table(file)
            about = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
            names = about.get("info", {}).get("features", {}).get("label", {}).get("names")
            schema = schema or (LabelSchema(names) if names else None)
            for row in table.to_pylist():
                shares = None
                if names and row.get("probabilities") is not None:
                    shares = dict(zip(names, row["probabilities"], strict=True))
                rows.append((text(row["id"]), text(row.get("patient_id")), row["label"], shares))
            taught += (
                [bool(value) for value in table["from_gold"].to_pylist()]
                if "from_gold" in table.column_names
                else []
            )
        return Content(
            make_labels(
                rows, schema, path, source="huggingface", from_gold=taught if len(taught) == len(rows) else ()
            )
        )


class CsvFormat:
    """One row a record; cells that a spreadsheet would run as a formula get an apostrophe before them."""

    needs = ""

    def write(self, content: Content, path: Path) -> None:
        """Write a CSV file."""
        classes = content.labels.schema.classes
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        more = ["from_gold"] * bool(content.from_gold) + ["text"] * bool(content.texts)
        writer.writerow(
            [safe_cell(name) for name in ("id", "patient_id", "label", *(f"p_{c}" for c in classes), *more)]
        )
        for number, (name, patient, label, proba) in enumerate(content.rows()):
            shown = [str(content.from_gold[number]).lower()] if content.from_gold else []
            shown += [content.texts.get(name, "")] if content.texts else []
            cells = [
                name,
                patient,
                content.class_name(label) or "",
                *(repr(float(share)) for share in proba),
                *shown,
            ]
            writer.writerow([safe_cell(cell) for cell in cells])
        write_file(path, buffer.getvalue())

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read such a file; a file with `id` and `label` alone will do."""
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                table = [[plain_cell(cell) for cell in row] for row in csv.reader(file)]
        except (OSError, UnicodeDecodeError, csv.Error):
            raise InputError(path, "cannot be read as CSV in UTF-8") from None
        head = table[0] if table else []
        if "id" not in head or "label" not in head:
            raise InputError(path, "has no columns id and label")
        classes = [name.removeprefix("p_") for name in head if name.startswith("p_")]
        rows: list[Any] = []
        taught: list[bool] = []
        for number, cells in enumerate(table[1:], start=2):
            row = dict(zip(head, cells, strict=False))
            try:
                shares = {name: float(row[f"p_{name}"]) for name in classes} if classes else None
            except (KeyError, ValueError):
                raise InputError(
                    path, f"row {number} holds no probability where there should be one"
                ) from None
            rows.append((row["id"], row.get("patient_id", ""), row["label"] or None, shares))
            if "from_gold" in head:
                taught.append(row.get("from_gold", "").strip().lower() in ("true", "1", "yes"))
        schema = schema or (LabelSchema(classes) if len(classes) > 1 else None)
        return Content(make_labels(rows, schema, path, source="csv", from_gold=taught))


class JsonLinesFormat:
    """One JSON object a record."""

    needs = ""

    def write(self, content: Content, path: Path) -> None:
        """Write the lines."""
        lines = []
        for number, (name, patient, label, proba) in enumerate(content.rows()):
            entry: dict[str, Any] = {
                "id": name, "patient_id": patient, "label": content.class_name(label), "probabilities": shares_of(content, proba),
            }  # fmt: skip
            if content.from_gold:
                entry["from_gold"] = content.from_gold[number]
            if content.texts:
                entry["text"] = content.texts.get(name, "")
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        write_file(path, "".join(lines))

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read such lines."""
        entries = json_lines(path)
        rows: list[Any] = [
            (text(e.get("id")), text(e.get("patient_id")), e.get("label"), e.get("probabilities"))
            for e in entries
        ]
        first = next((e["probabilities"] for e in entries if e.get("probabilities")), None)
        schema = schema or (LabelSchema(list(first)) if first else None)
        taught = (
            [e.get("from_gold") is True for e in entries] if any("from_gold" in e for e in entries) else []
        )
        return Content(make_labels(rows, schema, path, source="jsonl", from_gold=taught))


def json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        raise InputError(path, "cannot be read as JSON lines in UTF-8") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            entry = None
        if not isinstance(entry, dict):
            raise InputError(path, f"line {number} is no JSON object")
        found.append(entry)
    return found
