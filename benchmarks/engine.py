"""What the engine costs and keeps: memory, reruns, changed functions, and runners beside each other.

    python benchmarks/engine.py [--quick] [--notes 200000] [--only memory,files,rerun,change,runners] [--json]

Every measurement runs `sidelight label` in a process of its own; costs are CPU seconds and peak resident memory of the whole process tree.
"""

import argparse
import base64
import hashlib
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

FINDINGS = [
    "effusion",
    "pneumothorax",
    "consolidation",
    "fracture",
    "edema",
    "nodule",
    "opacity",
    "cardiomegaly",
]
FILLER = (
    "The lungs are clear. Heart size is normal. No acute osseous abnormality. Mediastinal contours are unremarkable. "
    "Comparison is made with the prior examination. Clinical correlation is recommended. "
)
PLAIN = """
@labeling_function
def says_{name}(record):
    text = record.text.lower()
    if re.search(r"\\b{name}", text) and not re.search(r"\\bno (?:evidence of )?{name}", text):
        return "yes"
    return "no" if re.search(r"\\bno (?:evidence of )?{name}", text) else None
"""
CHEAP = """
import re
from sidelight.labeling import LabelSchema, labeling_function

schema = LabelSchema(["no", "yes"])
"""


def main() -> None:
    options = _options()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as home:
        for name in options.only.split(","):
            figures[name] = MEASUREMENTS[name](Path(home), options)
    if options.json:
        print(json.dumps(figures))


def measure_memory(home: Path, options: argparse.Namespace) -> dict[str, float]:
    """Peak memory with few and with many notes."""
    few, many = (20_000, 200_000) if options.quick else (100_000, 2_000_000)
    functions = write_functions(home / "cheap.py", 1)
    found: dict[str, float] = {}
    for runner in ("serial", "pool"):
        for n in (few, many):
            export = write_notes(home / f"notes{n}", n)
            cost = run(export, functions, home / f"memory-{runner}-{n}", runner)
            found[f"{runner}_{n}_mb"] = cost["peak_mb"]
            print(f"memory: {runner:6} {n:>9,} notes  peak {cost['peak_mb']:.0f} MB, {cost['cpu']:.1f} CPU s")
        growth = found[f"{runner}_{many}_mb"] / found[f"{runner}_{few}_mb"] - 1
        found[f"{runner}_growth"] = growth
        print(f"memory: {runner:6} grows by {growth:+.1%} (wanted: at most +10 %)")
    return found


def measure_files(home: Path, options: argparse.Namespace) -> dict[str, float]:
    """Peak memory with a small and a large single file of each form."""
    few, many = (30_000, 60_000) if options.quick else (60_000, 240_000)
    functions = write_functions(home / "cheap.py", 1)
    found: dict[str, float] = {}
    for name, write in FORMS.items():
        peaks = []
        for n in (few, many):
            (home / f"{name}{n}").mkdir()
            export = write(home / f"{name}{n}", n)
            size = export.stat().st_size / 2**20
            cost = run(export, functions, home / f"{name}{n}-votes", "serial")
            n_parts = len(list((home / f"{name}{n}-votes" / "parts").iterdir()))
            peaks.append(cost["peak_mb"])
            export.unlink()
            print(
                f"files: {name:10} {n:>8,} notes in one file of {size:.0f} MB, {n_parts} parts: "
                f"peak {cost['peak_mb']:.0f} MB, {cost['cpu']:.1f} CPU s"
            )
        found[f"{name}_growth"] = peaks[1] / peaks[0] - 1
        print(f"files: {name:10} grows by {found[f'{name}_growth']:+.1%} (wanted: at most +10 %)")
    return found


def measure_rerun(home: Path, options: argparse.Namespace) -> dict[str, float]:
    """A run with nothing to do."""
    n_parts = 100 if options.quick else 1000
    export = write_notes(home / "parts", n_parts * 20, n_files=n_parts)
    functions = write_functions(home / "twenty.py", 20)
    first = run(export, functions, home / "rerun", "serial")
    again = run(export, functions, home / "rerun", "serial")
    print(
        f"rerun: {n_parts} parts, first run {first['cpu']:.1f} CPU s, nothing to do {again['wall']:.2f} s wall, {again['cpu']:.2f} CPU s"
    )
    return {"parts": n_parts, "first_cpu": first["cpu"], "noop_wall": again["wall"], "noop_cpu": again["cpu"]}


