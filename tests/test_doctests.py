"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import sidelight

PACKAGE = Path(sidelight.__file__).parent
NEEDS = {"torch", "lightning", "spacy", "streamlit", "wfdb", "pyedflib", "monai", "pydicom", "onnx", "opacus"}
MODULES = sorted(
    ".".join(("sidelight", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for folder in ("labeling", "label_model", "crossmodal", "slicing", "apps")
    for path in (PACKAGE / folder).rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in NEEDS:
            pytest.skip(f"{error.name} is not installed")
        raise
    failed, tried = doctest.testmod(module, extraglobs={"np": np}, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
    assert tried > 0
