"""Everything an audit can say of a model, in one place: to read as a page, as JSON, and in a model card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidelight.labeling.folder import write_file

from .comparison import Comparison
from .confusion_table import ConfusionTable
from .error_review import ErrorReview
from .fairness import FairnessPanel
from .intersections import Intersections
from .label_audit import LabelAudit
from .mechanisms import Mechanism
from .report import Audit
from .share_gap import GapRow
from .slice_calibration import CalibrationRow
from .subclasses import SubclassTable

if TYPE_CHECKING:
    from .discovery import Discovery


@dataclass(frozen=True)
class Card:
    """One record in an example strip.

    Parameters
    ----------
    picture : str
        An `<svg>` element, or the data address of a PNG.
    caption : str
        What the model and gold say. Never an id, never a patient.
    wrong : bool
        Whether the model is wrong.
    """

    picture: str
    caption: str
    wrong: bool

    @property
    def is_svg(self) -> bool:
        """Whether the picture is an element and no address."""
        return self.picture.startswith("<svg")


@dataclass(frozen=True)
class Strip:
    """Records of one slice to look at: what goes wrong, and what goes right beside it.

    Parameters
    ----------
    slice : str
        Which slice; "all records" for the errors overall.
    cards : tuple of Card
        Errors first.
    """

    slice: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, eq=False)
class Findings:
    """An audit with all that was looked into beside it; only `audit` is needed.

    Parameters
    ----------
    audit : Audit
        Metrics overall and slice by slice.
    title : str
        The page's heading.
    classes : tuple of str
        Names of the classes.
    discovery : Discovery, optional
        Slices that were found and tested.
    subclasses : SubclassTable, optional
        Subclasses beside their classes.
    contrast : sequence of GapRow
        What errors have more often than right predictions.
    mechanisms : mapping of slice to tuple of Mechanism
        Why slices fail.
    intersections : Intersections, optional
        Combinations of slices.
    calibration : sequence of CalibrationRow
        All records, then each slice.
    fairness : mapping of column to FairnessPanel
        Care groups.
    confusion : sequence of (str, ConfusionTable)
        Tables of actual against predicted classes, with their headings.
    labels : LabelAudit, optional
        The labels trained on, slice by slice.
    review : ErrorReview, optional
        A sheet that people filled in.
    comparison : Comparison, optional
        What changed since an earlier audit.
    map : str
        An `embedding_map`.
    strips : sequence of Strip
        Records to look at.
    notes : sequence of str
        Caveats beyond those the page tells by itself.
    provenance : mapping of str to str
        Versions, fingerprints: shown as given.
    """

    audit: Audit
    title: str = "Slice audit"
    classes: tuple[str, ...] = ()
    discovery: "Discovery | None" = None
    subclasses: SubclassTable | None = None
    contrast: Sequence[GapRow] = ()
    mechanisms: Mapping[str, Sequence[Mechanism]] = field(default_factory=dict)
    intersections: Intersections | None = None
    calibration: Sequence[CalibrationRow] = ()
    fairness: Mapping[str, FairnessPanel] = field(default_factory=dict)
    confusion: Sequence[tuple[str, ConfusionTable]] = ()
    labels: LabelAudit | None = None
    review: ErrorReview | None = None
    comparison: Comparison | None = None
    map: str = ""
    strips: Sequence[Strip] = ()
    notes: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """What a reader must know, in a few sentences."""
        told = [self.audit.verdict] if self.audit.rows else []
        if self.subclasses is not None and self.subclasses.hidden:
            names = ", ".join(dict.fromkeys(row.subclass for row in self.subclasses.hidden))
            told.append(f"Hidden within a class: {names}.")
        if self.discovery is not None:
            n = len(self.discovery.confirmed)
            told.append(
                "The search for slices that nobody named confirmed none."
                if not n
                else f"The search for slices that nobody named confirmed {n}."
            )
        if self.comparison is not None:
            told.append(
                f"Since the earlier audit: {self.comparison.verdict[0].lower()}{self.comparison.verdict[1:]}"
            )
        return " ".join(told) or self.audit.verdict

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values: the audit's own, and one entry for each part that is there."""
        plain = self.audit.to_json() | {"title": self.title, "classes": list(self.classes)}
        if self.notes:
            plain["notes"] = list(self.notes)
        if self.provenance:
            plain["provenance"] = dict(self.provenance)
        if self.confusion:
            plain["confusion"] = [
                {"heading": heading, **table.to_json()} for heading, table in self.confusion
            ]
        if self.discovery is not None:
            plain["discovery"] = self.discovery.to_json()
        if self.subclasses is not None:
            plain["subclasses"] = self.subclasses.to_json()
        if self.contrast:
            plain["contrast"] = [row.to_json() for row in self.contrast]
        if self.mechanisms:
            plain["mechanisms"] = {
                name: [dict(found.__dict__) for found in parts] for name, parts in self.mechanisms.items()
            }
        if self.intersections is not None:
            plain["intersections"] = self.intersections.to_json()
        if self.calibration:
            plain["calibration"] = [row.to_json() for row in self.calibration]
        if self.fairness:
            plain["fairness"] = {name: panel.to_json() for name, panel in self.fairness.items()}
        if self.labels is not None:
            plain["labels"] = self.labels.to_json()
        if self.review is not None:
            plain["review"] = self.review.to_json()
        if self.comparison is not None:
            plain["comparison"] = self.comparison.to_json()
        from .advice import advise

        plain["advice"] = [item.to_json() for item in advise(self)]
        return plain

    def write(self, folder: str | Path) -> Path:
        """Write `audit.json`, `slices.csv`, `audit.html` and `model_card.md` into a folder that is there.

        With subclasses also `subclasses.toml`, their schema, for people to weigh and to read back.
        """
        from .model_card import model_card

        path = Path(folder)
        write_file(
            path / "audit.json", json.dumps(self.to_json(), indent=1, sort_keys=True, allow_nan=False) + "\n"
        )
        write_file(path / "slices.csv", self.audit.to_csv())
        write_file(path / "model_card.md", model_card(self))
        if self.subclasses is not None:
            self.subclasses.completed().write(path / "subclasses.toml")
        self.to_html(path / "audit.html")
        return path

    def to_html(self, path: str | Path) -> Path:
        """Write one self-contained page."""
        from .page import audit_page

        return write_file(path, audit_page(self))
