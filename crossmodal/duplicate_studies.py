"""Copies among signals and images: the same study exported twice, rescaled, shifted or with noise on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .duplicates import Duplicates
from .inputs import Inputs, as_inputs

N_BINS = 32
"""Frequency bands a lead, and rows and columns of an image's thumbnail."""

N_NEIGHBOURS = 5
"""Each study is compared with this many others, those with the most similar fingerprint."""

LEAST_ALIKE = 0.5
"""Cosine of two fingerprints below which no comparison is made."""

READ_AT_ONCE = 256
SEARCH_AT_ONCE = 2048


def find_duplicate_studies(
    studies: Inputs | ArrayLike,
    *,
    correlation: float = 0.95,
    highest_hz: float = 40.0,
    shift: float = 0.1,
) -> Duplicates:
    """Find signals or images that are the same recording.

    A study's fingerprint is how its spectrum, which a shift in time does not change, or its patches, if it is an image,
    differ from what is usual here. Each study is compared sample by sample with the five whose fingerprints are most
    like its own, found by looking at all.

    Parameters
    ----------
    studies : SignalSet, StudyFiles or array-like of shape (n_studies, n_leads, ...)
        Signals or images.
    correlation : float, default 0.95
        Of two signals, at the best shift; of two images, after the mean image is taken away.
    highest_hz : float, default 40.0
        Frequencies above are noise; without a known sampling rate, all below half the Nyquist frequency are used.
    shift : float, default 0.1
        Largest shift tried, as a share of the signal's length.

    Examples
    --------
    >>> waves = np.random.default_rng(0).normal(size=(20, 2, 200)).cumsum(axis=2)
    >>> waves[7] = 3 * np.roll(waves[3], 5, axis=1)
    >>> find_duplicate_studies(waves).pairs.tolist()
    [[3, 7]]
    """
    inputs = as_inputs(studies)
    is_signal = len(inputs.contract.shape) == 1
    if len(inputs) < 2:
        return Duplicates.of_pairs(len(inputs), np.empty((0, 2), dtype=np.intp), np.empty(0))
    features = np.concatenate(
        [
            _bands(values, inputs.contract.sampling_hz, highest_hz) if is_signal else _thumbnails(values)
            for values in _pieces(inputs)
        ]
    )
    candidates = _neighbours((features - np.median(features, axis=0)).astype(np.float32))
    if is_signal:
        scores = [_best_correlation(inputs.batch(pair), shift) for pair in candidates]
    else:
        flat = features - features.mean(axis=0)
        flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-12
        scores = [float(flat[first] @ flat[second]) for first, second in candidates]
    similarity = np.array(scores, dtype=np.float64)
    alike = similarity >= correlation
    return Duplicates.of_pairs(len(inputs), candidates[alike], similarity[alike])


def _pieces(inputs: Inputs) -> list[NDArray[np.float32]]:
    starts = range(0, len(inputs), READ_AT_ONCE)
    return [inputs.batch(np.arange(start, min(start + READ_AT_ONCE, len(inputs)))) for start in starts]


def _bands(values: NDArray[np.float32], rate: float, highest: float) -> NDArray[np.float64]:
    """Return amplitudes in bands of each lead, of shape (n_studies, n_leads * n_bands), without the overall gain."""
    centred = values - values.mean(axis=-1, keepdims=True)
    power = np.abs(np.fft.rfft(centred * np.hanning(values.shape[-1]), axis=-1)) ** 2
    n_frequencies = power.shape[-1] - 1
    top = n_frequencies // 2
    if rate:
        top = int(min(n_frequencies, highest / (rate / 2) * n_frequencies))
    pieces = np.array_split(power[..., 1 : max(2, top + 1)], min(N_BINS, max(1, top)), axis=-1)
    bands = np.stack([piece.mean(axis=-1) for piece in pieces], axis=-1)
    # noise lies evenly under the whole spectrum: take it away, and no logarithms of what hardly anything is left of
    bands = np.maximum(bands - np.quantile(bands, 0.25, axis=-1, keepdims=True), 0)
    amplitude = np.sqrt(bands / (bands.mean(axis=(1, 2), keepdims=True) + 1e-30))
    return np.asarray(amplitude.reshape(len(values), -1), dtype=np.float64)


def _thumbnails(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return means of patches, of shape (n_studies, n_patches), without brightness and contrast."""
    small = values.mean(axis=1) if values.ndim > 3 else values
    for axis in range(1, small.ndim):
        edges = np.linspace(0, small.shape[axis], min(N_BINS, small.shape[axis]) + 1).astype(int)[:-1]
        counts = np.diff([*edges, small.shape[axis]])
        shape = [1] * small.ndim
        shape[axis] = -1
        small = np.add.reduceat(small, edges, axis=axis) / counts.reshape(shape)
    flat = small.reshape(len(values), -1).astype(np.float64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / (flat.std(axis=1, keepdims=True) + 1e-12), dtype=np.float64)


def _neighbours(fingerprints: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return pairs of rows, of shape (n_pairs, 2), smaller row first, where one is among the other's nearest."""
    unit = fingerprints / (np.linalg.norm(fingerprints, axis=1, keepdims=True) + 1e-12)
    n_kept = min(N_NEIGHBOURS, len(unit) - 1)
    found = []
    for start in range(0, len(unit), SEARCH_AT_ONCE):
        rows = np.arange(start, min(start + SEARCH_AT_ONCE, len(unit)))
        alike = unit[rows] @ unit.T
        alike[rows - start, rows] = -np.inf
        nearest = np.argpartition(-alike, n_kept - 1, axis=1)[:, :n_kept]
        enough = np.take_along_axis(alike, nearest, axis=1) >= LEAST_ALIKE
        found.append(np.stack([np.repeat(rows, n_kept)[enough.ravel()], nearest[enough]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0).astype(np.intp)


def _best_correlation(pair: NDArray[np.float32], shift: float) -> float:
    """Return the largest correlation of two studies over shifts in time, all leads shifted alike."""
    centred = pair.astype(np.float64) - pair.mean(axis=-1, keepdims=True)
    length = centred.shape[-1]
    reach = int(shift * length)
    size = 1 << (2 * length - 1).bit_length()
    spectra = np.fft.rfft(centred, size, axis=-1)
    products = np.fft.irfft((spectra[0] * spectra[1].conj()).sum(axis=0), size)
    squares = np.concatenate([np.zeros((2, 1)), (centred**2).sum(axis=1).cumsum(axis=1)], axis=1)
    lags = np.arange(-reach, reach + 1)
    # only the part that both studies cover at a lag counts, so that a shifted copy reaches 1
    one = squares[0, length + np.minimum(lags, 0)] - squares[0, np.maximum(lags, 0)]
    other = squares[1, length - np.maximum(lags, 0)] - squares[1, np.maximum(-lags, 0)]
    covered = (one > 0) & (other > 0)
    if not covered.any():
        return 0.0
    return float((products[lags % size][covered] / np.sqrt(one * other)[covered]).max())
