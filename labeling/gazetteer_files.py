"""Built gazetteers kept on disk by their content, so that a list of a million terms is built once and then read.

Lists of `FEWEST` terms and more are kept in a folder of the user's: `SIDELIGHT_CACHE` where that is set, else
`sidelight` in the system's folder for caches (`$XDG_CACHE_HOME` or `~/.cache`; `%LOCALAPPDATA%` on Windows). Files hold
the terms, which may be confidential: only the owner can read them, and ``SIDELIGHT_CACHE=off`` keeps none. At most `MOST`
files are kept; any may be deleted at any time. A file that is damaged, or that others may write, is not read.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .faults import InputError
from .folder import PRIVATE_FOLDER, write_file

FEWEST = 100_000
"""Shorter lists are built in a fraction of a second."""
MOST = 16
_MAGIC = b"sidelight-gazetteer-1\n"
_SIZES = struct.Struct("<6Q")
_ENCODING = ("utf-8", "surrogatepass")


class Tables(NamedTuple):
    """What a built gazetteer consists of.

    Parameters
    ----------
    n_terms : int
        How many terms there are.
    tokens : list of str
        The tokens by their numbers, of which the first is 1.
    is_term : ndarray of uint8, shape (n_tokens,)
        Whether a token is a term by itself.
    pairs, kinds : ndarray of int64, shape (n_pairs,)
        Keys of the pairs that begin a term, and their values.
    long : list of str
        Terms of three tokens and more.
    """

    n_terms: int
    tokens: list[str]
    is_term: NDArray[np.uint8]
    pairs: NDArray[np.int64]
    kinds: NDArray[np.int64]
    long: list[str]


def cache_folder() -> Path | None:
    """Return where gazetteers are kept, None where they are not."""
    told = os.environ.get("SIDELIGHT_CACHE")
    if told is not None:
        return None if told.strip().lower() in ("", "off", "0", "no") else Path(told) / "gazetteers"
    home = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    with suppress(RuntimeError):  # a user without a home
        return (Path(home) if home else Path.home() / ".cache") / "sidelight" / "gazetteers"
    return None


def load(content: bytes, n_given: int) -> Tables | None:
    """Return what was kept for the hash of a list of `n_given` terms, None where there is nothing that can be trusted."""
    folder = cache_folder()
    if folder is None or n_given < FEWEST:
        return None
    path = folder / f"{content.hex()}.bin"
    try:
        with path.open("rb") as file:
            kept = os.fstat(file.fileno())
            if hasattr(os, "getuid") and (kept.st_uid != os.getuid() or kept.st_mode & 0o077):
                return None
            data = file.read()
        return _decode(data)
    except (OSError, ValueError, struct.error):
        return None


def keep(content: bytes, n_given: int, tables: Tables) -> None:
    """Keep a built gazetteer; a folder that cannot be written is no reason to stop."""
    folder = cache_folder()
    if folder is None or n_given < FEWEST:
        return
    with suppress(OSError, InputError):
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        write_file(folder / f"{content.hex()}.bin", _encode(tables))
        by_age = sorted(folder.glob("*.bin"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in by_age[MOST:]:
            old.unlink(missing_ok=True)


def _encode(tables: Tables) -> bytes:
    parts = [
        _joined(tables.tokens),
        tables.is_term.tobytes(),
        tables.pairs.astype("<i8").tobytes(),
        tables.kinds.astype("<i8").tobytes(),
        _joined(tables.long),
    ]
    body = _SIZES.pack(tables.n_terms, *map(len, parts)) + b"".join(parts)
    return _MAGIC + hashlib.sha256(body).digest() + body


def _decode(data: bytes) -> Tables:
    start = len(_MAGIC) + 32
    body = memoryview(data)[start:]
    if not data.startswith(_MAGIC) or hashlib.sha256(body).digest() != data[len(_MAGIC) : start]:
        raise ValueError("the file is no gazetteer, or damaged")
    n_terms, *sizes = _SIZES.unpack(body[: _SIZES.size])
    ends = np.cumsum([_SIZES.size, *sizes]).tolist()
    parts = [body[low:high] for low, high in itertools.pairwise(ends)]
    return Tables(
        n_terms,
        _split(parts[0]),
        np.frombuffer(parts[1], dtype=np.uint8),
        np.frombuffer(parts[2], dtype="<i8"),
        np.frombuffer(parts[3], dtype="<i8"),
        _split(parts[4]),
    )


def _joined(words: Iterable[str]) -> bytes:
    """Return words in one piece; none of them holds a line feed, since tokens hold no white space."""
    return "\n".join(words).encode(*_ENCODING)


def _split(data: memoryview) -> list[str]:
    return str(data, *_ENCODING).split("\n") if data else []
