"""Labels out to other programs and back: one class a format, one registry."""

from .clinical import FhirObservationFormat, NoteNlpFormat
from .content import Content, Format, make_labels
from .research import DocBinFormat, WrenchFormat
from .tables import CsvFormat, HuggingFaceFormat, JsonLinesFormat, ParquetFormat
from .tools import DoccanoFormat, LabelStudioFormat, ProdigyFormat

FORMATS: dict[str, Format] = {
    "csv": CsvFormat(),
    "doccano": DoccanoFormat(),
    "fhir-observation": FhirObservationFormat(),
    "huggingface": HuggingFaceFormat(),
    "jsonl": JsonLinesFormat(),
    "label-studio": LabelStudioFormat(),
    "omop-note-nlp": NoteNlpFormat(),
    "parquet": ParquetFormat(),
    "prodigy": ProdigyFormat(),
    "spacy": DocBinFormat(),
    "wrench": WrenchFormat(),
}
"""Formats by name."""

__all__ = ["FORMATS", "Content", "Format", "make_labels"]
