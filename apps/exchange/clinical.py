"""Labels for clinical systems: FHIR Observations as NDJSON, and rows of OMOP's NOTE_NLP."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sidelight import __version__
from sidelight.labeling import InputError, LabelSchema, UsageError, write_file
from sidelight.labeling.spreadsheet import plain_cell

from .content import Content, make_labels, shares_of, text
from .tables import json_lines

_SYSTEM = "urn:sidelight:label"
_NOTE_NLP = (
    "note_nlp_id", "note_id", "section_concept_id", "snippet", "offset", "lexical_variant", "note_nlp_concept_id",
    "note_nlp_source_concept_id", "nlp_system", "nlp_date", "nlp_datetime", "term_exists", "term_temporal", "term_modifiers",
)  # fmt: skip


class FhirObservationFormat:
    """One Observation a labeled record, preliminary, derived from its document; probabilities are components."""

    needs = ""

    def write(self, content: Content, path: Path) -> None:
        """Write the resources."""
        task = content.labels.schema.task
        lines = []
        for name, patient, label, proba in content.rows():
            chosen = content.class_name(label)
            resource: dict[str, Any] = {
                "resourceType": "Observation",
                "id": f"{task}-{name}"[:64],
                "status": "preliminary",
                "code": {"coding": [{"system": _SYSTEM, "code": task}], "text": task},
                "method": {"text": content.model},
                "derivedFrom": [{"reference": f"DocumentReference/{name}"}],
                "component": [
                    {
                        "code": {"coding": [{"system": _SYSTEM, "code": c}]},
                        "valueQuantity": {"value": share, "unit": "1"},
                    }
                    for c, share in shares_of(content, proba).items()
                ],
            }
            if patient:
                resource["subject"] = {"reference": f"Patient/{patient}"}
            if chosen is None:
                resource["dataAbsentReason"] = {"coding": [{"code": "unknown"}]}
            else:
                resource["valueCodeableConcept"] = {
                    "coding": [{"system": _SYSTEM, "code": chosen}],
                    "text": chosen,
                }
            lines.append(json.dumps(resource, ensure_ascii=False) + "\n")
        write_file(path, "".join(lines))

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read the resources."""
        rows: list[Any] = []
        classes: list[str] | None = None
        task = "label"
        for number, resource in enumerate(json_lines(path), start=1):
            try:
                name = resource["derivedFrom"][0]["reference"].partition("/")[2]
                patient = resource.get("subject", {}).get("reference", "").partition("/")[2]
                shares = {
                    c["code"]["coding"][0]["code"]: c["valueQuantity"]["value"] for c in resource["component"]
                }
                value = resource.get("valueCodeableConcept", {}).get("coding", [{}])[0].get("code")
                task = resource["code"]["coding"][0]["code"]
            except (KeyError, IndexError, TypeError, AttributeError):
                raise InputError(path, f"line {number} is no Observation of a label") from None
            classes = classes or list(shares)
            rows.append((name, patient, value, shares))
        schema = schema or (LabelSchema(classes, task=task) if classes else None)
        return Content(make_labels(rows, schema, path, source="fhir-observation"))


class NoteNlpFormat:
    """One row of NOTE_NLP a labeled note, its probabilities among the term's modifiers; record ids are note ids."""

    needs = ""

    def write(self, content: Content, path: Path) -> None:
        """Write a CSV file."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow(_NOTE_NLP)
        now = datetime.now(UTC)
        for number, (name, _, label, proba) in enumerate(content.rows(), start=1):
            if not name.isdigit():
                raise UsageError("record ids are no note ids of OMOP, which are whole numbers")
            chosen = content.class_name(label)
            modifiers = ",".join(f"{c}={share!r}" for c, share in shares_of(content, proba).items())
            writer.writerow(
                [number, name, 0, "", "", "" if chosen is None else f"{content.labels.schema.task}={chosen}", 0, 0,
                 f"sidelight {__version__} {content.model}", f"{now:%Y-%m-%d}", f"{now:%Y-%m-%d %H:%M:%S}",
                 "" if chosen is None else "Y", "", modifiers]
            )  # fmt: skip
        write_file(path, buffer.getvalue())

    def read(self, path: Path, schema: LabelSchema | None) -> Content:
        """Read such rows; those of other systems are passed over."""
        rows: list[Any] = []
        classes: list[str] | None = None
        task = "label"
        try:
            with path.open(newline="", encoding="utf-8") as file:
                entries = list(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error):
            raise InputError(path, "cannot be read as CSV in UTF-8") from None
        for number, entry in enumerate(entries, start=2):
            if not text(entry.get("nlp_system")).startswith("sidelight"):
                continue
            try:
                pairs = [pair.rpartition("=") for pair in entry["term_modifiers"].split(",")]
                shares = {name: float(value) for name, _, value in pairs}
                found, _, label = plain_cell(entry["lexical_variant"]).partition("=")
            except (KeyError, ValueError):
                raise InputError(path, f"row {number} is no label of sidelight's") from None
            classes, task = classes or list(shares), found or task
            rows.append((entry["note_id"], "", label or None, shares))
        schema = schema or (LabelSchema(classes, task=task) if classes else None)
        return Content(make_labels(rows, schema, path, source="omop-note-nlp"))
