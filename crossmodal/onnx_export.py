"""A bundle's network as one ONNX file that takes signals and gives probabilities, checked against the original."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sidelight.labeling.faults import SidelightError, UsageError
from sidelight.labeling.folder import write_file

from .bundle import Bundle

TOLERANCE = 1e-5
BATCH_SIZES = (1, 7, 64)


class ParityError(SidelightError):
    """The exported file does not give what the network gives."""


def export_onnx(bundle: Bundle, path: str | Path) -> float:
    """Write a bundle as ONNX, temperature and softmax included, and check it on made-up signals.

    The file has one input, ``signals`` float32 (n, n_leads, ...), and one output, ``probabilities`` float32 (n,
    n_classes), for any n; its metadata hold classes, input contract, fingerprint and intended use.

    Parameters
    ----------
    bundle : Bundle
        The model.
    path : path-like
        The file, written whole or not at all.

    Returns
    -------
    float
        Largest difference from the network over batches of 1, 7 and 64.

    Raises
    ------
    ParityError
        When that is more than 1e-5; nothing is written then.
    UsageError
        When the packages for ONNX are not installed, or the model takes bags.
    """
    if bundle.contract.bag:
        raise UsageError(
            "a model of bags cannot be exported as ONNX: the number of instances differs from bag to bag"
        )
    try:
        onnx, onnxruntime, _ = (import_module(name) for name in ("onnx", "onnxruntime", "onnxscript"))
    except ModuleNotFoundError as error:
        raise UsageError(f'ONNX export needs {error.name}: pip install "sidelight[onnx]"') from None
    network = _WithProbabilities(bundle).eval()
    example = _made_up(bundle, 2)
    with _quiet():
        program: Any = torch.onnx.export(
            network,
            (example,),
            input_names=["signals"],
            output_names=["probabilities"],
            dynamic_shapes={"signals": {0: torch.export.Dim("n", min=1)}},
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    onnx.helper.set_model_props(
        model,
        {
            "classes": json.dumps(list(bundle.schema.classes), ensure_ascii=False),
            "input": json.dumps(bundle.contract.to_json(), ensure_ascii=False),
            "bundle": bundle.fingerprint,
            "intended_use": bundle.intended_use,
        },
    )
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    gap = 0.0
    for size in BATCH_SIZES:
        signals = _made_up(bundle, size)
        with torch.inference_mode():
            expected = network(signals).numpy()
        (given,) = session.run(None, {"signals": signals.numpy()})
        gap = max(gap, float(np.abs(given - expected).max()))
    if not gap <= TOLERANCE:
        raise ParityError(f"the ONNX model differs from the network by {gap:.2g}, more than {TOLERANCE:g}")
    write_file(path, content)
    return gap


class _WithProbabilities(nn.Module):
    """The network with its temperature and softmax, or sigmoid for findings."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self.network = bundle.network
        self.temperature = bundle.temperature
        self.multi_label = bundle.multi_label

    def forward(self, signals: Tensor) -> Tensor:
        """Return probabilities of shape (n_rows, n_classes)."""
        logits: Tensor = self.network(signals)
        scaled = logits / self.temperature
        return torch.sigmoid(scaled) if self.multi_label else torch.softmax(scaled, dim=1)


def _made_up(bundle: Bundle, n: int) -> Tensor:
    """Return signals of the right shape that were never anybody's."""
    draw = torch.Generator().manual_seed(n)
    return torch.randn(n, len(bundle.contract.lead_names), *bundle.contract.shape, generator=draw)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's prints, logs and warnings to itself."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
