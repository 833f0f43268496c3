"""Learning a label model from the counts that lie with votes: no row is read, and several sites add up."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def learn_from_counts(folders: Sequence[str], model: str, class_balance: str | None) -> tuple[Any, int]:
    """Return a label model learned from the summed counts of folders of votes, and how many records were counted.

    Only `manifest.json` and `counts.npz` of each folder are opened; neither holds an id or a word.
    """
    from sidelight.label_model import MODELS
    from sidelight.labeling import UsageError
    from sidelight.labeling.engine import read_moments
    from sidelight.labeling.engine.counts import add_folders

    from .fit import parse_balance

    if not hasattr(MODELS[model], "fit_moments"):
        raise UsageError(
            f"the label model {model} learns from votes, not from counts; give --out and one folder"
        )
    found = [read_moments(folder) for folder in folders]
    check_alike(folders)
    moments, patterns = add_folders(found)
    balance = None if class_balance is None else parse_balance(class_balance, moments.schema)
    maker: Any = MODELS[model](cardinality=moments.schema.cardinality)
    functions = function_infos(folders[0])
    learned = maker.fit_moments(moments, class_balance=balance, patterns=patterns, functions=functions)
    return learned, moments.n_records


def function_infos(folder: str) -> tuple[Any, ...]:
    """Return what the manifest of a folder of votes says of its functions."""
    from sidelight.labeling import FunctionInfo
    from sidelight.labeling.vote_files import read_manifest

    return tuple(
        FunctionInfo(entry["name"], entry["fingerprint"], tuple(entry["polarity"]))
        for entry in read_manifest(Path(folder))["functions"]
    )


def check_alike(folders: Sequence[str]) -> None:
    """Refuse folders whose classes or functions differ, in name or in what they do."""
    from sidelight.labeling import UsageError
    from sidelight.labeling.vote_files import read_manifest

    def facts(folder: str) -> tuple[Any, Mapping[str, str]]:
        manifest = read_manifest(folder)
        return manifest["schema"], {f["name"]: f["fingerprint"] for f in manifest["functions"]}

    schema, functions = facts(folders[0])
    for folder in folders[1:]:
        other, theirs = facts(folder)
        if other != schema:
            raise UsageError(f"the classes of {Path(folder).name} and {Path(folders[0]).name} differ")
        if list(theirs) != list(functions):
            raise UsageError(
                f"the functions of {Path(folder).name} and {Path(folders[0]).name} differ, or their order"
            )
        changed = [name for name, fingerprint in functions.items() if theirs[name] != fingerprint]
        if changed:
            raise UsageError(
                f"{', '.join(changed)} of {Path(folder).name} and {Path(folders[0]).name} are of one name but do "
                "different things; label with the same file of functions"
            )


def show_learned(model: Any, n_records: int, place: str, as_json: bool) -> None:
    """Print what was learned from counts."""
    from .fit import list_assumed, list_overruled
    from .output import print_facts, print_json

    shares = dict(zip(model.schema_.classes, map(float, model.prior_), strict=True))
    accuracies = dict(zip(model.names_, model.get_weights().tolist(), strict=True))
    assumed = list_assumed(model)
    facts = {"records counted": n_records, "class balance": shares, "class balance from": model.balance_.source, "model": place}  # fmt: skip
    if as_json:
        print_json(
            {**facts, "accuracies": accuracies, "assumed": assumed, "overruled": list_overruled(model)}
        )
        return
    shown = {name: f"{share:.3f}" for name, share in shares.items()}
    said = {name: f"{value:.3f}, assumed" if name in assumed else value for name, value in accuracies.items()}
    print_facts({**facts, "class balance": shown, **said})


def read_together(folders: Sequence[str]) -> Any:
    """Return the votes of several folders as one matrix; each id stands in one of them."""
    from sidelight.labeling import UsageError, read_votes
    from sidelight.labeling.engine.folder_votes import stack

    parts = [read_votes(folder) for folder in folders]
    ids = [name for part in parts if part.ids is not None for name in part.ids.tolist()]
    if len(set(ids)) < len(ids):
        raise UsageError("an id stands in more than one of these folders; label each on its own with --out")
    return stack(parts, parts[0].schema, parts[0].functions)
