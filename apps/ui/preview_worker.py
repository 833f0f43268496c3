"""Runs one pattern over texts in a process of its own: a pattern that never ends is ended with it.

Started as `python -m sidelight.apps.ui.preview_worker`; one JSON object a line in, one a line out.
"""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from sidelight.apps.ui.function_form import FunctionForm
from sidelight.apps.ui.workspace import evidence_of
from sidelight.labeling import SidelightError
from sidelight.labeling.record import iter_records


def main() -> None:
    """Answer requests until the input ends."""
    texts: list[str] = []
    for line in sys.stdin:
        request = json.loads(line)
        texts = request.get("texts", texts)
        sys.stdout.write(json.dumps(answer(request["form"], texts)) + "\n")
        sys.stdout.flush()


def answer(form: Mapping[str, Any], texts: list[str]) -> dict[str, Any]:
    """Return the texts that a form's function votes on, with the characters that earned it, and what it cost."""
    try:
        function = FunctionForm(**{**form, "not_when": tuple(form["not_when"])}).build()
    except SidelightError as error:
        return {"fault": str(error)}
    records = list(iter_records([{"id": str(row), "text": text} for row, text in enumerate(texts)]))
    begin = time.perf_counter()
    votes = [function(record) is not None for record in records]
    seconds = time.perf_counter() - begin
    hits = [(row, evidence_of(function, records[row])) for row, voted in enumerate(votes) if voted]
    return {"hits": hits, "ms_per_note": 1000 * seconds / max(len(texts), 1)}


if __name__ == "__main__":
    main()
