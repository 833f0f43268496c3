"""Patients who were taken out of a folder of votes, and stay out when it is labeled again.

Who is out must be known when a folder is labeled again, so the folder keeps a salted hash of each. Hash and salt lie
together: whoever holds the folder can ask whether a given id was erased, as whoever holds the rest of it can read the ids
of those who were not. A key in the environment, which is in no file, takes that away as well.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from ..faults import UsageError
from ..folder import write_file

_FILE = "erased.json"
KEY = "SIDELIGHT_ERASURE_KEY"
"""The environment variable that may hold a secret of the site's."""


class Erased(frozenset[str]):
    """Patients by salted hash; ``name in erased`` asks with the name itself."""

    salt: bytes = b""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(_hash(self.salt, name))


def read_erased(folder: str | Path) -> Erased:
    """Return the patients erased from a folder of votes."""
    file = Path(folder) / _FILE
    if not file.is_file():
        return Erased()
    data = orjson.loads(file.read_bytes())
    found = Erased(data["patients"])
    found.salt = _salt(data, file)
    return found


def add_erased(folder: str | Path, patient: str) -> None:
    """Remember that a patient was erased, by a hash that does not say who it is."""
    file = Path(folder) / _FILE
    if file.is_file():
        data = orjson.loads(file.read_bytes())
    else:
        salt = secrets.token_bytes(16)
        data = {"salt": salt.hex(), "patients": []}
        if os.environ.get(KEY):
            data["key"] = _print(_keyed(salt))
    known = _hash(_salt(data, file), patient)
    write_file(file, orjson.dumps(data | {"patients": sorted({*data["patients"], known})}))


def _salt(data: Mapping[str, Any], file: Path) -> bytes:
    """Return what hashes are salted with: what the file holds, mixed with the site's key where it says so."""
    salt = bytes.fromhex(data["salt"])
    if "key" not in data:
        return salt
    if data["key"] != _print(_keyed(salt)):
        raise UsageError(
            f"the patients erased from {file.parent.name} are kept under a key: set {KEY} to what it was then, on all "
            "machines that take part"
        )
    return _keyed(salt)


def _keyed(salt: bytes) -> bytes:
    """Return a salt mixed with the site's key."""
    key = hashlib.sha256(os.environ.get(KEY, "").encode()).digest()
    return hashlib.blake2b(salt, key=key, digest_size=16).digest()


def _print(salt: bytes) -> str:
    """Return what a mixed salt is recognised by."""
    return hashlib.sha256(b"key" + salt).hexdigest()[:16]


def _hash(salt: bytes, name: str) -> str:
    return hashlib.blake2b(name.encode(), key=salt, digest_size=16).hexdigest()
