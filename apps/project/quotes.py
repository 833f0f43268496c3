"""Records that a page shows with their words, for those who may read them."""

import numpy as np

from sidelight.label_model import Labels

from .file import Config
from .page import Quote
from .runs import Run
from .work import Records, column_values, gold_of


def choose_quotes(run: Run, each: int = 5) -> list[Quote]:
    """Return records of each task that repay reading: labels that gold contradicts, the unsure, the unlabeled.

    Parameters
    ----------
    run : Run
        The run.
    each : int, default 5
        Most records a reason.
    """
    config = Config.model_validate(run.manifest["config"])
    project = run.project
    if not project.has_text:
        return []
    ids = Records.read(run.step("records")).ids
    texts = dict(zip(*[column_values(project, [name])[name] for name in ("id", "text")], strict=True))
    quotes = []
    for task, declared in config.questions.items():
        labels = Labels.read(run.step(f"fit:{task}") / "labels.parquet")
        names = [n for n, s in config.sources.items() if s.question == task and s.role == "gold"]
        gold = gold_of([run.step(f"label:{n}") for n in names]) if names else np.full(len(ids), -1)
        sure = labels.proba.max(axis=1)
        wrong = (labels.label >= 0) & (gold >= 0) & (labels.label != gold)
        chosen = [
            ("gold says otherwise", wrong, -sure),
            ("the votes leave it open", labels.covered & ~wrong, sure),
            ("no function voted", ~labels.covered, np.zeros(len(ids))),
        ]
        for why, rows, order in chosen:
            for row in np.flatnonzero(rows)[np.argsort(order[rows], kind="stable")][:each]:
                told = ", ".join(
                    f"{c} {p:.2f}" for c, p in zip(declared.classes, labels.proba[row], strict=True)
                )
                known = f"; gold: {declared.classes[gold[row]]}" if gold[row] >= 0 else ""
                text = str(texts.get(str(ids[row])) or "")
                quotes.append(
                    Quote(task, why, f"label model: {told}, {labels.n_votes[row]} votes{known}", text)
                )
    return quotes
