"""One study from one file: WFDB, EDF/BDF, PNG/JPEG, DICOM and NPY, each read by the package that knows it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.faults import InputError, UsageError

from .leads import canonical_leads

MICROVOLTS = ("uV", "µV", "μV")


@dataclass(frozen=True, eq=False)
class Study:
    """Samples of one file.

    Parameters
    ----------
    values : ndarray of float32 of shape (n_leads, length) or (n_channels, height, width)
        Samples; microvolts as millivolts, pixels from 0 (black) to 1 (white).
    lead_names : tuple of str
        Leads or channels.
    sampling_hz : float
        0 for an image.
    units : str
        Empty when not known.
    keys : dict
        What the file says it belongs to: `accession` and `study_uid` of a DICOM file.
    """

    values: NDArray[np.float32]
    lead_names: tuple[str, ...]
    sampling_hz: float = 0.0
    units: str = ""
    keys: dict[str, str] | None = None


def read_study(path: str | Path) -> Study:
    """Read a file by its suffix.

    Raises
    ------
    InputError
        When the file is missing, damaged or of a kind that is not known; names the file, quotes nothing from it.
    UsageError
        When the package for this kind is not installed.
    """
    file = Path(path)
    reader = FORMATS.get(file.suffix.lower())
    if reader is None:
        raise InputError(file, f"is of no kind that can be read ({', '.join(sorted(FORMATS))})")
    if not file.is_file():
        raise InputError(file, "no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # these packages' warnings may quote the header, which names people
            study = reader(file)
    except ModuleNotFoundError as error:
        extra = "images" if error.name in ("PIL", "pydicom") else "signals"
        raise UsageError(f'{file.suffix} files need {error.name}: pip install "sidelight[{extra}]"') from None
    except InputError:
        raise
    except Exception as error:  # these packages raise whatever comes; their messages may quote the header
        raise InputError(file, f"cannot be read ({type(error).__name__})") from None
    if not study.values.size:
        raise InputError(file, "holds no samples")
    if not np.isfinite(study.values).all():
        raise InputError(file, "holds samples that are not finite")
    return study


def _read_wfdb(path: Path) -> Study:
    import wfdb

    record = wfdb.rdrecord(str(path.with_suffix("")), physical=True)
    return _signal(path, record.p_signal.T, record.sig_name, [record.fs] * record.n_sig, record.units)


def _read_edf(path: Path) -> Study:
    import pyedflib

    with pyedflib.EdfReader(str(path)) as file:
        n = file.signals_in_file
        rates = [float(rate) for rate in file.getSampleFrequencies()]
        if len(set(rates)) > 1:
            raise InputError(
                path, f"its channels have different sampling rates ({min(rates):g} to {max(rates):g} Hz)"
            )
        samples = [file.readSignal(channel) for channel in range(n)]
        units = [file.getPhysicalDimension(channel).strip() for channel in range(n)]
        return _signal(path, np.stack(samples), file.getSignalLabels(), rates, units)


def _signal(
    path: Path,
    values: NDArray[Any],
    names: Sequence[str],
    rates: Sequence[float],
    units: Sequence[str],
) -> Study:
    """Return a signal whose microvolts became millivolts, channel by channel."""
    leads = canonical_leads(names)
    if len(set(leads)) != len(leads):
        raise InputError(path, "two of its channels have one name")
    factors = np.array([1e-3 if unit in MICROVOLTS else 1.0 for unit in units])
    kinds = {"mV" if unit in MICROVOLTS else unit for unit in units}
    scaled = (np.asarray(values, dtype=np.float64) * factors[:, None]).astype(np.float32)
    return Study(scaled, tuple(leads), float(rates[0]), kinds.pop() if len(kinds) == 1 else "")


def _read_picture(path: Path) -> Study:
    from PIL import Image

    with Image.open(path) as picture:
        if picture.mode in ("I;16", "I;16B", "I"):
            values = np.asarray(picture, dtype=np.float32)[None] / 65535
        elif picture.mode in ("RGB", "RGBA", "P", "CMYK", "YCbCr"):
            values = np.asarray(picture.convert("RGB"), dtype=np.float32).transpose(2, 0, 1) / 255
        else:
            values = np.asarray(picture.convert("L"), dtype=np.float32)[None] / 255
    if len(values) == 3 and (values[0] == values[1]).all() and (values[0] == values[2]).all():
        values = values[:1]
    return Study(np.ascontiguousarray(values), ("grey",) if len(values) == 1 else ("red", "green", "blue"))


def _read_dicom(path: Path) -> Study:
    import pydicom
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array
    if pixels.ndim != 2:
        raise InputError(path, f"holds pixels of shape {pixels.shape}; one grey picture is needed")
    values = apply_voi_lut(apply_modality_lut(pixels, dataset), dataset).astype(np.float32)
    low, high = np.percentile(values, [0.5, 99.5])
    values = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":  # here the largest value is black
        values = 1 - values
    keys = {
        "accession": str(dataset.get("AccessionNumber", "")),
        "study_uid": str(dataset.get("StudyInstanceUID", "")),
    }
    return Study(np.ascontiguousarray(values[None], dtype=np.float32), ("grey",), keys=keys)


def _read_array(path: Path) -> Study:
    values = np.load(path, allow_pickle=False)
    if values.ndim not in (2, 3) or values.dtype.kind not in "iuf":
        raise InputError(path, f"is {values.dtype} of shape {values.shape}; (n_leads, length) is needed")
    return Study(values.astype(np.float32), tuple(str(lead) for lead in range(len(values))))


FORMATS: dict[str, Callable[[Path], Study]] = {
    ".bdf": _read_edf,
    ".dcm": _read_dicom,
    ".edf": _read_edf,
    ".hea": _read_wfdb,
    ".jpeg": _read_picture,
    ".jpg": _read_picture,
    ".npy": _read_array,
    ".png": _read_picture,
}
"""Readers by suffix; each returns the `Study` in a file."""
