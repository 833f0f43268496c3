"""Patients who were taken out of a folder of votes, and stay out when it is labeled again."""

import hashlib
import secrets
from pathlib import Path

import orjson

from ..folder import write_file

_FILE = "erased.json"


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
    found.salt = bytes.fromhex(data["salt"])
    return found


def add_erased(folder: str | Path, patient: str) -> None:
    """Remember that a patient was erased, by a hash that tells nobody who it is."""
    known = read_erased(folder)
    salt = known.salt or secrets.token_bytes(16)
    patients = sorted({*iter(known), _hash(salt, patient)})
    write_file(Path(folder) / _FILE, orjson.dumps({"salt": salt.hex(), "patients": patients}))


def _hash(salt: bytes, name: str) -> str:
    return hashlib.blake2b(name.encode(), key=salt, digest_size=16).hexdigest()
