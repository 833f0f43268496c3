"""Showing studies on a page: each viewer is one component that stays in place while the record in it changes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sidelight.crossmodal import read_study

from .picture import picture_data, read_picture
from .studies import PICTURES, labels_of
from .tracing import parts_of, tracing_data

_HOME = Path(__file__).parent


def _viewer(name: str) -> Callable[..., Any]:
    """Return the component of a script of this folder."""
    return st.components.v2.component(
        f"sidelight_{name}",
        html='<div class="sl-viewer"></div>',
        css=_part("viewers.css"),
        js=_part(f"{name}.js"),
        isolate_styles=False,
    )


@functools.cache
def _part(name: str) -> str:
    return (_HOME / name).read_text(encoding="utf-8")


def show_studies(paths: Sequence[Path], row: int) -> None:
    """Show the files of one record, one at a time."""
    path = paths[0]
    if len(paths) > 1:
        names = dict(zip(labels_of(paths), paths, strict=True))
        chosen = st.segmented_control(
            "Study", list(names), default=next(iter(names)), required=True, key=f"study-{row}"
        )
        path = names.get(str(chosen), path)
    if path.suffix.lower() in PICTURES:
        _show_picture(path, row)
    else:
        study = _signal(path, path.stat().st_mtime_ns)
        show_tracing(study.values, study.lead_names, study.sampling_hz, study.units, row)


def _show_picture(path: Path, row: int) -> None:
    stamp, kind = path.stat().st_mtime_ns, st.context.theme.type or "light"
    data = _picture(path, stamp, 0, kind)
    if (n_frames := data["n_frames"]) > 1:
        frame = st.slider("Frame", 1, n_frames, 1, key=f"frame-{row}-{path.name}")
        data = _picture(path, stamp, frame - 1, kind)
    _viewer("picture")(data=data, key="picture")


@functools.lru_cache(maxsize=16)
def _picture(path: Path, stamp: int, frame: int, kind: str) -> dict[str, Any]:
    """Return what the viewer takes of a file, as long as the file stays as it is."""
    del stamp
    found = read_picture(path, frame)
    words = f"Picture in {path.suffix[1:].upper()} format"
    return {**picture_data(found, words, kind), "n_frames": found.n_frames}


@functools.lru_cache(maxsize=8)
def _signal(path: Path, stamp: int) -> Any:
    del stamp
    return read_study(path)


def show_tracing(
    values: NDArray[np.floating], names: Sequence[str], rate: float, units: str, row: int
) -> None:
    """Show a signal of shape (n_channels, n_samples); a long one in parts."""
    parts = parts_of(values.shape[1], rate)
    part = parts[0]
    if len(parts) > 1:
        titles = [f"{_clock(start / rate)} to {_clock(end / rate)}" for start, end in parts]
        part = parts[titles.index(st.selectbox("Part of the recording", titles, key=f"part-{row}"))]
    kind = st.context.theme.type or "light"
    _viewer("tracing")(data=tracing_data(values, names, rate, units, kind=kind, part=part), key="tracing")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
