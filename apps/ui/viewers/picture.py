"""A picture as the browser's viewer takes it: all its grey values, and the windows it may be seen through."""

from __future__ import annotations

import base64
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import InputError, UsageError

LARGEST = 1280
"""Longest side that is sent; a larger picture is made smaller, which the page says."""

MOST_BYTES = 2**28
"""Decoded size above which a picture is refused."""

CT_WINDOWS = (
    ("lung", -600.0, 1500.0),
    ("soft tissue", 40.0, 400.0),
    ("bone", 400.0, 1800.0),
    ("brain", 40.0, 80.0),
)


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture in the units of its file.

    Parameters
    ----------
    values : ndarray of float32 of shape (height, width) or of uint8 of shape (height, width, 3)
        Grey values, rescaled as the file says, or colours.
    windows : tuple of (name, center, width)
        Windows it may be seen through, the usual one first.
    units : str, default ""
        "HU" of computed tomography.
    inverted : bool, default False
        Whether the largest value is black (MONOCHROME1).
    n_frames : int, default 1
        Frames of the file.
    """

    values: NDArray[Any]
    windows: tuple[tuple[str, float, float], ...]
    units: str = ""
    inverted: bool = False
    n_frames: int = 1


def read_picture(path: Path, frame: int = 0) -> Picture:
    """Read PNG, JPEG or DICOM without changing a grey value.

    Raises
    ------
    InputError
        When it cannot be read; names the file and the kind of fault, quotes nothing from it.
    UsageError
        When the package for this kind is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they may quote the header, which names people
            found = _dicom(path, frame) if path.suffix.lower() == ".dcm" else _photograph(path)
    except ModuleNotFoundError as error:
        raise UsageError(f'{path.suffix} files need {error.name}: pip install "sidelight[images]"') from None
    except InputError:
        raise
    except Exception as error:  # the packages raise whatever comes; their messages may quote the header
        raise InputError(path, f"cannot be read ({type(error).__name__})") from None
    if not found.values.size or (found.values.dtype.kind == "f" and not np.isfinite(found.values).all()):
        raise InputError(path, "holds no pixels, or pixels that are no numbers")
    return found


def _photograph(path: Path) -> Picture:
    from PIL import Image

    with Image.open(path) as picture:
        n_bytes = picture.width * picture.height * 4
        if n_bytes > MOST_BYTES:
            raise InputError(path, f"is {picture.width} by {picture.height} pixels, too large to show")
        deep = picture.mode in ("I;16", "I;16B", "I;16L", "I")
        if picture.mode in ("RGB", "RGBA", "P", "CMYK", "YCbCr"):
            colours = np.asarray(picture.convert("RGB"))
            if not (
                (colours[..., 0] == colours[..., 1]).all() and (colours[..., 0] == colours[..., 2]).all()
            ):
                return Picture(colours, (("full range", 127.5, 255.0),))
            values = colours[..., 0].astype(np.float32)
        else:
            values = np.asarray(picture if deep else picture.convert("L"), dtype=np.float32)
    full = ("full range", 127.5, 255.0) if not deep else _whole(values)
    return Picture(values, (full, *((_contrast(values),) if deep else ())))


def _dicom(path: Path, frame: int) -> Picture:
    import pydicom
    from pydicom.pixels.processing import apply_modality_lut

    header = pydicom.dcmread(path)
    n_frames = int(header.get("NumberOfFrames") or 1)
    n_bytes = int(header.get("Rows") or 0) * int(header.get("Columns") or 0) * n_frames * 4
    if n_bytes > MOST_BYTES:
        raise InputError(path, f"unpacks to {n_bytes // 2**20} MiB, too large to show")
    pixels = header.pixel_array
    if int(header.get("SamplesPerPixel") or 1) == 3:
        colours = pixels[frame] if pixels.ndim == 4 else pixels
        if colours.dtype != np.uint8:
            raise InputError(path, f"holds colours as {colours.dtype}; 8 bits are shown")
        return Picture(colours, (("full range", 127.5, 255.0),), n_frames=n_frames)
    if pixels.ndim == 3:
        pixels = pixels[frame]
    values = np.asarray(apply_modality_lut(pixels, header), dtype=np.float32)
    own = list(zip(_numbers(header.get("WindowCenter")), _numbers(header.get("WindowWidth")), strict=False))
    windows = [("as stored" if not n else f"stored {n + 1}", c, w) for n, (c, w) in enumerate(own) if w >= 1]
    is_ct = header.get("Modality") == "CT"
    windows += CT_WINDOWS if is_ct else ()
    windows += [_contrast(values), _whole(values)]
    inverted = header.get("PhotometricInterpretation") == "MONOCHROME1"
    return Picture(values, tuple(windows), "HU" if is_ct else "", inverted, n_frames)


def _numbers(value: Any) -> list[float]:
    """Return a DICOM number, or several, as a list."""
    if value is None or value == "":
        return []
    several = isinstance(value, list | tuple) or type(value).__name__ == "MultiValue"
    return [float(one) for one in (value if several else [value])]


def _whole(values: NDArray[np.float32]) -> tuple[str, float, float]:
    low, high = float(values.min()), float(values.max())
    return ("full range", (low + high) / 2, max(high - low, 1.0))


def _contrast(values: NDArray[np.float32]) -> tuple[str, float, float]:
    low, high = (float(edge) for edge in np.percentile(values, [0.5, 99.5]))
    return ("contrast", (low + high) / 2, max(high - low, 1.0))


def picture_data(picture: Picture, words: str, kind: str) -> dict[str, Any]:
    """Return what the viewer's script takes: grey values in 16 bits with their range, or colours in 8.

    Parameters
    ----------
    picture : Picture
        What is shown.
    words : str
        What screen readers say; no word of the record.
    kind : {"light", "dark"}
        The page's theme.
    """
    values = _smaller(picture.values)
    height, width = values.shape[:2]
    data = {
        "width": width, "height": height, "full": [picture.values.shape[1], picture.values.shape[0]],
        "windows": [list(window) for window in picture.windows], "units": picture.units,
        "inverted": picture.inverted, "words": words, "theme": kind,
    }  # fmt: skip
    if values.ndim == 3:
        return {**data, "channels": 3, "low": 0.0, "high": 255.0, "pixels": _packed(values)}
    low, high = float(values.min()), float(values.max())
    steps = np.round((values - low) / max(high - low, 1e-9) * 65535).astype("<u2")
    return {**data, "channels": 1, "low": low, "high": max(high, low + 1e-9), "pixels": _packed(steps)}


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _smaller(values: NDArray[Any]) -> NDArray[Any]:
    """Return a picture whose longest side is at most `LARGEST`, each pixel the mean of those it stands for."""
    from PIL import Image

    height, width = values.shape[:2]
    factor = max(height, width) / LARGEST
    if factor <= 1:
        return values
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))
