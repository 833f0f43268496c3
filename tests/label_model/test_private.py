"""Counts that leave a site, with noise and as a file."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel, epsilon_of, private_moments, read_moments, write_moments
from sidelight.label_model.private import noise_of
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix
from sidelight.labeling.faults import InputError
from sidelight.labeling.moments import Moments

ACCURACY = np.array([0.9, 0.85, 0.8, 0.75, 0.7, 0.65])


def site(n=3000, seed=0, records_each=1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    values = np.where(rng.random((n, 6)) < ACCURACY, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    values = np.where(rng.random((n, 6)) < 0.7, values, -1).astype(np.int8)
    patients = (np.arange(n) // records_each).astype(str)
    votes = VoteMatrix(
        values,
        LabelSchema(["no", "yes"]),
        tuple(FunctionInfo(f"f{j}") for j in range(6)),
        patient_ids=patients,
    )
    return votes, truth


def test_noise_has_the_size_it_says():
    votes, _ = site()
    exact = Moments.of(votes)
    draws = [
        private_moments(votes, 0.5, random=np.random.default_rng(seed)).pairs[0, 2] - exact.pairs[0, 2]
        for seed in range(200)
    ]
    assert np.std(draws) == pytest.approx(noise_of(6, 0.5), rel=0.2)
    assert abs(np.mean(draws)) < 3 * noise_of(6, 0.5) / np.sqrt(200)


def test_one_patient_with_many_records_counts_once():
    votes, _ = site(600)
    crowded = votes.patient_ids.copy()
    crowded[:300] = "one"
    loud = np.asarray(votes).copy()
    loud[:300] = 1
    crowd = VoteMatrix(loud, votes.schema, votes.functions, patient_ids=crowded)
    found = private_moments(crowd, 1e9, random=np.random.default_rng(0))
    assert found.n_records == 301
    rest = Moments.of(crowd.take_rows(np.arange(300, 600)))
    assert np.abs(found.pairs - rest.pairs).max() <= 1


def test_accuracy_falls_smoothly_with_privacy():
    votes, truth = site()
    errors = []
    for rho in (1e6, 5.0, 0.5, 0.01):
        moments = private_moments(votes, rho, random=np.random.default_rng(3))
        model = LabelModel().fit_moments(moments)
        errors.append(np.sqrt(np.mean((model.get_weights() - ACCURACY) ** 2)))
        assert model.score(votes, truth)["accuracy"] > 0.6
    assert errors[0] < 0.03
    assert errors[2] < 0.06
    assert errors[0] < errors[3]


def test_sites_are_merged_by_addition_from_their_files(tmp_path):
    parts = [site(1000, seed)[0] for seed in range(3)]
    for number, votes in enumerate(parts):
        moments = private_moments(votes, 1.0, random=np.random.default_rng(number))
        write_moments(moments, tmp_path / f"site{number}", rho=1.0)
    read = [read_moments(tmp_path / f"site{number}") for number in range(3)]
    assert all(moments.noisy for moments in read)
    together = read[0] + read[1] + read[2]
    assert together.n_records == 3000
    assert np.sqrt(np.mean((LabelModel().fit_moments(together).get_weights() - ACCURACY) ** 2)) < 0.05
    assert "one" not in (tmp_path / "site0" / "moments.json").read_text()


def test_what_would_not_protect_is_refused(tmp_path):
    votes, _ = site(60)
    with pytest.raises(ValueError, match="patient id"):
        private_moments(VoteMatrix(np.asarray(votes), votes.schema, votes.functions), 1.0)
    with pytest.raises(ValueError, match="20 patients"):
        private_moments(votes.take_rows(np.arange(20)), 1.0)
    with pytest.raises(ValueError, match="rho"):
        private_moments(votes, 0)
    with pytest.raises(ValueError, match="delta"):
        epsilon_of(1.0, 2)
    with pytest.raises(InputError, match="no readable counts"):
        read_moments(tmp_path)


def test_noise_is_not_repeated():
    votes, _ = site(100)
    one, two = private_moments(votes, 0.5), private_moments(votes, 0.5)
    assert one.noisy
    assert (one + two).noisy
    assert not Moments.of(votes).noisy
    assert (one.pairs != two.pairs).any()
