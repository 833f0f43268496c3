"""Labels in and out: JSONL of our own that comes back whole, and the files of Label Studio, doccano and Prodigy."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sidelight.labeling import InputError, LabelSchema, UsageError, write_file

from .store import LabelEvent, LabelStore, Ledger, new_event_id

FORMAT = 1


def to_jsonl(ledger: Ledger, schema: LabelSchema) -> str:
    """Return the settled label of each record, one JSON object a line, in order of id; no text, no comments."""
    lines = []
    for item_id, decision in sorted(ledger.decisions().items()):
        entry = {
            "id": item_id, "label": decision.label, "source": decision.source,
            "annotators": list(decision.annotators), "task": schema.task,
        }  # fmt: skip
        lines.append(json.dumps(entry, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def export_labels(store: LabelStore, path: str | Path, schema: LabelSchema) -> int:
    """Write the settled labels as JSONL and return how many there are."""
    write_file(path, content := to_jsonl(store.ledger(), schema))
    return content.count("\n")


def export_events(store: LabelStore, path: str | Path) -> int:
    """Write every event as JSONL: what `import_events` reads back, undone labels and comments included."""
    events = store.events()
    lines = [json.dumps({"format": FORMAT, **event.to_json()}, ensure_ascii=False) for event in events]
    write_file(path, "".join(f"{line}\n" for line in lines))
    return len(events)


def import_events(store: LabelStore, path: str | Path) -> int:
    """Add the events of a file that `export_events` wrote; those the store has already count once."""
    events = []
    for number, entry in _json_lines(Path(path)):
        try:
            events.append(LabelEvent.from_json({**entry, "seq": 0}))
        except (TypeError, UsageError):
            raise InputError(path, f"line {number} is no label event") from None
    return sum(receipt.new for receipt in store.add_all(events))


def import_labels(
    store: LabelStore, path: str | Path, schema: LabelSchema, *, tool: str = "jsonl", annotator: str = ""
) -> int:
    """Add labels from a file of another tool.

    Parameters
    ----------
    store : LabelStore
        Where they go.
    path : path-like
        The file.
    schema : LabelSchema
        Its classes are the only labels taken.
    tool : {"jsonl", "label-studio", "doccano", "prodigy"}, default "jsonl"
        Who wrote it. In each the record's id is `id`, or stands in the data or meta that the tool carried along.
    annotator : str, optional
        Whose labels these are, where the file does not say.

    Returns
    -------
    int
        How many labels were new.
    """
    if tool not in FORMATS:
        raise UsageError(f"no format {tool!r}; there are {', '.join(FORMATS)}")
    events = []
    for number, item_id, label, who in FORMATS[tool](Path(path)):
        if label not in schema.classes:
            raise InputError(
                path, f"entry {number} has a label that is no class; there are {', '.join(schema.classes)}"
            )
        person = who or annotator
        if not item_id or not person:
            raise InputError(path, f"entry {number} has no {'record id' if not item_id else 'annotator'}")
        events.append(LabelEvent(new_event_id(), item_id, person, "label", label, queue=f"import:{tool}"))
    return sum(receipt.new for receipt in store.add_all(events))


_Labels = Iterator[tuple[int, str, str, str]]


def _own(path: Path) -> _Labels:
    for number, entry in _json_lines(path):
        people = entry.get("annotators") or [""]
        for who in people:
            yield number, _text(entry.get("id")), _text(entry.get("label")), _text(who)


def _label_studio(path: Path) -> _Labels:
    """Read a JSON export: tasks with annotations whose result holds one choice."""
    for number, task in enumerate(_json_list(path), start=1):
        item_id = _text((task.get("data") or {}).get("id"))
        for annotation in task.get("annotations") or []:
            if annotation.get("was_cancelled"):
                continue
            who = annotation.get("completed_by")
            who = who.get("email") or who.get("id") if isinstance(who, Mapping) else who
            for result in annotation.get("result") or []:
                choices = (result.get("value") or {}).get("choices")
                if choices:
                    yield number, item_id, _text(choices[0]), _text(who)


def _doccano(path: Path) -> _Labels:
    """Read a JSONL export of text classification: `label` is a list, the record's id among the imported columns."""
    for number, entry in _json_lines(path):
        meta = entry.get("meta") or entry.get("metadata") or {}
        item_id = entry.get("record_id") or meta.get("record_id") or meta.get("id") or entry.get("id")
        for label in entry.get("label") or entry.get("labels") or []:
            yield number, _text(item_id), _text(label), _text(entry.get("username"))


def _prodigy(path: Path) -> _Labels:
    """Read `db-out` of a choice or textcat task: only accepted answers count."""
    for number, entry in _json_lines(path):
        if entry.get("answer") != "accept":
            continue
        item_id = (entry.get("meta") or {}).get("id") or entry.get("id")
        who = _text(entry.get("_annotator_id") or entry.get("_session_id"))
        for label in entry.get("accept") or ([entry["label"]] if entry.get("label") else []):
            yield number, _text(item_id), _text(label), who


FORMATS: Mapping[str, Callable[[Path], _Labels]] = {
    "jsonl": _own,
    "label-studio": _label_studio,
    "doccano": _doccano,
    "prodigy": _prodigy,
}
"""Readers of other tools' labels, by the name of the tool."""


def to_label_studio(store: LabelStore) -> list[dict[str, Any]]:
    """Return Label Studio tasks with one annotation a person, by record id; texts stay at home."""
    return [
        {
            "data": {"id": item_id},
            "annotations": [
                {"completed_by": {"email": who}, "result": [_choice(event.value)]}
                for who, event in sorted(people.items())
            ],
        }
        for item_id, people in sorted(store.ledger().labels().items())
    ]


def _choice(label: str) -> dict[str, Any]:
    return {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if line.strip():
            yield number, _object(path, number, line)


def _json_list(path: Path) -> list[dict[str, Any]]:
    try:
        data = json.loads(_read(path))
    except ValueError:
        data = None
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise InputError(path, "is no JSON list of tasks")
    return data


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise InputError(path, f"line {number} is no JSON object")
    return entry


def _read(path: Path) -> str:
    problem = ""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    raise InputError(path, problem)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