def measure_change(home: Path, options: argparse.Namespace) -> dict[str, float]:
    """One changed function of twenty."""
    n = 20_000 if options.quick else 200_000
    export = write_notes(home / "change", n)
    functions = write_functions(home / "changing.py", 20)
    full = run(export, functions, home / "change-votes", "serial")
    shares = []
    for name in (names(20)[place] for place in (2, 9, 16)):
        functions.write_text(
            functions.read_text().replace(rf'r"\b{name}", text)', rf'r"\b{name}s?", text)', 1)
        )
        changed = run(export, functions, home / "change-votes", "serial")
        shares.append(changed["cpu"] / full["cpu"])
        print(
            f"change: {n:,} notes, 20 functions {full['cpu']:.1f} CPU s, {name} changed {changed['cpu']:.1f} CPU s = {shares[-1]:.1%}"
        )
    share = sum(shares) / len(shares)
    print(f"change: one function of 20 costs {share:.1%} (wanted: at most 8 %)")
    return {"notes": n, "full_cpu": full["cpu"], "share": share}


def measure_runners(home: Path, options: argparse.Namespace) -> dict[str, object]:
    """The same work on every runner."""
    n = 10_000 if options.quick else options.notes
    export = write_notes(home / "runners", n)
    functions = write_functions(home / "runners.py", 20)
    found: dict[str, object] = {"notes": n}
    digests = set()
    pool = 0.0
    for name, needs in (("serial", None), ("pool", None), ("dask", "distributed"), ("spark", "pyspark")):
        if needs is not None and not _has(needs):
            print(f"runners: {name} is absent ({needs} is not installed)")
            continue
        cost = run(export, functions, home / f"runners-{name}", name)
        digest = content_digest(home / f"runners-{name}")
        digests.add(digest)
        pool = cost["cpu"] if name == "pool" else pool
        ratio = cost["cpu"] / pool if pool else float("nan")
        print(
            f"runners: {name:6} {cost['cpu']:7.1f} CPU s  x{ratio:.2f} of pool  peak {cost['peak_mb']:.0f} MB  wall {cost['wall']:.0f} s  {digest[:12]}"
        )
        found[name] = {**cost, "of_pool": ratio, "digest": digest}
    print(f"runners: {'identical bytes' if len(digests) == 1 else 'BYTES DIFFER'}")
    return {**found, "identical": len(digests) == 1}


def run(export: Path, functions: Path, out: Path, runner: str) -> dict[str, float]:
    """Label an export in a process of its own and return what the process tree cost."""
    begin = time.perf_counter()
    command = ["label", str(export), "--functions", str(functions), "--out", str(out), "--runner", runner]
    workers = [] if runner == "serial" else ["--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sidelight.apps.cli", *command, *workers],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    spent: dict[tuple[int, float], float] = {}
    peak = 0
    while process.poll() is None:
        resident = 0
        for member in _tree(process.pid):
            try:
                times, made = member.cpu_times(), member.create_time()
                spent[member.pid, made] = times.user + times.system
                resident += member.memory_info().rss
            except psutil.Error:
                continue
        peak = max(peak, resident)
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"the run on {runner} ended with {process.returncode}")
    return {"cpu": sum(spent.values()), "wall": time.perf_counter() - begin, "peak_mb": peak / 2**20}


