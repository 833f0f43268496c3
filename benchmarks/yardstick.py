"""What the measurements beside Snorkel's appliers share: the yardstick's tasks, Snorkel's own process, equal votes."""

import argparse
import importlib.util
import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np


def add_options(parser: argparse.ArgumentParser, rows: int, quick: int) -> None:
    """Let a script be told where yardstick and peers are, and how many records to take."""
    parser.add_argument("--yardstick", type=Path, default=Path("../shared/bench/peers"))
    parser.add_argument("--peers", type=Path, help="folder of environments; Snorkel's is called snorkel")
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--quick", action="store_true", help=f"{quick:,} records")
    parser.add_argument("--json", action="store_true", help="the line of JSON alone")


def load(path: Path) -> Any:
    """Return a Python file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.exists():
        raise SystemExit(f"there is no {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checksum(votes: Any) -> int:
    """Return a number that is equal for equal votes."""
    return zlib.crc32(np.ascontiguousarray(np.asarray(votes, dtype=np.int8)).tobytes())


def require_equal(checks: dict[str, int]) -> None:
    """Stop where some way cast other votes than the others."""
    if len(set(checks.values())) != 1:
        raise SystemExit(f"votes differ: {checks}")


def run_snorkel(options: argparse.Namespace, script: str, n_rows: int) -> Any:
    """Return what a script prints last, as JSON, in Snorkel's environment; None where that is absent."""
    if options.peers is None:
        return None
    python = options.peers / "snorkel" / "bin" / "python"
    if not python.exists():
        print(f"absent: {python}", file=sys.stderr)
        return None
    command = [python, "-W", "ignore", "-c", script, str(options.yardstick.resolve()), str(n_rows)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])
