"""What goes to those who predict: the network's bundle, with what it was measured to do and all it was made of."""

import json
from typing import Any

from sidelight.apps.bundles import open_bundle
from sidelight.labeling import write_file

from .sources import file_identity
from .work import Work


def do_bundle(work: Work) -> None:
    """Complete a bundle with figures by slice, and lineage down to functions and data; add a card for people."""
    name = work.step.subject
    trained = work.inputs[f"train:{name}"] / "bundle"
    about = json.loads((trained / "bundle.json").read_text(encoding="utf-8"))
    about["metrics"] = _metrics(work, name)
    about["lineage"] |= {
        "trained": open_bundle(trained).fingerprint,
        "data": work.step.parts["data"],
        "sources": work.step.parts["sources"],
        "code": _code(work),
    }
    text = json.dumps(about, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    write_file(work.folder / "bundle" / "model.safetensors", (trained / "model.safetensors").read_bytes())
    write_file(work.folder / "bundle" / "bundle.json", text)
    write_file(work.folder / "bundle" / "card.md", _card(work, name, about))
    open_bundle(work.folder / "bundle")  # what cannot be loaded is not handed on


def _metrics(work: Work, task: str) -> dict[str, Any]:
    """Return the audit's figures, overall and by slice."""
    audits = [folder for need, folder in work.inputs.items() if need.startswith("audit:")]
    if not audits:
        return {}
    found = [line for folder in audits for line in json.loads((folder / "metrics.json").read_text())]
    keys: tuple[str, ...] = ("metric", "slice", "value", "low", "high", "n", "verdict")
    if work.project.config.tasks[task].is_multi_label:
        keys = ("task", *keys)
    rows = [{key: line[key] for key in keys if key in line} for line in found if line.get("part") == "test"]
    return {
        "measured on": "test patients, gold labels",
        "overall": [row for row in rows if "slice" not in row],
        "slices": [row for row in rows if "slice" in row],
    }


def _code(work: Work) -> dict[str, str]:
    """Return the hash of each file of functions."""
    sources = [work.project.config.sources[name] for name in work.step.parts["sources"]]
    files = [source.functions for source in sources if source.functions is not None]
    return {given: file_identity(work.project.path(given))[0]["sha256"] for given in sorted(set(files))}


def _card(work: Work, task: str, about: dict[str, Any]) -> str:
    """Return a model card in Markdown."""
    project, declared = work.project.config.project, work.project.config.tasks[task]
    shape = ", ".join(f"{key}: {value}" for key, value in about["input"].items())
    lines = [
        f"# {project.name}: {task}",
        "",
        project.purpose or "No purpose was declared.",
        "",
        about["intended_use"],
        "",
        f"- classes: {', '.join(declared.classes)}",
        f"- reads: {shape}",
        f"- taught by: {', '.join(work.step.parts['sources'])} ({about['training']['n_rows']} records with a label)",
        "",
    ]
    rows = [*about["metrics"].get("overall", []), *about["metrics"].get("slices", [])]
    if rows:
        lines += ["| among | metric | value | 95 % | records |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        value, low, high = (
            ("–" if row[key] is None else f"{row[key]:.3f}") for key in ("value", "low", "high")
        )
        lines.append(
            f"| {_among(row)} | {row['metric']} | {value} | {low} to {high} | {'–' if row['n'] is None else row['n']} |"
        )
    if not rows:
        least = work.project.config.audit.smallest_cell
        few = f", or of fewer than {least} patients" if least else ""
        lines.append(f"Not measured: there were no gold labels of test patients{few}.")
    return "\n".join(lines) + "\n"


def _among(row: dict[str, Any]) -> str:
    """Return which records, and which finding, a figure is of."""
    finding = row.get("task", "").partition(".")[2]
    return (
        f"{finding}: {row.get('slice', 'all test records')}"
        if finding
        else row.get("slice", "all test records")
    )