def write_notes(folder: Path, n: int, n_files: int | None = None) -> Path:
    """Write `n` made-up reports as Parquet files."""
    if folder.exists():
        return folder
    folder.mkdir()
    files = n_files or max(4, n // 25_000)
    chance = random.Random(0)
    for number in range(files):
        rows = range(number * n // files, (number + 1) * n // files)
        texts = [_note(chance, row) for row in rows]
        ids = [f"n{row}" for row in rows]
        table = pa.table({"id": ids, "patient_id": [f"p{row // 3}" for row in rows], "text": texts})
        pq.write_table(table, folder / f"part-{number:05}.parquet", row_group_size=6_250)
    return folder


def write_functions(path: Path, n: int) -> Path:
    """Write a file of `n` plain functions, each with a positive and a negated pattern."""
    path.write_text(CHEAP + "".join(PLAIN.format(name=name) for name in names(n)))
    return path


def names(n: int) -> list[str]:
    return [
        FINDINGS[j % len(FINDINGS)] + ("" if j < len(FINDINGS) else "xyz"[j // len(FINDINGS) - 1])
        for j in range(n)
    ]


def write_jsonl(folder: Path, n: int) -> Path:
    """Write notes as JSON lines, gzipped."""
    return _write(
        folder / "notes.jsonl.gz", (f'{{"id": "n{row}", "text": "{text}"}}\n' for row, text in _notes(n))
    )


def write_csv(folder: Path, n: int) -> Path:
    """Write notes as CSV, packed by zstd."""
    rows = (f'n{row},"{text}"\n' for row, text in _notes(n))
    return _write(folder / "notes.csv.zst", itertools.chain(["id,text\n"], rows))


def write_messages(folder: Path, n: int) -> Path:
    """Write notes as HL7 v2 messages whose segments end with CR."""
    return _write(folder / "feed.hl7", (MESSAGE.format(row=row, text=text) for row, text in _notes(n)))


def write_bundle(folder: Path, n: int) -> Path:
    """Write notes as one FHIR bundle."""
    entries = (
        ("," if row else "") + ENTRY.format(row=row, data=base64.b64encode(text.encode()).decode())
        for row, text in _notes(n)
    )
    head = '{"resourceType": "Bundle", "type": "collection", "entry": ['
    return _write(folder / "bundle.json", itertools.chain([head], entries, ["]}"]))


def _notes(n: int) -> Iterator[tuple[int, str]]:
    chance = random.Random(0)
    return (
        (row, f"{_note(chance, row)} {chance.randbytes(100).hex()}") for row in range(n)
    )  # packs as text does


def _write(path: Path, lines: Iterable[str]) -> Path:
    """Write lines to a file, packed by its suffix."""
    with pa.output_stream(str(path), compression="detect") as file:
        rows = iter(lines)
        while block := "".join(itertools.islice(rows, 1000)):
            file.write(block.encode())
    return path


def content_digest(folder: Path) -> str:
    """Hash all files of a folder of votes that must not vary between runs."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name not in {"run.log.jsonl", "inputs.json", ".lock"}:
            found.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return found.hexdigest()


def _note(chance: random.Random, row: int) -> str:
    found = chance.sample(FINDINGS, 2)
    return f"{FILLER}There is {found[0]} on the left. No evidence of {found[1]}. Accession {row}. {FILLER}"


def _tree(pid: int) -> Iterator[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        yield parent
        yield from parent.children(recursive=True)
    except psutil.Error:
        return


def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--notes", type=int, default=200_000, help="notes for the comparison of runners")
    parser.add_argument("--only", default=",".join(MEASUREMENTS), help="measurements, by comma")
    parser.add_argument("--json", action="store_true", help="print all figures as one JSON line, last")
    return parser.parse_args()


MESSAGE = (
    "MSH|^~\\&|a|b|c|d|20200301101500||ORU^R01|m{row}|P|2.5\rPID|1||p{row}\rOBR|1||F{row}|x|||||||||||||||||||||F\r"
    "OBX|1|TX|x||{text}||||||F\r"
)
ENTRY = (
    '{{"fullUrl": "urn:{row}", "resource": {{"resourceType": "DocumentReference", "id": "n{row}", "status": "current", '
    '"subject": {{"reference": "Patient/p{row}"}}, "content": [{{"attachment": {{"contentType": "text/plain", '
    '"data": "{data}"}}}}]}}}}'
)
FORMS = {"hl7": write_messages, "bundle": write_bundle, "jsonl.gz": write_jsonl, "csv.zst": write_csv}
MEASUREMENTS = {
    "memory": measure_memory,
    "files": measure_files,
    "rerun": measure_rerun,
    "change": measure_change,
    "runners": measure_runners,
}

if __name__ == "__main__":
    main()
