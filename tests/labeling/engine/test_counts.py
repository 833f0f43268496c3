"""Counts of parts add up and take back what was dropped, also where functions times classes are very many."""

import io

import numpy as np
import pytest
from scipy import sparse

from sidelight.labeling import LabelSchema, VoteMatrix
from sidelight.labeling.engine.counts import add_counts, pack_counts, read_counts
from sidelight.labeling.moments import DENSE_UP_TO, Moments
from sidelight.labeling.patterns import Patterns
from sidelight.labeling.votes import FunctionInfo

NAMES = [f"f{j}" for j in range(60)]


def counted(values, schema):
    votes = VoteMatrix(np.ascontiguousarray(values), schema, tuple(FunctionInfo(name) for name in NAMES))
    return Moments.of(votes), Patterns.of(votes)


def dense(pairs):
    return pairs.toarray() if sparse.issparse(pairs) else pairs


@pytest.mark.parametrize("cardinality", [3, 100])
def test_parts_less_what_was_dropped_count_as_the_rows_that_are_left(tmp_path, cardinality):
    chance = np.random.default_rng(0)
    schema = LabelSchema([f"c{c}" for c in range(cardinality)])
    values = chance.integers(-1, cardinality, (40, len(NAMES))).astype(np.int8)
    values[chance.random(values.shape) < 0.8] = -1
    files = []
    for number, rows in enumerate((values[:25], values[25:])):
        files.append(tmp_path / f"{number}.npz")
        files[-1].write_bytes(pack_counts(*counted(rows, schema)))
    moments, patterns = add_counts(files, schema, NAMES, [values[[3, 30]]])
    left, left_patterns = counted(np.delete(values, [3, 30], axis=0), schema)
    assert (len(NAMES) * cardinality > DENSE_UP_TO) == sparse.issparse(moments.pairs)
    assert (moments.n_records, moments.n_covered) == (38, left.n_covered)
    assert (dense(moments.pairs) == dense(left.pairs)).all()
    assert patterns.values.tolist() == left_patterns.values.tolist()
    assert patterns.counts.tolist() == left_patterns.counts.tolist()
    assert pack_counts(moments, patterns) == pack_counts(left, left_patterns)
    again, _ = read_counts(io.BytesIO(pack_counts(moments, patterns)), schema, NAMES)
    assert (dense(again.pairs) == dense(left.pairs)).all()
