"""Records per CPU second of 20 spaCy functions: sidelight's ways beside Snorkel's `NLPLabelingFunction`.

    python benchmarks/nlp_functions.py --yardstick DIR [--peers DIR] [--rows 4000]

`DIR/lf_tasks.py` makes the reports and the functions: 20 phrase matchers over a blank English pipeline. Every way casts the
same votes; the script stops where one does not. Snorkel runs in an environment of its own:

    python -m venv PEERS/snorkel && PEERS/snorkel/bin/pip install torch snorkel spacy

Prints a table and, last, one line of JSON. Times are CPU seconds; memory is how much the peak grows from the first
thousand rows to the last, a row.
"""

import argparse
import json
import resource
import time
from typing import Any

import spacy
from yardstick import add_options, checksum, load, require_equal, run_snorkel

from sidelight.labeling import LFApplier
from sidelight.labeling.nlp import matcher_lf, nlp_labeling_function

SNORKEL = """
import json, sys, tempfile, time, warnings, zlib
warnings.filterwarnings("ignore")
sys.path.insert(0, sys.argv[1])
import numpy as np, pandas as pd, spacy
import lf_tasks as tasks
from snorkel.labeling import PandasLFApplier
from snorkel.labeling.lf.nlp import NLPLabelingFunction
texts = tasks.reports(int(sys.argv[2]))
folder = tempfile.mkdtemp()
spacy.blank("en").to_disk(folder)
options = dict(text_field="text", doc_field="doc", language=folder, disable=None, memoize=True)
NLPLabelingFunction("first", lambda x: -1, **options)
plain = tasks.spacy_functions(NLPLabelingFunction._nlp_config.nlp._nlp)
functions = [NLPLabelingFunction(f"lf{i}", f, **options) for i, f in enumerate(plain)]
begin = time.process_time()
votes = PandasLFApplier(functions).apply(pd.DataFrame({"text": texts}), progress_bar=False)
print(json.dumps([time.process_time() - begin, zlib.crc32(np.ascontiguousarray(votes.astype(np.int8)).tobytes())]))
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser, rows=4_000, quick=500)
    options = parser.parse_args(arguments)
    n_rows = 500 if options.quick else options.rows
    tasks = load(options.yardstick / "lf_tasks.py")
    texts = tasks.reports(n_rows)
    nlp = spacy.blank("en")
    plain = tasks.spacy_functions(nlp)
    unchanged = [nlp_labeling_function(name=f"lf_{i}", language=nlp)(f) for i, f in enumerate(plain)]
    merged = [matcher_lf(f"lf_{i}", words, 1, language=nlp) for i, words in enumerate(tasks.KEYWORDS)]
    seconds: dict[str, float] = {}
    checks: dict[str, int] = {}
    for name, functions in (
        ("sidelight, unchanged functions", unchanged),
        ("sidelight, merged matchers", merged),
    ):
        applier = LFApplier(functions)
        applier.apply(texts[:200])
        begin = time.process_time()
        votes = applier.apply(texts)
        seconds[name] = time.process_time() - begin
        checks[name] = checksum(votes)
    growth = memory_growth(unchanged, texts)
    if (snorkel := run_snorkel(options, SNORKEL, n_rows)) is not None:
        seconds["Snorkel NLPLabelingFunction"], checks["Snorkel NLPLabelingFunction"] = snorkel
    require_equal(checks)
    if not options.json:
        print(f"{n_rows} reports x {len(plain)} functions, equal votes throughout")
        peer = seconds.get("Snorkel NLPLabelingFunction")
        for name, spent in seconds.items():
            against = f"{peer / spent:8.1f} x Snorkel" if peer else ""
            print(f"{name:34}{1e6 * spent / n_rows:8.1f} us a row{n_rows / spent:10.0f} rows/s{against}")
        print(f"memory grows by {growth:.2f} kB a row after the first thousand")
    print(json.dumps({"rows": n_rows, "cpu_s": seconds, "kb_per_row_after_1000": growth}))


def memory_growth(functions: list[Any], texts: list[str]) -> float:
    """Return how much the peak of memory grows a row when four times as many rows are labeled in equal batches."""
    applier = LFApplier(functions)
    batches = [texts[i : i + 500] for i in range(0, len(texts), 500)]
    for batch in batches[:2]:
        applier.apply(batch)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for batch in batches[2:]:
        applier.apply(batch)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / max(1, len(texts) - 1000)


if __name__ == "__main__":
    main()
