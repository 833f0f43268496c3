"""Negation, history and experiencer of annotated findings: sidelight's rules beside medspaCy's.

    python benchmarks/clinical_context.py --data DIR [--peers DIR]

`DIR/negex_annotations/sentences.csv` holds sentences with a finding in capitals and what annotators said of it. The
finding's place is given to both. medspaCy pins an old spaCy, so it runs in an environment of its own:

    python -m venv PEERS/medspacy && PEERS/medspacy/bin/pip install medspacy==1.3.1

Prints a table and, last, one line of JSON.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sidelight.labeling.clinical import assertion

TASKS: dict[str, tuple[str, Callable[[dict[str, str]], bool]]] = {
    "negated": ("negation", lambda row: row["negation"] == "Negated"),
    "historical": ("temporality", lambda row: row["temporality"] == "Historical"),
    "hypothetical": ("temporality", lambda row: row["temporality"] == "Not particular"),
    "not the patient's": ("experiencer", lambda row: row["experiencer"] != "Patient"),
}

MEDSPACY = """
import json, sys, time
import spacy, medspacy, warnings
from medspacy.context import ConText
from spacy.tokens import Span
from spacy.util import filter_spans
nlp = spacy.blank("en")
nlp.add_pipe("medspacy_pyrush")
context = nlp.add_pipe("medspacy_context")
nlp.remove_pipe("medspacy_context")
rows = json.load(sys.stdin)
answers = []
begin = time.process_time()
for text, (start, end) in rows:
    doc = nlp(text)
    span = doc.char_span(start, end, label="FINDING", alignment_mode="expand")
    doc.ents = [span]
    context(doc)
    e = doc.ents[0]
    answers.append([e._.is_negated, e._.is_historical, e._.is_hypothetical, e._.is_family])
print(json.dumps([medspacy.__version__ if hasattr(medspacy, "__version__") else "", time.process_time() - begin, answers]))
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", type=Path, help="folder of environments; medspaCy's is called medspacy")
    parser.add_argument("--quick", action="store_true", help="the first 300 sentences")
    parser.add_argument("--json", action="store_true", help="the line of JSON alone")
    options = parser.parse_args(arguments)
    path = options.data / "negex_annotations" / "sentences.csv"
    if not path.exists():
        print(json.dumps({"absent": "negex_annotations"}))
        return
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))[: 300 if options.quick else None]
    findings = [(row["sentence"], locate(row["concept"], row["sentence"])) for row in rows]
    begin = time.process_time()
    found = [assertion(text, span) for text, span in findings]
    seconds = time.process_time() - begin
    answers = {
        "sidelight": [(a.negated, a.historical, a.hypothetical, a.experiencer != "patient") for a in found]
    }
    cost = {"sidelight": seconds}
    if options.peers:
        python = options.peers / "medspacy" / "bin" / "python"
        if python.exists():
            run = subprocess.run(
                [python, "-W", "ignore", "-c", MEDSPACY], input=json.dumps(findings), capture_output=True, text=True, check=True
            )  # fmt: skip
            _, cost["medspacy"], answers["medspacy"] = json.loads(run.stdout.splitlines()[-1])
        else:
            print(f"absent: {python}", file=sys.stderr)
    figures: dict[str, object] = {"n": len(rows), "cpu_ms_per_sentence": {}}
    lines = [f"{len(rows)} findings", f"{'':10}{'task':20}{'tp':>5}{'fp':>5}{'fn':>5}{'F1':>8}"]
    for name, given in answers.items():
        figures["cpu_ms_per_sentence"][name] = 1000 * cost[name] / len(rows)  # type: ignore[index]
        for column, (task, (_, is_gold)) in enumerate(TASKS.items()):
            gold = [is_gold(row) for row in rows]
            said = [bool(answer[column]) for answer in given]
            tp = sum(g and s for g, s in zip(gold, said, strict=True))
            fp, fn = sum(said) - tp, sum(gold) - tp
            f1 = 2 * tp / max(1, 2 * tp + fp + fn)
            figures[f"{name}/{task}"] = {"tp": tp, "fp": fp, "fn": fn, "f1": f1}
            lines.append(f"{name:10}{task:20}{tp:5}{fp:5}{fn:5}{f1:8.3f}")
        lines.append(f"{name:10}{1000 * cost[name] / len(rows):.2f} ms CPU a sentence")
    if not options.json:
        print("\n".join(lines))
    print(json.dumps(figures))


def locate(concept: str, sentence: str) -> tuple[int, int]:
    """Return where a finding stands: in capitals, else as written, else as much of its beginning as is there."""
    words = concept.split()
    upper = re.search(r"\s+".join(re.escape(word.upper()) for word in words), sentence)
    if upper:
        return upper.span()
    while words:
        match = re.search(r"\s+".join(map(re.escape, words)), sentence, re.IGNORECASE)
        if match:
            return match.span()
        words.pop()
    return 0, len(sentence)


if __name__ == "__main__":
    main()
