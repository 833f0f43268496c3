"""Records per CPU second of 20 keyword and 20 regex functions: sidelight's ways beside Snorkel's.

    python benchmarks/lf_throughput.py --yardstick DIR [--peers DIR] [--rows 20000]

`DIR/lf_tasks.py` makes the reports and holds the functions, in plain Python and as words and patterns. Every way casts
the same votes on the same reports; the script stops where one does not. Snorkel runs in an environment of its own:

    python -m venv PEERS/snorkel && PEERS/snorkel/bin/pip install torch snorkel

Prints a table and, last, one line of JSON. Times are CPU seconds of this process (user and system), best of
three; compiling the plan, once for equal functions, is told apart.
"""

import argparse
import json
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from yardstick import add_options, checksum, load, require_equal, run_snorkel

from sidelight.labeling import LFApplier, keyword_lf, labeling_function, regex_lf
from sidelight.labeling.fused import FusedPlan

SNORKEL = """
import sys, time, types, json, zlib, warnings
warnings.filterwarnings("ignore")
sys.path.insert(0, sys.argv[1])
import numpy as np, pandas as pd
import lf_tasks as tasks
from snorkel.labeling import LabelingFunction, LFApplier, PandasLFApplier
texts = tasks.reports(int(sys.argv[2]))
plain = tasks.keyword_functions() + tasks.regex_functions()
functions = [LabelingFunction(f"lf{i}", f) for i, f in enumerate(plain)]
answers = {}
for name, applier, data in (
    ("Snorkel PandasLFApplier", PandasLFApplier, pd.DataFrame({"text": texts})),
    ("Snorkel LFApplier (list)", LFApplier, [types.SimpleNamespace(text=t) for t in texts]),
):
    begin = time.process_time()
    votes = applier(functions).apply(data, progress_bar=False)
    answers[name] = [time.process_time() - begin, zlib.crc32(np.ascontiguousarray(votes.astype(np.int8)).tobytes())]
print(json.dumps(answers))
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser, rows=20_000, quick=2_000)
    options = parser.parse_args(arguments)
    n_rows = 2_000 if options.quick else options.rows
    tasks = load(options.yardstick / "lf_tasks.py")
    texts = tasks.reports(n_rows)
    plain = tasks.keyword_functions() + tasks.regex_functions()
    rows = [types.SimpleNamespace(text=text) for text in texts]
    declared = [
        keyword_lf(f"keyword_{i}", words, 1, whole_words=False) for i, words in enumerate(tasks.KEYWORDS)
    ] + [regex_lf(f"regex_{i}", pattern, 1) for i, pattern in enumerate(tasks.REGEX)]
    decorated = [labeling_function(name=f"lf_{i}")(function) for i, function in enumerate(plain)]
    import pandas as pd

    frame = pd.DataFrame({"text": texts})
    begin = time.process_time()
    words = with_engine(declared, "words")
    build = {"words": time.process_time() - begin}
    ways: dict[str, Callable[[], Any]] = {
        "bare Python loop": lambda: np.array([[f(row) for f in plain] for row in rows], dtype=np.int8),
        "sidelight, decorated functions": lambda: LFApplier(decorated).apply(texts),
        "sidelight, declared, words": lambda: words.apply(texts),
    }
    try:
        import hyperscan  # noqa: F401

        begin = time.process_time()
        vector = with_engine(declared, "vector")
        build["Vectorscan"] = time.process_time() - begin
        ways["sidelight, declared, Vectorscan"] = lambda: vector.apply(texts)
        ways["sidelight, declared, Vectorscan, DataFrame"] = lambda: vector.apply(frame)
    except ImportError:
        print("absent: hyperscan (the fast extra)", file=sys.stderr)
    seconds: dict[str, float] = {}
    checks: dict[str, int] = {}
    for name, way in ways.items():
        best = float("inf")
        for _ in range(1 if options.quick else 3):
            begin = time.process_time()
            votes = way()
            best = min(best, time.process_time() - begin)
        seconds[name], checks[name] = best, checksum(votes)
    for name, (spent, check) in (run_snorkel(options, SNORKEL, n_rows) or {}).items():
        seconds[name], checks[name] = spent, check
    require_equal(checks)
    bare = seconds["bare Python loop"]
    figures = {name: {"cpu_s": spent, "rows_per_cpu_s": n_rows / spent} for name, spent in seconds.items()}
    if not options.json:
        print(f"{n_rows} reports x {len(plain)} functions, equal votes throughout")
        for name, spent in seconds.items():
            against = "".join(
                f"{seconds[peer] / spent:9.1f} x {peer}"
                for peer in seconds
                if peer.startswith("Snorkel") and peer != name
            )
            print(
                f"{name:46}{1e6 * spent / n_rows:8.1f} us a row {n_rows / spent:10.0f} rows/s  {spent / bare:5.2f} of bare{against}"
            )
        print("compiling the plan: " + ", ".join(f"{name} {spent:.2f} s" for name, spent in build.items()))
    print(json.dumps({"rows": n_rows, "functions": len(plain), "compile_cpu_s": build, "ways": figures}))


def with_engine(functions: list[Any], engine: Any) -> LFApplier:
    applier = LFApplier(functions)
    applier.plan = FusedPlan(functions, engine=engine)
    return applier


if __name__ == "__main__":
    main()
