"""`sidelight select`: which records to label by hand next, as a queue that the labeling app reads."""

from pathlib import Path
from typing import Any

import click

from .gold import gold_options, read_gold
from .output import json_option, overwrite_option, print_facts, print_json

SCORES = ("unsure", "conflict", "clash")


@click.command(
    short_help="Choose what to label by hand next.",
    epilog="Example: sidelight select labels.parquet --votes votes --budget 100 --out queue.parquet",
)
@click.argument("labels", type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="Queue to write (Parquet, or CSV to look at).")
@click.option("--budget", default=100, show_default=True, help="Records to choose.")
@click.option(
    "--votes", type=click.Path(), help="Votes behind the labels: records they quarrel about count more."
)
@click.option(
    "--predictions",
    type=click.Path(),
    help="Predictions of a network trained on the labels: records it contradicts count more.",
)
@click.option(
    "--score",
    "scores",
    type=click.Choice(SCORES),
    multiple=True,
    help="What to choose by; several are averaged by rank [default: all that the files allow].",
)
@click.option(
    "--audit", default=0.2, show_default=True, help="Share drawn evenly, so that the labels can also measure."
)
@click.option("--seed", default=0, show_default=True, help="Seed of the draw.")
@gold_options
@overwrite_option
@json_option
def select(
    labels: str,
    out: str,
    budget: int,
    votes: str | None,
    predictions: str | None,
    scores: tuple[str, ...],
    audit: float,
    seed: int,
    gold: str | None,
    gold_id: str | None,
    gold_column: str | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Draw records of LABELS to label by hand: unsure ones more often, each with a known chance.

    Records that have gold already are left out. The chances are kept in the queue: shares and accuracies estimated from
    what is labeled divide by them. `sidelight ui --queue` shows it.
    """
    import numpy as np

    from sidelight.crossmodal import select_next
    from sidelight.label_model import Labels
    from sidelight.labeling import UsageError

    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    if budget < 1 or not 0 <= audit <= 1:
        raise UsageError(f"--budget {budget} is below 1, or --audit {audit} is no share")
    table = Labels.read(labels)
    found = _scores(table, votes, predictions)
    wanted = list(dict.fromkeys(scores)) or list(found)
    for name in wanted:
        if name not in found:
            raise UsageError(f"--score {name} needs {'--votes' if name == 'conflict' else '--predictions'}")
    score = (
        found[wanted[0]] if len(wanted) == 1 else np.mean([_ranks(found[name]) for name in wanted], axis=0)
    )
    truth = read_gold(gold, gold_id, gold_column, table.schema, table.ids)
    queue = select_next(
        table.ids, score, budget, exclude=None if truth is None else truth >= 0, audit=audit, seed=seed
    )
    queue.write(out)
    summary: dict[str, Any] = {
        "records": len(queue),
        "of": queue.n_pool,
        "drawn evenly": sum(reason == "audit" for reason in queue.reasons),
        "chosen by": ", ".join(wanted),
        "queue": out,
    }
    print_json(summary) if as_json else print_facts(summary)
    return 0


def _scores(table: Any, votes: str | None, predictions: str | None) -> dict[str, Any]:
    """Return the scores that the files allow, by name, a number for each label row."""
    import numpy as np

    from sidelight.crossmodal import Predictions, clash, conflict, uncertainty
    from sidelight.labeling import UsageError, read_votes

    found = {"unsure": uncertainty(table.proba)}
    if votes is not None:
        cast = read_votes(votes)
        place = _places(cast.ids, table.ids, "votes")
        values = np.where((place >= 0)[:, None], cast.dense()[place], -1)
        found["conflict"] = conflict(values)
    if predictions is not None:
        given = Predictions.read(predictions)
        if given.schema.classes != table.schema.classes:
            raise UsageError("the predictions are of other classes than the labels")
        place = _places(given.ids, table.ids, "predictions")
        apart = clash(table.proba, given.proba[place])
        found["clash"] = np.where((place >= 0) & table.covered, apart, 0.0)
    return found


def _places(ids: Any, wanted: Any, what: str) -> Any:
    """Return where each wanted id stands among ids, -1 where it does not."""
    import numpy as np

    from sidelight.labeling import UsageError

    if ids is None:
        raise UsageError(f"the {what} carry no record ids")
    rows = {str(name): row for row, name in enumerate(ids)}
    place = np.array([rows.get(str(name), -1) for name in wanted], dtype=np.intp)
    if (place < 0).all():
        raise UsageError(f"no record of the labels is among the {what}")
    return place


def _ranks(score: Any) -> Any:
    from scipy import stats

    return stats.rankdata(score) / len(score)
