"""Runs functions over records in a process of its own: a pattern that never ends, or code that breaks, ends with it.

Started as `python -m sidelight.apps.ui.preview_worker`; one JSON object a line in, one a line out.
"""

import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sidelight.apps.ui.function_form import FunctionForm
from sidelight.apps.ui.workspace import evidence_of
from sidelight.labeling import LabelingFunction, LabelSchema, Record, SidelightError, Vote, load_functions
from sidelight.labeling.record import batch_records, iter_records


def main() -> None:
    """Answer requests until the input ends; what functions print goes nowhere."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    kept: dict[str, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        kept.update({name: request[name] for name in ("texts", "table") if name in request})
        answers.write(json.dumps(answer({**kept, **request})) + "\n")
        answers.flush()


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form's function, or those of a file, vote on some records, with evidence and cost."""
    try:
        if "form" in request:
            form = request["form"]
            functions = [FunctionForm(**{**form, "not_when": tuple(form["not_when"])}).build()]
            records = [{"id": str(row), "text": text} for row, text in enumerate(request["texts"])]
            return {"functions": [run_one(functions[0], list(iter_records(records)), request["classes"])]}
        return {"functions": _run_file(request)}
    except SidelightError as error:
        return {"fault": str(error)}


def run_one(function: LabelingFunction, records: Sequence[Record], classes: Sequence[str]) -> dict[str, Any]:
    """Return the votes of one function as (row, class number, evidence), milliseconds a record, and its errors."""
    schema = LabelSchema(tuple(classes))
    votes, n_errors, raised = [], 0, ""
    begin = time.perf_counter()
    for row, record in enumerate(records):
        try:
            vote = function(record)
            value = vote.value if isinstance(vote, Vote) else vote
            if not isinstance(value, set | frozenset):  # one of several classes is no hit or miss of either
                votes.append((row, schema.encode(value)))
        except Exception as error:  # its message may quote the record
            n_errors, raised = n_errors + 1, type(error).__name__
    seconds = time.perf_counter() - begin
    found = [(row, vote, evidence_of(function, records[row])) for row, vote in votes if vote >= 0]
    return {
        "name": function.name, "votes": found, "ms_per_note": 1000 * seconds / max(len(records), 1),
        "n_errors": n_errors, "raised": raised,
    }  # fmt: skip


def _run_file(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Load a file's text as if it lay in its folder, and run all its functions."""
    import pyarrow as pa

    sys.path.insert(0, request["folder"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / request["name"]
        path.write_text(request["code"], encoding="utf-8")
        functions = load_functions(path, LabelingFunction)
    with pa.ipc.open_stream(base64.b64decode(request["table"])) as stream:
        records = [record for batch in stream for record in batch_records(batch)]
    return [run_one(function, records, request["classes"]) for function in functions]


if __name__ == "__main__":
    main()
