"""`sidelight export` and `sidelight import`: labels to other programs and back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from .exports import export_options, open_export, parse_classes
from .output import json_option, note, overwrite_option, print_facts, print_json

_NAMES = (
    "csv", "doccano", "fhir-observation", "huggingface", "jsonl", "label-studio", "omop-note-nlp", "parquet", "prodigy",
    "spacy", "wrench",
)  # fmt: skip
_SAY_FROM_GOLD = ("csv", "huggingface", "jsonl", "parquet")
"""Formats that keep which records' gold labels a label model learned from."""


@click.command(
    "export",
    short_help="Write labels for another program.",
    epilog="Example: sidelight export labels.parquet --to label-studio --records notes.csv --with-text --out tasks.json",
)
@click.argument("labels", type=click.Path())
@click.option(
    "--to", "target", required=True, type=click.Choice([*_NAMES, "onnx"]), help="The other program's format."
)
@click.option("--out", required=True, type=click.Path(), help="File to write; a folder for huggingface.")
@click.option("--task", help="Which task's labels, where LABELS is a project that has several.")
@click.option("--votes", type=click.Path(), help="Folder of votes, for formats that hold them (wrench).")
@click.option("--records", type=click.Path(), help="The export that holds the records' text.")
@click.option(
    "--with-text",
    is_flag=True,
    help="Copy the text of --records along. It is patients' data: not for sharing.",
)
@export_options
@overwrite_option
@json_option
def export_labels(
    labels: str,
    target: str,
    out: str,
    task: str | None,
    votes: str | None,
    records: str | None,
    with_text: bool,
    overwrite: bool,
    as_json: bool,
    columns: Mapping[str, Any],
) -> int:
    """Write LABELS in the format of another program. Text goes along only when --with-text asks for it.

    LABELS is a table of labels, or a project's folder: then the labels of its newest run go out.

    For onnx give a trained bundle's folder in place of LABELS: its network becomes one file that takes signals and gives
    probabilities, written only if it gives what the bundle gives.
    """
    from sidelight.apps.exchange import FORMATS, Content
    from sidelight.label_model import Labels
    from sidelight.labeling import UsageError, read_votes

    from .exports import read_fields

    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    if with_text != (records is not None):
        raise UsageError("--with-text and --records EXPORT go together")
    if target == "onnx":
        facts = _export_network(labels, out, plain=votes is None and records is None)
        print_json(facts) if as_json else print_facts(facts)
        return 0
    table = Labels.read(_labels_file(labels, task))
    texts: dict[str, str] = {}
    if records is not None:
        known = read_fields(open_export(records, columns), ["text"])["text"]
        texts = {name: known[name] for name in table.ids.tolist() if name in known}
    content = Content(table, None if votes is None else read_votes(votes), texts)
    FORMATS[target].write(content, Path(out))
    if texts:
        note(
            f"{Path(out).name} holds the text of {len(texts)} records: it is for the eyes of those who may read them"
        )
    taught = 0 if table.from_gold is None else int(table.from_gold.sum())
    if table.from_gold is None and table.lineage.get("gold_records"):
        note(
            "the label model learned from gold labels, and LABELS do not say which; what is written says nothing of it"
        )
    elif taught and target not in _SAY_FROM_GOLD:
        note(
            f"the label model learned from {taught} gold labels, which {target} cannot say: judge nothing by them that learns "
            f"from this file; {', '.join(_SAY_FROM_GOLD)} say which they are"
        )
    facts = {"records": len(table), "with text": len(texts), "written": out}
    print_json(facts) if as_json else print_facts(facts)
    return 0


def _labels_file(given: str, task: str | None) -> Path:
    """Return the table of labels itself, or the one that the newest run of a project made for a task."""
    from sidelight.labeling import UsageError

    place = Path(given)
    if not ((place / "sidelight.toml").is_file() or place.name == "sidelight.toml"):
        if task is not None:
            raise UsageError("--task is for a project; a table of labels is of one task")
        return place
    from sidelight.apps.project import load_project
    from sidelight.apps.project.runs import find_run

    project = load_project(place)
    tasks = list(project.config.questions)
    if task is None and len(tasks) > 1:
        raise UsageError(f"this project has several tasks; say which with --task ({', '.join(tasks)})")
    if task is not None and task not in tasks:
        raise UsageError(f"this project has no task {task!r}; there are {', '.join(tasks)}")
    return find_run(project).step(f"fit:{task or tasks[0]}") / "labels.parquet"


def _export_network(bundle: str, out: str, *, plain: bool) -> dict[str, Any]:
    """Write a bundle's network as ONNX; return what was written and how near it is to the bundle."""
    from sidelight.apps.bundles import open_bundle
    from sidelight.crossmodal import export_onnx
    from sidelight.labeling import UsageError

    if not plain:
        raise UsageError("--to onnx takes a bundle's folder: no votes and no records go along")
    model = open_bundle(bundle)
    gap = export_onnx(model, out)
    return {
        "classes": ", ".join(model.schema.classes),
        "input": str(model.contract),
        "largest difference": f"{gap:.1e}",
        "intended use": model.intended_use,
        "written": out,
    }


@click.command(
    "import",
    short_help="Read labels from another program.",
    epilog="Example: sidelight import done.json --from label-studio --classes normal,abnormal --out people.parquet",
)
@click.argument("file", type=click.Path())
@click.option(
    "--from", "source", required=True, type=click.Choice(_NAMES), help="The other program's format."
)
@click.option("--out", required=True, type=click.Path(), help="Table of labels to write (Parquet).")
@click.option("--classes", help="Class names, by comma; else those the file names.")
@click.option(
    "--votes-out", type=click.Path(), help="Folder to write the file's votes to, where it holds any."
)
@overwrite_option
@json_option
def import_labels(
    file: str,
    source: str,
    out: str,
    classes: str | None,
    votes_out: str | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Read labels that another program wrote, or people gave in it, into a table of labels."""
    from sidelight.apps.exchange import FORMATS
    from sidelight.labeling import InputError, UsageError, write_votes

    if not Path(file).exists():
        raise InputError(file, "does not exist")
    for target in (out, votes_out):
        if target is not None and Path(target).exists() and not overwrite:
            raise UsageError(f"{target} exists already; choose another name or pass --overwrite")
    content = FORMATS[source].read(Path(file), parse_classes(classes))
    content.labels.write(out)
    if votes_out is not None:
        if content.votes is None:
            raise UsageError(f"the format {source} holds no votes")
        write_votes(content.votes, votes_out, overwrite=overwrite)
    labeled = int((content.labels.label >= 0).sum())
    facts = {
        "records": len(content.labels),
        "labeled": labeled,
        "classes": list(content.labels.schema.classes),
        "labels": out,
    }
    print_json(facts) if as_json else print_facts(
        {**facts, "classes": ", ".join(content.labels.schema.classes)}
    )
    return 0
