"""FHIR R4 resources as rows: documents with their text, visits, and events; whatever their shape, no exception."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from .attachments import AttachmentError, attachment_text
from .columns import parse_time
from .events import EventRow
from .versions import version_number

DOCUMENTS = frozenset({"DocumentReference", "DiagnosticReport"})
VISIT = "Encounter"
EVENT_KINDS = {
    "Condition": "condition",
    "MedicationRequest": "drug",
    "MedicationStatement": "drug",
    "MedicationAdministration": "drug",
    "Procedure": "procedure",
    "Observation": "observation",
    "Immunization": "immunization",
    "AllergyIntolerance": "allergy",
    "Encounter": "visit",
}
"""Resource types that become events, and the kind of each; laboratory results and vital signs are told apart."""

COLUMNS = (
    "id",
    "patient_id",
    "time",
    "text",
    "resource",
    "status",
    "code",
    "name",
    "category",
    "encounter_id",
)
_TIMES = (
    "effectiveDateTime", "effectiveInstant", "effectivePeriod", "onsetDateTime", "onsetPeriod", "performedDateTime",
    "performedPeriod", "occurrenceDateTime", "authoredOn", "date", "period", "issued", "recordedDate", "dateAsserted",
)  # fmt: skip


class ResourceError(ValueError):
    """A resource of no use; `reason` is a short code."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


