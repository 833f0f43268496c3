"""Labels from reports against hand labels: the same networks trained on both, five folds by patient, pooled.

    python benchmarks/cross_modal.py --data ../shared/data --seeds 5 --save figures/

ECGs (`ptbxl_ecg`) and radiographs (`covid_cxr`). In each fold the label model is fitted on the votes of the training
patients, without gold; networks of one architecture and budget learn from its labels, from the majority vote's, from the
single function that is best on dev, and from gold. All stop early on the gold labels of the same dev fold. Scores of the
five test folds are pooled; an area is the mean over seeds, its interval comes from resampling patients; medians and
extremes over seeds stand beside. Parts:

    extra       what 2,148 more reports without signals do to the label model
    normal      normal or abnormal ECG
    curve       the same from growing shares of the training patients, and how many hand labels the reports are worth
    superclass  five findings at once
    covid       COVID-19 or another diagnosis, a text model speaking for images whose note no function covers

With --save each part is written after each seed. Prints tables and, last, one line of JSON.
"""

import argparse
import json
import resource
import sys
from pathlib import Path
from typing import Any

import cross_modal_covid
import cross_modal_ecg
import numpy as np
from cross_modal_tables import as_plain, curve_table, extra_table, findings_table, normal_table

DATA = {"ptbxl_ecg": tuple(cross_modal_ecg.PARTS), "covid_cxr": ("covid",)}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [part for parts in DATA.values() for part in parts]
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--part", action="append", choices=names, help="a part to run; all by default")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each network in each fold")
    parser.add_argument("--quick", action="store_true", help="two epochs: shows that it runs, not how well")
    parser.add_argument("--save", type=Path, help="folder to write each part's figures to, as they come")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args(arguments)
    wanted = options.part or names
    result: dict[str, Any] = {
        "benchmark": "cross_modal",
        "n_seeds": options.seeds,
        "quick": options.quick,
        "absent": [],
    }
    for folder, parts in DATA.items():
        chosen = [part for part in parts if part in wanted]
        if not chosen:
            continue
        if not (options.data / folder).exists():
            print(f"{folder}: absent below {options.data}, passed over", file=sys.stderr)
            result["absent"].append(folder)
            continue
        run(options.data / folder, chosen, options, result)
    result["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(as_plain(result)))
    return 0


def run(folder: Path, parts: list[str], options: argparse.Namespace, result: dict[str, Any]) -> None:
    """Run some parts on one data set and tell of each when it is done."""
    module: Any = cross_modal_covid if folder.name == "covid_cxr" else cross_modal_ecg
    kind = module.Covid if folder.name == "covid_cxr" else module.Ecg
    data = kind(folder, epochs=2 if options.quick else None)

    def save(part: str, found: dict[str, Any]) -> None:
        if options.save is not None:
            options.save.mkdir(parents=True, exist_ok=True)
            text = json.dumps(as_plain(summary(part, data, found, result)))
            (options.save / f"{part}.json").write_text(text + "\n", encoding="utf-8")

    for part in parts:
        found = module.PARTS[part](data, options.seeds, save)
        result[part] = summary(part, data, found, result)
        if not options.json:
            print(f"\n== {part}\n" + "\n".join(result[part]["lines"]), flush=True)
    if data.seconds:
        seconds = {"median": float(np.median(data.seconds)), "max": float(np.max(data.seconds))}
        result[f"cpu_seconds_a_training, {folder.name}"] = {**seconds, "n": len(data.seconds)}


def summary(part: str, data: Any, found: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return a part's figures, with the lines that show them."""
    if part == "extra":
        return extra_table(data, found)
    if part == "superclass":
        return findings_table(data, found)
    if part == "curve":
        return curve_table(found, result.get("normal"))
    return normal_table(data, found)


if __name__ == "__main__":
    sys.exit(main())
