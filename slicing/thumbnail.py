"""Small grey pictures that a page carries within itself."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import ArrayLike


def thumbnail(image: ArrayLike, *, most: int = 160) -> str:
    """Return a grey image as a PNG in a data address, at most `most` pixels to a side.

    Parameters
    ----------
    image : array-like of shape (height, width) or (1, height, width)
        Any numbers; the darkest becomes black and the brightest white.
    most : int, default 160
        Longest side: larger images are thinned.

    Examples
    --------
    >>> thumbnail(np.eye(4))[:32]
    'data:image/png;base64,iVBORw0KGg'
    """
    values = np.squeeze(np.asarray(image, dtype=np.float64))
    if values.ndim != 2 or not values.size:
        raise ValueError(f"image has shape {np.shape(image)}; it is (height, width)")
    step = max(1, -(-max(values.shape) // most))
    height, width = (size // step * step for size in values.shape)
    values = values[:height, :width].reshape(height // step, step, width // step, step).mean(axis=(1, 3))
    known = np.nan_to_num(values, nan=float(np.nanmin(values)) if np.isfinite(values).any() else 0.0)
    low, high = float(known.min()), float(known.max())
    grey = np.round((known - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    rows = np.concatenate([np.zeros((len(grey), 1), dtype=np.uint8), grey], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    )
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
