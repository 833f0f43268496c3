"""What an audit found, as rows that travel: to a table, a file, a page."""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sidelight.labeling.folder import write_file, write_folder
from sidelight.labeling.statistics import Interval

FORMAT = 1
"""Version of what `Audit.to_json` returns."""

NAMES = ("Brier score",)
"""Titles of metrics that begin with somebody's name."""

MOST_NAMED = 6
"""Slices that a verdict names, those with the most records surely worse off."""


@dataclass(frozen=True)
class Overall:
    """One metric over all records.

    Parameters
    ----------
    metric, title : str
        How files and how people call it.
    value : Interval
        The estimate and its bounds.
    method : str
        Where the bounds come from.
    higher_is_better : bool
        Which way is better.
    """

    metric: str
    title: str
    value: Interval
    method: str
    higher_is_better: bool = True


@dataclass(frozen=True)
class AuditRow:
    """One metric in one slice.

    Parameters
    ----------
    slice, metric : str
        Which slice, and which metric.
    n, n_patients, n_positive : int or None
        Records with gold and prediction, their patients, and those of the positive class; None where withheld.
    n_without_gold : int or None
        Members that had no gold or no prediction and are left out; None where withheld.
    prevalence : float
        Share of the positive class.
    share : float
        Share of all audited records that belong to the slice.
    value, rest, gap : Interval
        The metric in the slice, in all other records, and the first minus the second, whose `p` tests "no gap".
    q : float
        That p after Benjamini and Hochberg, over all tests of the audit.
    verdict : str
        "worse", "slightly worse" (sure, but by less than the margin), "better", "no evidence" or "not assessable".
    reason : str
        Why it is not assessable.
    detectable_gap : float
        Smallest gap that would have been found with 80 % probability had it been the only one.
    n_needed : int or None
        Records the slice would need to show a gap as large as the margin, in an audit that grows as a whole; None
        when no number is enough.
    method : str
        Where the bounds come from.
    higher_is_better : bool
        Which way is better.
    withheld : str
        What stands in the place of figures that may not be told: "<5", or "withheld" where they would tell such a count.
    """

    slice: str
    metric: str
    n: int | None
    n_patients: int | None
    n_positive: int | None
    n_without_gold: int | None
    prevalence: float
    share: float
    value: Interval
    rest: Interval
    gap: Interval
    q: float
    verdict: str
    reason: str = ""
    detectable_gap: float = math.nan
    n_needed: int | None = None
    method: str = ""
    higher_is_better: bool = True
    withheld: str = ""

    @property
    def assessable(self) -> bool:
        """Whether there was enough to say anything."""
        return not self.reason

    @property
    def excess(self) -> float:
        """At least how many records fare worse here than the rest would lead one to expect; what to rank by.

        The records the metric rests on, times the bound of the gap that is nearest to none; 0 where the interval
        holds no gap, or a favourable one. For areas it counts in records too, though no single record is to blame.
        """
        bound = -self.gap.high if self.higher_is_better else self.gap.low
        return 0.0 if not self.assessable or math.isnan(bound) else max(bound, 0.0) * self.value.n

    def flat(self) -> dict[str, Any]:
        """Return the row as one level of plain values, for tables."""
        flat: dict[str, Any] = {}
        for name, value in self.__dict__.items():
            if not isinstance(value, Interval):
                flat[name] = value
                continue
            flat[name] = value.estimate
            flat[f"{name}_low"], flat[f"{name}_high"] = value.low, value.high
            if name == "gap":
                flat["p"] = value.p
        flat["excess"] = self.excess
        return flat


