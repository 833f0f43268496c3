"""What a project report is made of: plain values and arrays, from whoever ran the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import Interval
from sidelight.slicing import Audit


@dataclass(frozen=True)
class ScoredModel:
    """One column of probabilities to be compared.

    Parameters
    ----------
    name : str
        Short, such as "network trained on report labels".
    proba : array-like of shape (n_records,)
        Probability of the positive class for each of the report's test records.
    reads : str, default "signal"
        What it sees when it predicts: "signal", "report", "image".
    trained_on : str, default ""
        What taught it, in a few words.
    """

    name: str
    proba: ArrayLike
    reads: str = "signal"
    trained_on: str = ""


@dataclass(frozen=True)
class FunctionRow:
    """What is known of one labeling function.

    Parameters
    ----------
    name : str
        The function's name.
    votes_for : str
        Class or classes it votes for.
    coverage, overlaps, conflicts : float
        Shares of the records, as in `LFAnalysis.lf_summary`.
    precision : Interval, optional
        Share of its votes that agree with gold; None where there is no gold.
    learned : float, optional
        Accuracy the label model gives it.
    n_errors : int, default 0
        Calls that raised and were counted as abstentions.
    """

    name: str
    votes_for: str
    coverage: float
    overlaps: float
    conflicts: float
    precision: Interval | None = None
    learned: float | None = None
    n_errors: int = 0


@dataclass(frozen=True)
class Example:
    """One record to be shown.

    Parameters
    ----------
    name : str
        How the page calls it, such as "Missed by the network". Never a patient's identifier.
    signal : ndarray of shape (n_leads, n_samples)
        Millivolts.
    lead_names : sequence of str
        One for each row of `signal`; with I and II the limb leads are derived.
    sampling_hz : float
        Samples a second.
    probability : float
        What the model predicts for the positive class.
    gold : str, default ""
        The class a person gave it.
    label : str, default ""
        What the labels made from reports say, such as "abnormal (0.93)".
    note : str, default ""
        Why it is shown.
    text : str, default ""
        The report's text; shown only by a report `with_text`.
    """

    name: str
    signal: NDArray[np.floating]
    lead_names: Sequence[str]
    sampling_hz: float
    probability: float
    gold: str = ""
    label: str = ""
    note: str = ""
    text: str = ""


@dataclass(frozen=True)
class DataRow:
    """One part of the data: a split, a source.

    Parameters
    ----------
    name : str
        Such as "training".
    n_records, n_patients : int
        Its size.
    n_labeled : int, optional
        Records that got a label from their reports.
    n_gold : int, optional
        Records with a label given by a person.
    n_positive : int, optional
        Records of the positive class among those with gold.
    """

    name: str
    n_records: int
    n_patients: int
    n_labeled: int | None = None
    n_gold: int | None = None
    n_positive: int | None = None


@dataclass(frozen=True, eq=False)
class ReportContent:
    """All that one project's page shows; only `title`, `task`, `classes`, `gold` and `models` are needed.

    Parameters
    ----------
    title : str
        The page's heading.
    task : str
        What is predicted from what, in one sentence.
    classes : sequence of str
        Names of the classes.
    gold : array-like of shape (n_records,)
        Class number of each test record; -1 where there is none.
    models : sequence of ScoredModel
        The first is the one the page is about.
    positive : int, default 1
        The class that probabilities are of.
    patients : array-like of shape (n_records,), optional
        The patient of each test record.
    reference : str, optional
        Name of the model that differences are taken from; the last by default.
    threshold : float, default 0.5
        Where a prediction becomes positive.
    audit : Audit, optional
        The slices of the first model.
    functions : sequence of FunctionRow
        The labeling functions.
    labels : ScoredModel, optional
        The labels made from reports, on the same test records; they are compared with the models too.
    data : sequence of DataRow
        What was used for what.
    examples : sequence of Example
        Records to show.
    provenance : mapping of str to str
        Versions, fingerprints, seeds: shown as given.
    caveats : sequence of str
        Whatever a reader must know beyond what the page says of itself.
    attribution : str, default ""
        Where the data come from, and their licence.
    created : str, default ""
        Date to show; without it the same content gives the same bytes on any day.
    with_text : bool, default False
        Whether the texts of the examples may be shown.
    public_data : bool, default False
        Whether the data are public, so that a page with texts may be passed on.
    n_draws, seed : int
        Resamples of the intervals, and their seed.
    """

    title: str
    task: str
    classes: Sequence[str]
    gold: ArrayLike
    models: Sequence[ScoredModel]
    positive: int = 1
    patients: ArrayLike | None = None
    reference: str = ""
    threshold: float = 0.5
    audit: Audit | None = None
    functions: Sequence[FunctionRow] = ()
    labels: ScoredModel | None = None
    data: Sequence[DataRow] = ()
    examples: Sequence[Example] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    caveats: Sequence[str] = ()
    attribution: str = ""
    created: str = ""
    with_text: bool = False
    public_data: bool = False
    n_draws: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        n = len(np.asarray(self.gold))
        if not self.models:
            raise ValueError("models is empty: the report needs the predictions of at least one")
        columns = [*self.models, *([self.labels] if self.labels else [])]
        for model in columns:
            if np.shape(model.proba) != (n,):
                raise ValueError(
                    f"{model.name!r} has probabilities of shape {np.shape(model.proba)} for {n} records"
                )
        names = [model.name for model in columns]
        if len(set(names)) != len(names):
            raise ValueError("two models of the report share a name")
        if self.reference and self.reference not in names:
            raise ValueError(f"reference is {self.reference!r}; the models are {', '.join(names)}")
        if not 0 <= self.positive < len(self.classes):
            raise ValueError(f"positive is {self.positive}; there are {len(self.classes)} classes")

    @property
    def shows_text(self) -> bool:
        """Whether the page will hold words from reports."""
        return self.with_text and any(example.text for example in self.examples)

    @property
    def positive_name(self) -> str:
        """Name of the positive class."""
        return self.classes[self.positive]
