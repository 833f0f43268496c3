"""What an installation is made of: a software bill of materials, and a wheelhouse pinned by hash.

    python -m sidelight.apps.materials bill > bill.cdx.json
    python -m sidelight.apps.materials pins wheelhouse > pins.txt

Nothing is looked up outside this machine. See ``docs/operations.md``.
"""

import argparse
import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sidelight.labeling import InputError, SidelightError


def bill_of_materials(distributions: Iterable[Any] | None = None) -> dict[str, Any]:
    """Return all installed distributions as a CycloneDX 1.5 document; equal installations give equal documents.

    Parameters
    ----------
    distributions : iterable of importlib.metadata.Distribution, optional
        What is listed; everything that this interpreter can import when not given.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in importlib.metadata.distributions() if distributions is None else distributions:
        name, version = entry.metadata["Name"], entry.version
        if not name:
            continue
        link = f"pkg:pypi/{_plain(name)}@{version}"
        component: dict[str, Any] = {
            "type": "library",
            "bom-ref": link,
            "name": name,
            "version": version,
            "purl": link,
        }
        for licence in entry.metadata.get_all("License-Expression") or ():
            component["licenses"] = [{"expression": licence}]
        found.setdefault(link, component)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [found[link] for link in sorted(found)],
    }


def pinned(wheelhouse: str | Path) -> str:
    """Return a requirements file that names each wheel of a folder with its version and hash.

    Raises
    ------
    InputError
        When the folder holds no wheel, or two of one project for one platform.
    """
    hashes: dict[tuple[str, str], list[str]] = {}
    for file in sorted(Path(wheelhouse).glob("*.whl")):
        name, version = file.name.split("-")[:2]
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        hashes.setdefault((_plain(name), version), []).append(digest)
    if not hashes:
        raise InputError(wheelhouse, "holds no wheel")
    names = [name for name, _ in hashes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(wheelhouse, f"holds more than one version of {', '.join(twice)}")
    lines = (
        f"{name}=={version} " + " ".join(f"--hash=sha256:{digest}" for digest in sorted(digests))
        for (name, version), digests in sorted(hashes.items())
    )
    return "".join(f"{line}\n" for line in lines)


def main(arguments: list[str] | None = None) -> int:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m sidelight.apps.materials")
    asked = parser.add_subparsers(dest="what", required=True)
    asked.add_parser("bill", help="bill of materials of this installation (CycloneDX JSON)")
    asked.add_parser("pins", help="requirements with hashes").add_argument("wheelhouse")
    options = parser.parse_args(arguments)
    try:
        text = (
            json.dumps(bill_of_materials(), indent=1) + "\n"
            if options.what == "bill"
            else pinned(options.wheelhouse)
        )
    except SidelightError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(text)
    return 0


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
