"""A FHIR bulk export of 50,000 notes on every runner, each of which loses two workers on the way: the same bytes from all.

    python benchmarks/engine_fhir.py --sample FOLDER [--notes 50000] [--only serial,pool,dask,spark,spark-cluster] [--json]

The export is a sample of DocumentReference and Condition resources, repeated under other ids until it has enough notes. A
worker is killed (SIGKILL) when the first part is done, another when a third of the parts are. What is killed: of the pool its
child processes, of Dask the workers of a local cluster of processes, of Spark ``local[2,4]`` the Python workers, of Spark
``local-cluster`` an executor's JVM and a Python worker.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
from engine import CHEAP, content_digest

CONDITIONS = [
    "bronchitis",
    "sinusitis",
    "pharyngitis",
    "hypertension",
    "diabetes",
    "fracture",
    "anemia",
    "pregnancy",
]
FUNCTION = """
@labeling_function
def says_{name}(record):
    text = record.text.lower()
    if re.search(r"\\b{name}", text) and not re.search(r"\\b(?:no|denies) (?:history of )?{name}", text):
        return "yes"
    return "no" if "no complaints" in text else None
"""
ON_EVENTS = """
@labeling_function
def has_many_conditions(record):
    return "yes" if sum(event.kind == "condition" for event in record.events) > 10 else None
"""
RUN = """
import sys
from contextlib import nullcontext
from sidelight.labeling.engine import label_export, make_runner

def main():
    export, functions, out, name = sys.argv[1:]
    if name == "dask":
        from distributed import LocalCluster
        with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50) as cluster:
            label_export(export, functions, out, runner=make_runner("dask", scheduler=cluster.scheduler_address))
    elif name == "spark-cluster":
        label_export(export, functions, out, runner=make_runner("spark", master="local-cluster[2,1,1024]"))
    else:
        label_export(export, functions, out, runner=make_runner(name, workers=None if name == "serial" else 2))

if __name__ == "__main__":
    main()
"""


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as home:
        export = grow(Path(options.sample), Path(home) / "export", options.notes)
        functions = Path(home) / "functions.py"
        functions.write_text(CHEAP + "".join(FUNCTION.format(name=name) for name in CONDITIONS) + ON_EVENTS)
        found: dict[str, Any] = {}
        for name in options.only.split(","):
            found[name] = run(export, functions, Path(home) / name, name)
            print(
                f"{name:13} {found[name]['n_records']:,} records, killed: {found[name]['killed'] or 'nothing'};  "
                f"votes {found[name]['votes'][:12]}  moments {found[name]['moments'][:12]}  wall {found[name]['wall']:.0f} s",
                flush=True,
            )
    same = len({(entry["votes"], entry["moments"]) for entry in found.values()}) == 1
    print("identical vote bytes and moments" if same else "BYTES DIFFER")
    if options.json:
        print(json.dumps({**found, "identical": same}))
    if not same:
        raise SystemExit(1)


def grow(sample: Path, folder: Path, n: int, n_files: int = 16) -> Path:
    """Repeat a sample's notes and conditions under other ids until there are `n` notes, in several files."""
    folder.mkdir()
    notes = (sample / "DocumentReference.000.ndjson").read_bytes().splitlines()
    conditions = (sample / "Condition.000.ndjson").read_bytes().splitlines()
    copies = -(-n // len(notes))
    for number in range(n_files):
        with (folder / f"DocumentReference.{number:03}.ndjson").open("wb") as file:
            for row in range(number * n // n_files, (number + 1) * n // n_files):
                file.write(_renamed(notes[row % len(notes)], row // len(notes)))
    with (folder / "Condition.000.ndjson").open("wb") as file:
        for copy in range(copies):
            file.writelines(_renamed(line, copy) for line in conditions)
    return folder


def run(export: Path, functions: Path, out: Path, name: str) -> dict[str, Any]:
    """Label the export in a process of its own, kill two workers of it, and return what it left."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(export), str(functions), str(out), name], stderr=subprocess.DEVNULL
    )
    waiting = [(parts, role) for parts, role in zip((1, 5), VICTIMS[name], strict=False)]
    killed: list[str] = []
    while process.poll() is None:
        n_done = len(list(out.glob("parts/*/rows.json")))
        if waiting and n_done >= waiting[0][0] and _kill(process.pid, waiting[0][1]):
            killed.append(f"{waiting.pop(0)[1]} at {n_done} parts")
        time.sleep(0.02)
    if process.returncode or waiting:
        raise SystemExit(f"{name}: exit code {process.returncode}, killed: {killed}")
    manifest = orjson.loads((out / "manifest.json").read_bytes())
    with np.load(out / "counts.npz") as counts:
        moments = content_hash({key: counts[key] for key in sorted(counts)})
    return {
        "n_records": manifest["n_records"], "reasons": manifest["reasons"], "killed": ", ".join(killed),
        "votes": content_digest(out), "moments": moments, "wall": time.perf_counter() - begin,
    }  # fmt: skip


def content_hash(arrays: dict[str, Any]) -> str:
    """Hash the values of arrays by name."""
    import hashlib

    found = hashlib.sha256()
    for name, values in arrays.items():
        found.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def _kill(pid: int, role: str) -> bool:
    """Kill one process that has a role in a run; False when there is none at the moment."""
    for member in psutil.Process(pid).children(recursive=True):
        try:
            if ROLES[role](member):
                member.kill()
                return True
        except psutil.Error:
            continue
    return False


def _python_worker(process: psutil.Process) -> bool:
    """Whether a process is a worker that Spark's Python daemon forked."""
    parent = process.parent()
    both = (process, parent) if parent is not None else ()
    return bool(both) and all("pyspark.daemon" in " ".join(member.cmdline()) for member in both)


def _renamed(line: bytes, copy: int) -> bytes:
    """Return a resource under the ids of a copy."""
    resource = orjson.loads(line)
    resource["id"] += f"-{copy}"
    resource["subject"]["reference"] += f"-{copy}"
    return orjson.dumps(resource) + b"\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sample", required=True, help="folder with DocumentReference.000.ndjson and Condition.000.ndjson"
    )
    parser.add_argument("--notes", type=int, default=50_000)
    parser.add_argument("--only", default=",".join(VICTIMS), help="runners, by comma")
    parser.add_argument("--json", action="store_true", help="print all figures as one JSON line, last")
    return parser.parse_args()


ROLES: dict[str, Callable[[psutil.Process], bool]] = {
    "child process": lambda process: "sidelight.labeling.engine.runners.child" in process.cmdline(),
    "Dask worker": lambda process: any("multiprocessing.spawn" in part for part in process.cmdline()),
    "Python worker": _python_worker,
    "executor JVM": lambda process: any("CoarseGrainedExecutorBackend" in part for part in process.cmdline()),
}
VICTIMS = {
    "serial": (),
    "pool": ("child process", "child process"),
    "dask": ("Dask worker", "Dask worker"),
    "spark": ("Python worker", "Python worker"),
    "spark-cluster": ("executor JVM", "Python worker"),
}

if __name__ == "__main__":
    main()