@dataclass(frozen=True)
class Audit:
    """All rows of an audit, with what is needed to read and repeat it.

    Parameters
    ----------
    rows : tuple of AuditRow
        Metric by metric, slices in the order given.
    overall : tuple of Overall
        Each metric over all records.
    n_records, n_patients : int
        Records with gold and prediction, and their patients.
    n_without_gold : int or None
        Records left out; None where withheld.
    prevalence : float
        Share of the positive class.
    n_tests : int
        Size of the family the q-values are corrected for.
    patients_known : bool
        Whether patients were given; if not, each record counted as a patient of its own.
    settings : mapping
        The arguments of `audit`.
    """

    rows: tuple[AuditRow, ...]
    overall: tuple[Overall, ...]
    n_records: int
    n_patients: int
    n_without_gold: int | None
    prevalence: float
    n_tests: int
    patients_known: bool
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> tuple[AuditRow, ...]:
        """The rows."""
        return self.rows

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in order."""
        return tuple(overall.metric for overall in self.overall)

    def of(self, metric: str) -> tuple[AuditRow, ...]:
        """Return the rows of one metric."""
        return tuple(row for row in self.rows if row.metric == metric)

    def ranked(self) -> tuple[AuditRow, ...]:
        """Return the rows by how many records are surely worse off, most first; equals keep their order."""
        return tuple(sorted(self.rows, key=lambda row: -row.excess))

    @property
    def verdict(self) -> str:
        """One sentence: how many slices are worse, how many could not be judged."""
        assessed = {row.slice for row in self.rows if row.assessable}
        silent = {row.slice for row in self.rows} - assessed
        worse = sorted({row.slice for row in self.rows if row.verdict in ("worse", "slightly worse")})
        if not self.rows:
            return "No slices were given."
        if not assessed:
            return (
                "The slice could not be assessed."
                if len(silent) == 1
                else f"None of the {len(silent)} slices could be assessed."
            )
        if len(worse) == 0:
            found = (
                "The one assessable slice is not shown to be worse"
                if len(assessed) == 1
                else f"None of {len(assessed)} assessable slices is shown to be worse"
            )
        else:
            verb = "is" if len(worse) == 1 else "are"
            leading: dict[str, str] = {}
            for row in self.ranked():
                if row.verdict in ("worse", "slightly worse"):
                    leading.setdefault(row.slice, row.metric)
            more = f" and {len(leading) - MOST_NAMED} more" if len(leading) > MOST_NAMED else ""
            told = ", ".join(self._told(*item) for item in list(leading.items())[:MOST_NAMED]) + more
            found = f"{len(worse)} of {len(assessed)} assessable slices {verb} worse ({told})"
        if silent:
            found += f"; {len(silent)} could not be assessed"
        if self.partly_assessed:
            found += f"; {len(self.partly_assessed)} could be assessed by some metrics only"
        return f"{found}."

    def _told(self, name: str, metric: str) -> str:
        """Return a slice with the metric that it is worst in, where there are several."""
        if len(self.overall) < 2:
            return name
        title = next(item.title for item in self.overall if item.metric == metric)
        return f"{name} in {title if title.isupper() or title in NAMES else title[:1].lower() + title[1:]}"

    @property
    def partly_assessed(self) -> tuple[str, ...]:
        """Slices that some metrics can be told of and others not, sorted."""
        able = {row.slice for row in self.rows if row.assessable}
        return tuple(sorted(able & {row.slice for row in self.rows if not row.assessable}))

    def to_frame(self) -> Any:
        """Return the rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame([row.flat() for row in self.rows])

    def to_csv(self) -> str:
        """Return the rows as CSV; what is missing is empty."""
        out = io.StringIO()
        flat = [row.flat() for row in self.rows]
        if flat:
            writer = csv.DictWriter(out, list(flat[0]), lineterminator="\n")
            writer.writeheader()
            for row in flat:
                gone = [key for key, value in row.items() if value is None or value != value]
                writer.writerow({**row, **dict.fromkeys(gone, "")})
        return out.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return the audit as plain values; what is not a number is None."""
        plain = {
            "format": FORMAT,
            "n_records": self.n_records,
            "n_patients": self.n_patients,
            "n_without_gold": self.n_without_gold,
            "prevalence": plain_value(self.prevalence),
            "n_tests": self.n_tests,
            "patients_known": self.patients_known,
            "settings": dict(self.settings),
            "verdict": self.verdict,
        }
        plain["overall"] = [
            {key: plain_value(value) for key, value in item.__dict__.items()} for item in self.overall
        ]
        plain["rows"] = [
            {key: plain_value(value) for key, value in row.__dict__.items()} for row in self.rows
        ]
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        if data.get("format") != FORMAT:
            raise ValueError(f"an audit of format {data.get('format')!r}; this version reads format {FORMAT}")
        rows = [AuditRow(**_read(row, ("value", "rest", "gap"), ("prevalence", "share", "q", "detectable_gap")))
                for row in data["rows"]]  # fmt: skip
        overall = [Overall(**_read(item, ("value",), ())) for item in data["overall"]]
        names = ("n_records", "n_patients", "n_without_gold", "n_tests", "patients_known", "settings")
        prevalence = math.nan if data["prevalence"] is None else float(data["prevalence"])
        return cls(tuple(rows), tuple(overall), prevalence=prevalence, **{name: data[name] for name in names})

    def write(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write `audit.json`, `slices.csv` and `audit.html` into a new folder, all or nothing."""
        with write_folder(folder, overwrite=overwrite) as path:
            write_file(path / "audit.json", json.dumps(self.to_json(), indent=1, sort_keys=True) + "\n")
            write_file(path / "slices.csv", self.to_csv())
            self.to_html(path / "audit.html")
        return Path(folder)

    def to_html(self, path: str | Path, *, title: str = "Slice audit") -> Path:
        """Write one self-contained page: verdict, forest plots, tables and method."""
        from .findings import Findings

        return Findings(self, title=title).to_html(path)

    def __str__(self) -> str:
        lines = [self.verdict, ""]
        for item in self.overall:
            lines.append(f"{item.title}: {item.value} over {self.n_records} records")
            width = max((len(row.slice) for row in self.of(item.metric)), default=0)
            for row in self.of(item.metric):
                told = row.reason or row.withheld or f"gap {row.gap}  q {row.q:.3f}"
                n = row.withheld if row.n is None else row.n
                lines.append(f"  {row.slice:<{width}}  n={n:<6} {row.value!s:<24} {row.verdict:<15} {told}")
        return "\n".join(lines)


def plain_value(value: Any) -> Any:
    """Return a figure as JSON has it: None for one that is not finite."""
    if isinstance(value, Interval):
        return value.to_json()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read(data: Mapping[str, Any], intervals: tuple[str, ...], floats: tuple[str, ...]) -> dict[str, Any]:
    """Turn plain values back into what they were: None into NaN, mappings into intervals."""
    read = dict(data)
    for name in floats:
        read[name] = math.nan if read[name] is None else read[name]
    for name in intervals:
        known = read[name]
        read[name] = Interval(
            **{**known, **{key: math.nan for key in ("estimate", "low", "high") if known[key] is None}}
        )
    return read
