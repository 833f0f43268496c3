"""The search names a subclass that was thinned in training, and nobody told it of."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sidelight.slicing.discovery.evidence import as_evidence
from sidelight.slicing.discovery.ranking import Ranking, independent_views


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
    inputs, subclass, superclass, group = getattr(script, name)(folder.parent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = script.audited(inputs, subclass, superclass, group, thinned, 0.04, 0)
    assert found["gap"] < -0.1, "thinning hurts the subclass"
    assert found["named"]
    assert found["in table"], "told of the subclasses, the table names it too"


def evidence(n=600):
    random = np.random.default_rng(0)
    y = np.zeros(n, dtype=int)
    y[n // 2 :] = 1
    site = np.where(np.arange(n) < 40, "north", "south")
    views = {"model": random.normal(size=(n, 3)), "input": random.normal(size=(n, 3))}
    views["input"][:40] = 3 + 0.1 * random.normal(size=(40, 3))
    return as_evidence(y, np.tile([0.5, 0.5], (n, 1)), embeddings=views, metadata={"site": site})


def test_of_two_slices_with_like_evidence_the_more_alike_one_leads():
    known = evidence()
    alike, mixed = np.arange(600) < 40, (np.arange(600) < 300) & (np.arange(600) % 7 == 0)
    ranking = Ranking([(alike, 1e-6), (mixed, 1e-6)], known)
    assert ranking.likeness(alike, 0) > 0.5
    assert abs(ranking.likeness(mixed, 0)) < 0.2
    assert ranking.worth(alike, 0) > ranking.worth(mixed, 0)
    assert ranking.records().max() == 1


def test_of_two_slices_as_alike_the_one_with_more_evidence_leads():
    first, second = np.arange(600) % 7 == 0, np.arange(600) % 7 == 1
    ranking = Ranking([(first, 1e-9), (second, 1e-3), (first, 1e-5)], evidence())
    assert ranking.worth(first, None) > ranking.worth(second, None)


def test_the_model_s_own_embedding_says_nothing_of_likeness_unless_it_is_all_there_is():
    known = evidence()
    assert [view.shape[1] for view in independent_views(known)] == [3, 2]
    alone = as_evidence(known.y, known.proba, embeddings={"model": known.embeddings["model"]})
    assert len(independent_views(alone)) == 1
