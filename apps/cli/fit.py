"""`sidelight fit`: combine votes into probabilistic labels."""

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .fit_counts import learn_from_counts, read_together, show_learned
from .gold import gold_options, read_gold
from .hierarchy import at_leaves, leaf_balance, read_hierarchy
from .linked import fit_linked
from .output import json_option, note, overwrite_option, print_facts, print_json, print_table

if TYPE_CHECKING:
    from sidelight.label_model import Labels
    from sidelight.labeling import LabelSchema, VoteMatrix


@click.command(
    short_help="Combine votes into probabilistic labels.",
    epilog="Example: sidelight fit votes --class-balance normal=0.6,abnormal=0.4 --out labels.parquet",
)
@click.argument("votes", nargs=-1, required=True, type=click.Path())
@click.option(
    "--out",
    type=click.Path(),
    help="Table of labels to write (Parquet); without it --model-out is learned from counts.",
)
@click.option("--model", default="matrix-completion", show_default=True, help="Name of the label model.")
@click.option("--model-out", type=click.Path(), help="Folder to keep the fitted label model in.")
@click.option(
    "--class-balance",
    metavar="NAME=SHARE,...",
    help="How frequent each class is; estimated from the votes when not given.",
)
@click.option(
    "--hierarchy",
    type=click.Path(),
    help="JSON file with a tree of classes, {name: {name: null, ...}, ...}; labels are for its leaves.",
)
@click.option(
    "--linked",
    metavar="FILE",
    type=click.Path(),
    help="TOML file of answers that never go together: VOTES are then tasks, --out is a folder, a table for each.",
)
@gold_options
@click.option(
    "--learn-from-gold",
    is_flag=True,
    help="Use the labels of --gold in the fit, instead of judging by them.",
)
@overwrite_option
@json_option
def fit(
    votes: tuple[str, ...],
    out: str | None,
    model: str,
    model_out: str | None,
    class_balance: str | None,
    hierarchy: str | None,
    linked: str | None,
    gold: str | None,
    gold_id: str | None,
    gold_column: str | None,
    learn_from_gold: bool,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Learn how far each function of VOTES can be trusted, and write the probability of each class for each record.

    No gold label is used. Those given with --gold only tell how good the labels are, unless --learn-from-gold says that
    any number of them take part. Several folders, such as those of several sites, are learned from together by adding up
    the counts that lie with their votes; so is one folder without --out. Only these counts are read then, however many
    records there are.

    With --linked the folders are of several tasks on the same records, and each task is called as its folder is. FILE says
    which of their answers never go together, one table for each rule, such as

    \b
      [[never]]
      effusion = "absent"
      side = ["left", "right"]

    Votes on one task then tell of the others, and no two labels of a record contradict each other.
    """  # noqa: D301 - click reads the control character
    from sidelight.label_model import MODELS, HierarchicalLabelModel, Labels, VoteModel
    from sidelight.labeling import LabelSchema, UsageError, read_votes

    if hierarchy is not None and model != "matrix-completion":
        raise UsageError(f"--hierarchy has a model of its own; leave out --model {model}")
    if model not in MODELS:
        raise UsageError(f"no label model {model!r}; there are {', '.join(sorted(MODELS))}")
    if linked is not None:
        given = {
            "--class-balance": class_balance, "--hierarchy": hierarchy, "--gold": gold, "--learn-from-gold": learn_from_gold or None,
            f"--model {model}": None if model == "matrix-completion" else model,
        }  # fmt: skip
        unfit = [name for name, value in given.items() if value is not None]
        if unfit or out is None:
            raise UsageError(f"--linked goes without {unfit[0]}" if unfit else "--linked wants --out FOLDER")
    for target in (out, model_out):
        if target is not None and Path(target).exists() and not overwrite:
            raise UsageError(f"{target} exists already; choose another name or pass --overwrite")
    _keep_apart({"--out": out, "--model-out": model_out}, [*votes, gold, hierarchy, linked])
    if linked is not None and out is not None:
        return fit_linked(votes, linked, out, model_out, overwrite=overwrite, as_json=as_json)
    if out is not None and Path(out).suffix.lower() not in (".parquet", ".pq"):
        raise UsageError(
            f"--out {out}: labels are written as Parquet, so name it .parquet; `sidelight export --to csv` makes others of it"
        )
    from_counts = len(votes) > 1 or out is None
    if from_counts and hierarchy is not None:
        raise UsageError("--hierarchy learns from the votes of one folder, and wants --out")
    if learn_from_gold:
        if gold is None:
            raise UsageError("--learn-from-gold needs --gold FILE and --gold-column COLUMN")
        if from_counts:
            raise UsageError("--learn-from-gold learns from the votes of one folder, and wants --out")
        if "gold" not in inspect.signature(MODELS[model].fit).parameters:
            raise UsageError(f"--model {model} learns from no gold label; leave out --learn-from-gold")
    if out is None and (model_out is None or gold is not None):
        raise UsageError(
            "say --out, the table of labels to write; --model-out alone keeps what is learned from counts"
        )
    learned: Any = None
    n_counted = 0
    if from_counts:
        learned, n_counted = learn_from_counts(votes, model, class_balance)
    if out is None:
        assert model_out is not None  # noqa: S101 - asked above
        learned.save(model_out, overwrite=overwrite)
        show_learned(learned, n_counted, model_out, as_json)
        return 0
    matrix = read_together(votes) if len(votes) > 1 else read_votes(votes[0])
    if matrix.ids is None:
        raise UsageError("these votes carry no record ids, so their labels could not be linked to anything")
    truth = read_gold(gold, gold_id, gold_column, matrix.schema, matrix.ids)
    taught = None if truth is None or not learn_from_gold else truth >= 0
    tree = None if hierarchy is None else read_hierarchy(hierarchy, matrix)
    classes = matrix.schema if tree is None else LabelSchema(tree.leaves)
    balance = None if class_balance is None else parse_balance(class_balance, classes)
    beside: dict[str, Any] = {"gold": truth} if learn_from_gold else {}
    fitted: VoteModel | HierarchicalLabelModel
    if tree is None:
        fresh = MODELS[model](cardinality=classes.cardinality)
        fitted = learned or fresh.fit(matrix, class_balance=balance, **beside)
        labels, shares, source = Labels.from_model(fitted, matrix), fitted.prior_, fitted.balance_.source
    else:
        fitted = HierarchicalLabelModel(tree).fit(matrix, class_balance=balance, **beside)
        labels, shares = fitted.labels(matrix), leaf_balance(fitted)
        source = "estimated" if balance is None else "given"
        truth = None if truth is None else at_leaves(tree, truth)
    if model_out is not None:
        fitted.save(model_out, overwrite=overwrite)
    if taught is not None:
        labels = replace(labels, from_gold=taught)
    labels.write(out)
    summary: dict[str, Any] = {
        "records": len(labels),
        "covered": int(labels.covered.sum()),
        "labeled": {name: int((labels.label == c).sum()) for c, name in enumerate(labels.schema.classes)},
        "without a label": int((labels.label < 0).sum()),
        "class balance": dict(zip(labels.schema.classes, map(float, shares), strict=True)),
        "class balance from": source,
        "labels": out,
    }
    if taught is not None:
        summary["gold labels learned from"] = int(taught.sum())
        truth = None  # they cannot judge what was learned from them
    quality = None if truth is None else label_quality(labels, truth)
    weights = getattr(fitted, "get_weights", None)
    accuracies = {} if weights is None else dict(zip(matrix.names, weights().tolist(), strict=True))
    assumed, overruled = list_assumed(fitted), list_overruled(fitted)
    if as_json:
        print_json(
            {
                **summary,
                "accuracies": accuracies,
                "assumed": assumed,
                "overruled": overruled,
                "quality": quality,
            }
        )
        return 0
    shared = dict(zip(matrix.names, records_shared(matrix).tolist(), strict=True))
    if accuracies:
        rows = [
            (name, f"{accuracy:.3f}, assumed" if name in assumed else accuracy, shared[name])
            for name, accuracy in accuracies.items()
        ]
        n_voting = sum(not math.isnan(accuracy) for accuracy in accuracies.values())
        learned_any = len(assumed) < n_voting
        title = "Learned accuracies" if learned_any else "Assumed accuracies: nothing was learned"
        print_table(title, ["function", "right when it votes", "records shared"], rows)
    facts = {
        **summary,
        "class balance": {name: f"{share:.3f}" for name, share in summary["class balance"].items()},
    }
    if source == "estimated":
        facts["class balance from"] = "estimated from votes alone; say --class-balance where it is known"
    elif source == "uniform":
        facts["class balance from"] = "taken to be equal; say --class-balance where it is known"
    if assumed:
        note(
            f"nothing tells how right {', '.join(assumed)} {'is' if len(assumed) == 1 else 'are'}: {why_assumed(fitted, any(shared[name] for name in assumed))}"
        )
    if overruled:
        facts["against all votes"] = "; ".join(map(str, getattr(fitted, "overruled_", ())))
    print_facts({**facts, **(quality or {})})
    return 0


def _keep_apart(written: Mapping[str, str | None], needed: Sequence[str | None]) -> None:
    """Refuse to write over what is read, or over what the same command writes."""
    from sidelight.labeling import UsageError

    for option, target in written.items():
        if target is None:
            continue
        others = [*needed, *(other for name, other in written.items() if name != option)]
        for other in others:
            if other is not None and Path(other).resolve().is_relative_to(Path(target).resolve()):
                raise UsageError(f"{option} {target} would replace {other}; choose another name")


def list_assumed(fitted: Any) -> list[str]:
    """Return the functions of whose accuracy nothing was learned, by name."""
    assumed = getattr(fitted, "assumed_", None)
    return (
        [] if assumed is None else [name for name, guess in zip(fitted.names_, assumed, strict=True) if guess]
    )


def list_overruled(fitted: Any) -> list[dict[str, Any]]:
    """Return the classes whose votes a model overrules, and on how many records."""
    return [
        {"class": found.name, "records": found.n_records, "labeled otherwise": found.n_otherwise, "swapped": found.swapped}
        for found in getattr(fitted, "overruled_", ())
    ]  # fmt: skip


def why_assumed(fitted: Any, met: bool) -> str:
    """Return why accuracies were assumed; `met` says whether other functions voted on the same records."""
    from sidelight.label_model.solver import FEWEST_TO_LEARN

    if fitted.why_assumed:
        return f"{fitted.why_assumed}, so what stands above was assumed"
    if (fitted.vote_rates_.sum(axis=1) > 0).sum() < FEWEST_TO_LEARN:
        return f"agreements tell of {FEWEST_TO_LEARN} functions or more, so what stands above was assumed"
    if met:
        return "votes say next to nothing of each other, so what stands above was assumed"
    return "no other function votes on the same records, so what stands above was assumed"


def records_shared(votes: "VoteMatrix") -> Any:
    """Return on how many records each function and another one voted: what accuracies are learned from."""
    import numpy as np

    from sidelight.labeling import LFAnalysis

    return np.rint(LFAnalysis(votes).lf_overlaps() * votes.n_records).astype(np.int64)


def parse_balance(text: str, schema: "LabelSchema") -> dict[str, float]:
    """Return the class balance that `NAME=SHARE,...` gives."""
    from sidelight.labeling import UsageError

    balance: dict[str, float] = {}
    for given in text.split(","):
        name, _, share = given.partition("=")
        try:
            balance[schema.classes[schema.index(name.strip())]] = float(share)
        except ValueError:
            raise UsageError(
                f"--class-balance is NAME=SHARE for each of {', '.join(schema.classes)}, by comma; not {given!r}"
            ) from None
    missing = [name for name in schema.classes if name not in balance]
    if missing:
        raise UsageError(f"--class-balance says nothing of {', '.join(missing)}")
    if min(balance.values()) < 0 or not abs(sum(balance.values()) - 1) <= 1e-6:
        raise UsageError(
            f"--class-balance adds up to {sum(balance.values()):g}; shares of at least 0 add up to 1"
        )
    return balance


def label_quality(labels: "Labels", gold: Any) -> dict[str, Any]:
    """Compare labels with gold on the records that have it."""
    import numpy as np

    from sidelight.labeling.statistics import bootstrap_auroc, clustered_proportion, shared_patients

    known = gold >= 0
    decided = known & (labels.label >= 0)
    right = clustered_proportion(
        labels.label[decided] == gold[decided], shared_patients(labels.patient_ids[decided])
    )
    quality: dict[str, Any] = {
        "gold labels": int(known.sum()),
        "accuracy": right.estimate,
        "accuracy_low": right.low,
        "accuracy_high": right.high,
    }
    if labels.schema.cardinality == 2:
        groups = labels.patient_ids if np.any(labels.patient_ids != "") else None
        area = bootstrap_auroc(
            gold[known] == 1, labels.proba[known, 1], None if groups is None else groups[known]
        )
        quality |= {"auroc": area.estimate, "auroc_low": area.low, "auroc_high": area.high}
    return quality
