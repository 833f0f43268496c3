"""An NPZ file of signals read a piece at a time, so that memory does not grow with the file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from sidelight.labeling.faults import InputError

from .signals import ID_KEYS, VALUE_KEYS, SignalSet, _as_ids, _find, _load

DAMAGE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zipfile.zlib.error)  # type: ignore[attr-defined]


class SignalStream:
    """Signals of an NPZ file in pieces; checks and meaning are those of `SignalSet.read`.

    Parameters
    ----------
    path : path-like
        The file.
    keys : mapping, optional
        As for `SignalSet.read`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     np.savez_compressed(Path(home) / "s.npz", signals=np.zeros((5, 2, 9)), ids=np.arange(5))
    ...     [piece.ids.tolist() for piece in SignalStream(Path(home) / "s.npz").pieces(2)]
    [['0', '1'], ['2', '3'], ['4']]
    """

    def __init__(self, path: str | Path, *, keys: Mapping[str, str] | None = None) -> None:
        self.path = Path(path)
        self.keys = dict(keys or {})
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = [Path(name).stem for name in archive.namelist() if name.endswith(".npy")]
                headers = {name: self._header(archive, name) for name in names}
                self._values = _find(self.path, headers, "values", VALUE_KEYS, self.keys)
                small = [name for name in names if name != self._values and not headers[name].is_object]
                self._small = {name: self._whole(archive, name) for name in small}
        except FileNotFoundError:
            raise InputError(self.path, "no such file") from None
        except DAMAGE as error:
            raise InputError(self.path, f"is no readable NPZ file ({type(error).__name__})") from None
        header = headers[self._values]
        if header.is_object:
            raise InputError(
                self.path, f"{self._values} is ragged or holds objects; every study needs the same shape"
            )
        self._shape, self._type = header.shape, header.dtype
        # the samples of a study lie together only in C order; the other, rare one is read whole
        self._in_memory = _load(self.path)[self._values] if header.is_fortran else None
        self._ids = _find(self.path, self._small, "ids", ID_KEYS, self.keys)
        try:
            _as_ids(self._small[self._ids], len(self))
        except ValueError as error:
            raise InputError(self.path, str(error)) from None

    def __len__(self) -> int:
        return int(self._shape[0]) if self._shape else 0

    def pieces(self, size: int) -> Iterator[SignalSet]:
        """Yield `size` studies at a time; rows set aside are counted within the piece."""
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self._values}.npy") as stream:
                _read_header(stream)
                for start in range(0, len(self), size):
                    stop = min(start + size, len(self))
                    yield self._piece(start, stop, self._read(stream, start, stop))
        except DAMAGE as error:
            raise InputError(self.path, f"{self._values} is damaged ({type(error).__name__})") from None

    def _piece(self, start: int, stop: int, values: NDArray[Any]) -> SignalSet:
        arrays = {**self._small, self._values: values, self._ids: self._small[self._ids][start:stop]}
        return SignalSet._build_from(self.path, arrays, self.keys | {"values": self._values}, derive=True)

    def _read(self, stream: IO[bytes], start: int, stop: int) -> NDArray[Any]:
        if self._in_memory is not None:
            return self._in_memory[start:stop]
        shape = (stop - start, *self._shape[1:])
        wanted = int(np.prod(shape)) * self._type.itemsize
        data = stream.read(wanted)
        if len(data) != wanted:
            raise EOFError
        return np.frombuffer(data, dtype=self._type).reshape(shape)

    def _header(self, archive: zipfile.ZipFile, name: str) -> Any:
        with archive.open(f"{name}.npy") as stream:
            shape, is_fortran, dtype = _read_header(stream)
        return SimpleNamespace(
            shape=shape, ndim=len(shape), dtype=dtype, is_fortran=is_fortran, is_object=dtype.hasobject
        )

    def _whole(self, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
        with archive.open(f"{name}.npy") as stream:
            return np.asarray(npy.read_array(stream, allow_pickle=False))


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    return npy.read_array_header_1_0(stream) if version == (1, 0) else npy.read_array_header_2_0(stream)
