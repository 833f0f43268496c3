"""The search names a subclass that was thinned in training, and nobody told it of."""

import importlib.util
import warnings
from pathlib import Path

import pytest
from sklearn.exceptions import ConvergenceWarning


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[2] / "benchmarks/hidden_strata.py"
    spec = importlib.util.spec_from_file_location("hidden_strata", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(("name", "thinned"), [("mnist", 0), ("mnist", 9), ("bonn", "Z")])
def test_the_first_slice_is_the_thinned_subclass(script, shared_data, name, thinned):
    folder = shared_data({"mnist": "mnist_superclass", "bonn": "bonn_eeg"}[name])
    strata = getattr(script, name)(folder.parent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = script.audited(strata, thinned, 0.04, 0)
    assert found["gap"] < -0.1, "thinning hurts the subclass"
    assert found["named"]
    assert found["in table"], "told of the subclasses, the table names it too"
