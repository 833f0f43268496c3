"""Studies to train on, and labels beside them, as the options of `sidelight train` describe them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from sidelight.apps.networks import EncoderName, LossName

from .exports import open_export, read_fields
from .output import note

ENCODERS, LOSSES = get_args(EncoderName), get_args(LossName)


def open_studies(path: str, by: str, image_size: int | None, *, bags: bool) -> Any:
    """Return the studies of an NPZ file, or of a folder of files, each by itself or a study's files as one bag."""
    from sidelight.crossmodal import Bags, SignalSet, StudyFiles
    from sidelight.crossmodal.study_files import KEYS
    from sidelight.labeling import UsageError

    if not Path(path).is_dir():
        if bags:
            raise UsageError(
                f"--bags is for a folder with several files a study; {Path(path).name} is a file"
            )
        return SignalSet.read(path)
    if by not in KEYS and "{study_id}" not in by:
        raise UsageError(f"--by {by}: it is one of {', '.join(KEYS)}, or a template with {{study_id}}")
    if image_size is not None and image_size < 1:
        raise UsageError(f"--image-size is {image_size}; it is at least 1")
    shape = None if image_size is None else (image_size, image_size)
    files = StudyFiles.open(path, by=by, shape=shape)
    if files.set_aside:
        note(f"{len(files.set_aside)} files set aside; first: {files.set_aside[0].reason}")
    return Bags.of(files) if bags else files


def why_nothing_links(ids: Any, studies: Any, path: str) -> str:
    """Say that no label has a study, and what to ask for where the names of the files tell."""
    said = f"no id of the labels is that of a study in {Path(path).name}: there is nothing to learn from"
    if not Path(path).is_dir():
        return f"{said}; ids stand in the labels' column id and in the file's array of ids"
    names = {file.name for file in getattr(studies, "paths", ())}
    if names.intersection(map(str, ids)):
        return f"{said}; the labels are named as the files with their suffix: --by name"
    return f"{said}; --by says what tells a file's study"


def encoder_for(studies: Any, name: str) -> str:
    """Return the encoder of that name, or the one for this kind of study."""
    return name if name != "auto" else {"image": "resnet2d"}.get(studies.contract.kind, "resnet1d")


def told_by_words(
    linked: Any, ids: Any, reports: str, columns: Mapping[str, Any], split: Any, truth: Any, seed: int
) -> Any:
    """Return what `decide_labels` decides, and all linked records' probabilities and coverage after it.

    The text model learns from training records alone; the development part judges it where it has gold.
    """
    import numpy as np

    from sidelight.crossmodal import decide_labels

    table = read_fields(open_export(reports, columns), ["text"])["text"]
    texts = [str(table.get(name) or "") for name in ids]
    missing = sum(not text.strip() for text in texts)
    if missing:
        note(f"{missing} of {len(texts)} linked records have no text in the reports; their labels stay")
    train, held = split["train"], split["dev"]
    dev = None
    if truth is not None and (np.asarray(truth)[held] >= 0).any():
        dev = ([texts[row] for row in held], linked.proba[held], np.asarray(truth)[held])
    decision = decide_labels(
        [texts[row] for row in train], linked.proba[train], linked.covered[train], dev=dev, seed=seed
    )
    note(f"text model: {decision.reason}")
    proba, covered = linked.proba.copy(), linked.covered.copy()
    if decision.used and decision.model is not None:
        proba[train], covered[train] = decision.proba, decision.covered
        told = held[[bool(texts[row].strip()) for row in held]] if len(held) else held
        if len(told):
            proba[told] = decision.model.predict_proba([texts[row] for row in told])
            covered[told] = True
    return decision, proba, covered
