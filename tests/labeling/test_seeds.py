"""Named streams of random numbers, and splits by keyed hash."""

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import derive_seed, generator, keyed_fraction


@given(st.integers(), st.lists(st.text()))
def test_seeds_have_63_bits_and_depend_on_nothing_else(seed, names):
    found = derive_seed(seed, *names)
    assert 0 <= found < 2**63
    assert derive_seed(seed, *names) == found


def test_streams_of_other_names_and_seeds_differ():
    seeds = {derive_seed(seed, *names) for seed in (0, 1) for names in ((), ("a",), ("b",), ("a", "b"))}
    assert len(seeds) == 8


def test_global_generators_are_left_alone():
    np.random.seed(1)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    generator(0, "bootstrap").normal(size=10)
    assert np.random.rand() == expected  # noqa: NPY002


def test_another_process_draws_the_same():
    code = (
        "from sidelight.labeling import *; print(derive_seed(0, 'fit'), keyed_fraction('patient 7', 'split'))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == [str(derive_seed(0, "fit")), repr(keyed_fraction("patient 7", "split"))]


@given(st.text(), st.text())
def test_keyed_fractions_lie_in_the_unit_interval(value, key):
    assert 0 <= keyed_fraction(value, key) < 1


def test_keyed_fractions_are_spread_evenly_and_afresh_for_each_key():
    fractions = np.array([[keyed_fraction(str(i), key) for i in range(4000)] for key in ("a", "b")])
    shares = [np.histogram(row, bins=4, range=(0, 1))[0] / 4000 for row in fractions]
    np.testing.assert_allclose(shares, 0.25, atol=0.03)
    assert abs(np.corrcoef(fractions)[0, 1]) < 0.05
