"""Programs in which people label: Label Studio, doccano and Prodigy; labels go out as suggestions and come back as given."""

import json
from pathlib import Path
from typing import Any

from sidelight.labeling import InputError, LabelSchema, write_file

from .content import Content, make_labels, text
from .tables import json_lines


class LabelStudioFormat:
    """Tasks with predictions; comes back with annotations, which count before predictions."""

    needs = "text"

    def write(self, content: Content, path: Path) -> None:
        """Write the tasks as one JSON list."""
        tasks = []
        for name, patient, label, proba in content.rows():
            task: dict[str, Any] = {
                "data": {"id": name, "patient_id": patient, "text": content.texts.get(name, "")}
            }
            chosen = content.class_name(label)
            if chosen is not None:
                result = {
                    "from_name": "label",
                    "to_name": "text",
                    "type": "choices",
                    "value": {"choices": [chosen]},
                }
                score = float(proba[label])
                task["predictions"] = [{"model_version": content.model, "score": score, "result": [result]}]
            tasks.append(task)
        write_file(path, json.dumps(tasks, ensure_ascii=False, indent=1))

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read tasks; a record that several people labeled differently gets no label."""
        try:
            tasks = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InputError(path, "cannot be read as JSON") from None
        rows: list[Any] = []
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise InputError(path, "is no list of tasks")
        for task in tasks:
            data = task.get("data") or {}
            given = {
                c for a in task.get("annotations") or [] if not a.get("was_cancelled") for c in _choices(a)
            }
            found = given or {c for p in (task.get("predictions") or [])[:1] for c in _choices(p)}
            label = found.pop() if len(found) == 1 else None
            rows.append((text(data.get("id")), text(data.get("patient_id")), label, None))
        return Content(make_labels(rows, schema, path, source="label-studio"))


class DoccanoFormat:
    """JSON lines of text classification."""

    needs = "text"

    def write(self, content: Content, path: Path) -> None:
        """Write the lines."""
        lines = []
        for name, patient, label, _ in content.rows():
            chosen = content.class_name(label)
            entry = {
                "text": content.texts.get(name, ""), "label": [] if chosen is None else [chosen],
                "record_id": name, "patient_id": patient,
            }  # fmt: skip
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        write_file(path, "".join(lines))

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read the lines; the record's id is among the columns that doccano carried along."""
        rows: list[Any] = []
        for entry in json_lines(path):
            meta = entry.get("meta") or entry.get("metadata") or {}
            name = entry.get("record_id") or meta.get("record_id") or entry.get("id")
            patient = entry.get("patient_id") or meta.get("patient_id")
            labels = entry.get("label") or entry.get("labels") or []
            rows.append((text(name), text(patient), labels[0] if len(labels) == 1 else None, None))
        return Content(make_labels(rows, schema, path, source="doccano"))


class ProdigyFormat:
    """JSON lines of a choice task; only accepted answers come back."""

    needs = "text"

    def write(self, content: Content, path: Path) -> None:
        """Write the lines."""
        options = [{"id": name, "text": name} for name in content.labels.schema.classes]
        lines = []
        for name, patient, label, _ in content.rows():
            chosen = content.class_name(label)
            entry = {
                "text": content.texts.get(name, ""), "options": options, "accept": [] if chosen is None else [chosen],
                "answer": "accept", "meta": {"id": name, "patient_id": patient},
            }  # fmt: skip
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        write_file(path, "".join(lines))

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read what `prodigy db-out` wrote."""
        rows: list[Any] = []
        for entry in json_lines(path):
            meta = entry.get("meta") or {}
            accepted = entry.get("accept") or ([entry["label"]] if entry.get("label") else [])
            label = accepted[0] if entry.get("answer") == "accept" and len(accepted) == 1 else None
            rows.append((text(meta.get("id") or entry.get("id")), text(meta.get("patient_id")), label, None))
        return Content(make_labels(rows, schema, path, source="prodigy"))


def _choices(annotation: dict[str, Any]) -> list[str]:
    """Return the classes that an annotation or prediction of Label Studio chooses."""
    return [
        choice
        for result in annotation.get("result") or []
        for choice in (result.get("value") or {}).get("choices") or []
    ]