def document_row(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a document or report, or raise `ResourceError`."""
    kind = resource["resourceType"]
    row = _base_row(resource)
    if row["status"] == "cancelled" and kind == "DiagnosticReport":
        raise ResourceError("cancelled")
    coding, text = _concept(resource.get("type" if kind == "DocumentReference" else "code"))
    row |= {"code": _str(coding.get("code")), "name": _str(coding.get("display")) or text}
    category, named = _concept(_first(resource.get("category")))
    row["category"] = _str(category.get("code")) or named
    row["text"] = _text(resource, kind)
    context = _dict(resource.get("context")) if kind == "DocumentReference" else resource
    row["encounter_id"] = reference_id(_first(context.get("encounter")))
    if row["time"] is None and kind == "DocumentReference":
        row["time"] = _moment(_dict(context.get("period")).get("start"))
    return row


def visit_row(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a visit whose patient has no documents, or raise `ResourceError`."""
    row = _base_row(resource)
    coding, text = _concept(_first(resource.get("type")))
    row |= {"text": "", "code": _str(coding.get("code")), "name": _str(coding.get("display")) or text}
    row |= {"category": _str(_dict(resource.get("class")).get("code")), "encounter_id": row["id"]}
    return row


def version_of(resource: dict[str, Any]) -> int:
    """Return what orders several versions of one resource: when it was updated, or issued, or its number; then its status."""
    meta = _dict(resource.get("meta"))
    moment = _moment(meta.get("lastUpdated")) or _moment(resource.get("issued"))
    number = meta.get("versionId")
    status = _str(resource.get("docStatus")) or _str(resource.get("status"))
    status = "entered-in-error" if _is_error(resource) else status
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 17:
        return version_number(moment, status, int(number))
    return version_number(moment, status)


def replaced_ids(resource: dict[str, Any]) -> list[str]:
    """Return the ids of the documents that this one says it replaces."""
    found = []
    for link in resource.get("relatesTo") or [] if isinstance(resource.get("relatesTo"), list) else []:
        code = link.get("code") if isinstance(link, dict) else None
        if code == "replaces" or _concept(code)[0].get("code") == "replaces":  # R4, R5
            target = reference_id(link.get("target"))
            if target:
                found.append(target)
    return found


def event_rows(resource: dict[str, Any]) -> Iterator[EventRow]:
    """Yield the events of a resource, or raise `ResourceError`."""
    kind = EVENT_KINDS[resource["resourceType"]]
    if _is_error(resource):
        raise ResourceError("entered_in_error")
    patient = reference_id(resource.get("subject")) or reference_id(resource.get("patient"))
    if not patient:
        raise ResourceError("no_patient")
    moment = _first_time(resource)
    if moment is None:
        raise ResourceError("no_time")
    if kind == "observation":
        category = _concept(_first(resource.get("category")))[0].get("code")
        kind = {"laboratory": "lab", "vital-signs": "vital"}.get(str(category), kind)
    concept = next(
        (resource[n] for n in ("code", "medicationCodeableConcept", "vaccineCode") if n in resource),
        _first(resource.get("type")),
    )
    parts = [(concept, resource)]
    parts += [(part.get("code"), part) for part in _dicts(resource.get("component"))]
    for concept_of, holder in parts:
        coding, text = _concept(concept_of)
        quantity = _dict(holder.get("valueQuantity"))
        value = quantity.get("value")
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        yield EventRow(
            patient, moment, kind, _str(coding.get("code")), _str(coding.get("system")), number,
            _str(quantity.get("unit")), _str(coding.get("display")) or text,
        )  # fmt: skip


def reference_id(reference: Any) -> str:
    """Return the id a reference points at: ``Patient/7``, ``urn:uuid:7`` and ``https://x/Patient/7/_history/2`` give 7."""
    if not isinstance(reference, dict):
        return ""
    target = reference.get("reference")
    if not isinstance(target, str) or not target:
        return _str(_dict(reference.get("identifier")).get("value"))
    target = target.partition("/_history/")[0]
    return target.rsplit("/", 1)[-1].removeprefix("urn:uuid:")


def _base_row(resource: dict[str, Any]) -> dict[str, Any]:
    """Return what documents and visits share."""
    name = resource.get("id")
    if not isinstance(name, str) or not name.strip():
        raise ResourceError("bad_id", "id")
    if _is_error(resource):
        raise ResourceError("entered_in_error")
    patient = reference_id(resource.get("subject")) or reference_id(resource.get("patient"))
    return {
        "id": name,
        "patient_id": patient or None,
        "time": _first_time(resource),
        "resource": resource["resourceType"],
        "status": _str(resource.get("status")),
    }


def _text(resource: dict[str, Any], kind: str) -> str:
    """Return the text of a document: its first readable attachment, and a report's conclusion."""
    if kind == "DocumentReference":
        attachments = [part.get("attachment") for part in _dicts(resource.get("content"))]
    else:
        attachments = list(_dicts(resource.get("presentedForm")))
    attachments.sort(key=lambda form: not _str(_dict(form).get("contentType")).startswith("text/plain"))
    texts: list[str] = []
    reason = "no_attachment"
    for attachment in attachments:
        try:
            texts.append(attachment_text(attachment))
            break
        except AttachmentError as error:
            reason = error.reason if reason == "no_attachment" else reason
    conclusion = _str(resource.get("conclusion"))
    if conclusion and conclusion not in "".join(texts):
        texts.append(conclusion)
    if not texts and (kind == "DocumentReference" or attachments):
        raise ResourceError(reason)
    return "\n".join(texts)


def _is_error(resource: dict[str, Any]) -> bool:
    return any(
        value == "entered-in-error" or _concept(value)[0].get("code") == "entered-in-error"
        for value in (resource.get("status"), resource.get("docStatus"), resource.get("verificationStatus"))
    )


def _first_time(resource: dict[str, Any]) -> datetime | None:
    for name in _TIMES:
        value = resource.get(name)
        moment = _moment(value.get("start") if isinstance(value, dict) else value)
        if moment is not None:
            return moment
    return None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_time(value)
    except (ValueError, OverflowError):
        return None


def _concept(value: Any) -> tuple[dict[str, Any], str]:
    """Return the first coding of a concept, and its text."""
    concept = _dict(value)
    return _dict(_first(concept.get("coding"))), _str(concept.get("text"))


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""
