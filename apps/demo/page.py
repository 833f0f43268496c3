"""The demo's report: what it made, in the terms of the report page."""

from pathlib import Path

import numpy as np

from sidelight import __version__
from sidelight.apps.reports import DataRow, Example, FunctionRow, ReportContent, ScoredModel, write_report
from sidelight.label_model import fingerprint_votes
from sidelight.labeling import LFAnalysis, align_gold
from sidelight.labeling.statistics import proportion

from .functions import schema
from .run import LABELS, MAJORITY_LABELS, ON_GOLD, ON_LABELS, ON_MAJORITY, Demo

_TRAINED_ON = {
    ON_LABELS: "what the label model made of the reports",
    ON_MAJORITY: "the majority vote of the same functions",
    ON_GOLD: "cardiologists' codes",
}
_ATTRIBUTION = (
    "ECGs and reports: PTB-XL (Wagner et al., Scientific Data 7:154, 2020; PhysioNet), CC BY 4.0; a sample of 367 of its "
    "21,837 records, eight independent leads at 100 Hz, notes appended to reports removed."
)


def write_demo_report(path: Path, demo: Demo, *, with_text: bool) -> Path:
    """Write the demo's page."""
    test = demo.split["test"]
    scores = {name: score[test] for name, score in demo.scores.items()}
    content = ReportContent(
        title="Normal or abnormal ECG, learned from what the reports say",
        task="Tell an abnormal 12-lead ECG from a normal one. The network was trained on labels that labeling functions "
        "made of the reports; it reads the signal alone.",
        classes=schema.classes,
        gold=demo.gold[test],
        patients=demo.linked.patient_ids[test],
        models=[ScoredModel(name, scores[name], "signal", _TRAINED_ON[name]) for name in _TRAINED_ON],
        reference=ON_GOLD,
        labels=ScoredModel(LABELS, scores[LABELS], "report", "agreements between functions"),
        audit=demo.audit,
        functions=_functions(demo),
        data=[_data(demo, name) for name in demo.split.names],
        examples=_examples(demo),
        provenance=_provenance(demo),
        caveats=_caveats(demo),
        attribution=_ATTRIBUTION,
        with_text=with_text,
        public_data=True,
        seed=demo.seed,
    )
    return write_report(path, content)


def _functions(demo: Demo) -> list[FunctionRow]:
    """Describe the functions, with precision on the reports that have gold."""
    gold = dict(zip(demo.linked.ids.tolist(), demo.gold.tolist(), strict=True))
    table = LFAnalysis(demo.votes).lf_summary(align_gold(gold, demo.votes))
    learned = demo.model.get_weights()
    return [
        FunctionRow(
            name=str(name),
            votes_for=", ".join(schema.name(c) for c in row["polarity"]),
            coverage=float(row["coverage"]),
            overlaps=float(row["overlaps"]),
            conflicts=float(row["conflicts"]),
            precision=proportion(int(row["correct"]), judged)
            if (judged := int(row["correct"] + row["incorrect"]))
            else None,
            learned=None if np.isnan(weight) else float(weight),
            n_errors=int(row["errors"]),
        )
        for (name, row), weight in zip(table.iterrows(), learned, strict=True)
    ]


def _data(demo: Demo, part: str) -> DataRow:
    rows = demo.split[part]
    gold = demo.gold[rows]
    return DataRow(
        name={"train": "training", "dev": "development", "test": "test"}[part],
        n_records=len(rows),
        n_patients=len(np.unique(demo.linked.patient_ids[rows])),
        n_labeled=int(demo.linked.covered[rows].sum()),
        n_gold=int((gold >= 0).sum()),
        n_positive=int((gold == 1).sum()),
    )


def _examples(demo: Demo) -> list[Example]:
    """Choose three test ECGs: the surest abnormal one, the surest normal one, and the worst mistake."""
    test = demo.split["test"]
    known = test[demo.gold[test] >= 0]
    score, gold = demo.scores[ON_LABELS][known], demo.gold[known]
    chosen: dict[int, tuple[str, str]] = {}
    for name, note, worth in (
        (
            "Rightly called abnormal",
            "the test ECG the network is surest of",
            np.where(gold == 1, score, -1.0),
        ),
        (
            "Rightly called normal",
            "the test ECG with the lowest probability",
            np.where(gold == 0, 1 - score, -1.0),
        ),
        ("The worst mistake", "the test ECG on which network and codes differ most", np.abs(score - gold)),
    ):
        best = int(known[int(np.argmax(worth))])
        if worth.max() > 0 and best not in chosen:
            chosen[best] = (name, note)
    signals = demo.linked.signals
    scale = 1000.0 if signals.units == "uV" else 1.0
    return [
        Example(
            name=name,
            signal=signals.take([row]).values[0] / scale,
            lead_names=signals.lead_names,
            sampling_hz=signals.sampling_hz,
            probability=float(demo.scores[ON_LABELS][row]),
            gold=schema.name(int(demo.gold[row])),
            label=f"{demo.scores[LABELS][row]:.2f} abnormal, {demo.scores[MAJORITY_LABELS][row]:.2f} by majority vote",
            note=note,
            text=demo.texts[row],
        )
        for row, (name, note) in chosen.items()
    ]


def _provenance(demo: Demo) -> dict[str, str]:
    return {
        "sidelight": __version__,
        "votes": fingerprint_votes(demo.votes),
        "label model": f"{type(demo.model).__name__} {demo.model.fingerprint}",
        "class balance": ", ".join(
            f"{name} {share:.2f}" for name, share in zip(schema.classes, demo.model.prior_, strict=True)
        )
        + f" ({demo.model.balance_.source})",
        "split": "by patient, keyed hash",
        "seed": str(demo.seed),
    }


def _caveats(demo: Demo) -> list[str]:
    n_gold = int((demo.gold[demo.split["test"]] >= 0).sum())
    return [
        f"One split with {n_gold} test records: the intervals are wide, and another seed gives another ranking of the networks.",
        "Each network stops early on development patients, by labels of the kind it learns from: no code of a cardiologist "
        "touches the first two.",
        "Reports and gold codes come from the same reading, so labels from reports look better here than they would against "
        "readers who did not see the reports.",
        "The functions were written from reports of these data; how often each is right was measured on all records with codes.",
        "All records have low record numbers in PTB-XL and come from few devices and years.",
    ]
