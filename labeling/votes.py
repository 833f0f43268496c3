"""What every labeling function said of every record, with the ids and names that keep rows and columns honest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from .schema import ABSTAIN, LabelSchema

Span: TypeAlias = tuple[int, int]
"""Start and end of a piece of evidence, in characters of the record's text."""

SPARSE_BELOW = 0.2
"""Share of votes that are no abstention under which `compact` stores them sparsely."""


@dataclass(frozen=True)
class FunctionInfo:
    """What a column of votes remembers of the function that cast it.

    Parameters
    ----------
    name : str
        The function's name, unique among the columns.
    fingerprint : str
        Hash of the function's content; equal fingerprints mean equal votes on equal records.
    polarity : tuple of int
        Classes the function declared it may vote for; empty when it declared nothing.
    accuracy : (float, float), optional
        How often its author expects a vote to be right, and how many votes that belief is worth.
    """

    name: str
    fingerprint: str = ""
    polarity: tuple[int, ...] = ()
    accuracy: tuple[float, float] | None = None


@dataclass(frozen=True)
class RunStatistics:
    """How the functions behaved while they voted; never part of a file that must be reproducible.

    Parameters
    ----------
    errors : ndarray of shape (n_functions,)
        Calls of each function that raised and were counted as abstentions.
    seconds : ndarray of shape (n_functions,)
        Seconds spent in each function, over all records.
    faults : sequence of mapping from str to int, optional
        For each function what was raised, its kind and line without a word of the message, and how often.
    """

    errors: NDArray[np.int64]
    seconds: NDArray[np.float64]
    faults: tuple[Mapping[str, int], ...] = ()

    def select(self, columns: Sequence[int]) -> RunStatistics:
        """Return what there is on some functions, by their numbers."""
        faults = tuple(self.faults[column] for column in columns) if self.faults else ()
        return RunStatistics(self.errors[columns], self.seconds[columns], faults)


@dataclass(frozen=True, eq=False)
class VoteMatrix:
    """Votes of shape (n_records, n_functions), int8, -1 where a function abstains.

    Parameters
    ----------
    values : ndarray or scipy.sparse array of shape (n_records, n_functions)
        Dense int8 votes, or a sparse CSC array that stores ``vote + 1``, so that an abstention takes no room.
    schema : LabelSchema
        The classes the integers stand for.
    functions : sequence of FunctionInfo
        One for each column; names are unique.
    ids : ndarray of str of shape (n_records,), optional
        Record ids, unique. Without them (a bare array of a user's) rows are known by their position alone.
    patient_ids : ndarray of str of shape (n_records,), optional
        The patient of each record, empty where unknown.
    confidence : ndarray of shape (n_records, n_functions), optional
        How sure each vote is, in (0, 1]; 1 where absent.
    class_sets : ndarray of uint64 of shape (n_records, n_functions, n_words), optional
        Partial votes: bit c of the words is set when class c is among those the vote allows. Only where the vote
        itself is an abstention; all zero elsewhere.
    evidence : mapping of (row, column) to a tuple of spans, optional
        Where in the record's text a vote found its reason.
    statistics : RunStatistics, optional
        Errors and time of each function in the run that made these votes.

    Examples
    --------
    >>> votes = as_votes([[0, -1], [1, 1]])
    >>> votes.n_records, votes.names, np.asarray(votes).tolist()
    (2, ('lf_0', 'lf_1'), [[0, -1], [1, 1]])
    """

    values: Any
    schema: LabelSchema
    functions: tuple[FunctionInfo, ...]
    ids: NDArray[np.str_] | None = None
    patient_ids: NDArray[np.str_] | None = None
    confidence: NDArray[np.float32] | None = None
    class_sets: NDArray[np.uint64] | None = None
    evidence: Mapping[tuple[int, int], tuple[Span, ...]] = field(default_factory=dict)
    statistics: RunStatistics | None = None

    def __post_init__(self) -> None:
        """Refuse what would make rows, columns or classes ambiguous."""
        object.__setattr__(self, "functions", tuple(self.functions))
        values = self.values
        if values.ndim != 2:
            raise ValueError(f"votes have {values.ndim} dimension(s); they are (n_records, n_functions)")
        n_records, n_functions = values.shape
        if len(self.functions) != n_functions:
            raise ValueError(f"{n_functions} columns of votes but {len(self.functions)} functions")
        names = self.names
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"two functions share a name: {', '.join(twice)}")
        _check_range(self.values, self.schema.cardinality)
        if not self.is_sparse:
            object.__setattr__(self, "values", values.astype(np.int8, copy=False))
        for attribute in ("ids", "patient_ids"):
            column = getattr(self, attribute)
            if column is not None and len(column) != n_records:
                raise ValueError(f"{attribute} has {len(column)} entries for {n_records} records")
        if self.ids is not None and len(np.unique(self.ids)) != n_records:
            first, second = _first_twins(self.ids)
            raise ValueError(f"ids holds one id twice, in rows {first} and {second}; each record has its own")
        for attribute in ("confidence", "class_sets"):
            channel = getattr(self, attribute)
            if channel is not None and channel.shape[:2] != (n_records, n_functions):
                raise ValueError(f"{attribute} has shape {channel.shape}, votes {values.shape}")

    # -- shape and form ----------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int]:
        """(n_records, n_functions)."""
        return (int(self.values.shape[0]), int(self.values.shape[1]))

    @property
    def n_records(self) -> int:
        """Number of records (rows)."""
        return self.shape[0]

    @property
    def n_functions(self) -> int:
        """Number of labeling functions (columns)."""
        return self.shape[1]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the functions, in column order."""
        return tuple(function.name for function in self.functions)

    @property
    def is_sparse(self) -> bool:
        """Whether only the votes that are no abstention are stored."""
        return bool(sparse.issparse(self.values))

    @property
    def density(self) -> float:
        """Share of the votes that are no abstention."""
        n_votes = self.values.nnz if self.is_sparse else int(np.count_nonzero(self.values != ABSTAIN))
        return n_votes / max(1, self.n_records * self.n_functions)

    def dense(self) -> NDArray[np.int8]:
        """Return the votes as a dense int8 array of shape (n_records, n_functions)."""
        if self.is_sparse:
            return np.asarray(self.values.toarray() - np.int8(1), dtype=np.int8)
        return np.asarray(self.values)

    def compact(self) -> Self:
        """Return the same votes, stored sparsely when fewer than a fifth of them are no abstention."""
        if self.is_sparse or self.density >= SPARSE_BELOW:
            return self
        return replace(self, values=sparse.csc_array(self.values + np.int8(1)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Let NumPy see the dense votes."""
        return np.array(self.dense(), dtype=dtype, copy=bool(copy) or None)

    @property
    def dtype(self) -> np.dtype[np.int8]:
        """The integers that votes are."""
        return np.dtype(np.int8)

    def __eq__(self, other: object) -> Any:
        """Compare each vote with a class or an array of votes, as ``votes == ABSTAIN``; tables are equal to themselves."""
        return self is other if isinstance(other, VoteMatrix) or other is None else self.dense() == other

    def __ne__(self, other: object) -> Any:
        return self is not other if isinstance(other, VoteMatrix) or other is None else self.dense() != other

    __hash__ = object.__hash__

    def __len__(self) -> int:
        return self.n_records

    def __iter__(self) -> Iterator[NDArray[np.int8]]:
        return iter(self.dense())

    def __getitem__(self, key: Any) -> Any:
        """Index the dense votes, as with a plain array; use `take_rows` to keep ids."""
        return self.dense()[key]

    def __repr__(self) -> str:
        return (
            f"VoteMatrix({self.n_records} records x {self.n_functions} functions, "
            f"classes {list(self.schema.classes)}, {self.density:.0%} full)"
        )

    # -- rows and columns --------------------------------------------------------------------------

    def n_votes(self) -> NDArray[np.int64]:
        """Return how many functions voted on each record, shape (n_records,)."""
        if self.is_sparse:
            return np.asarray((self.values != 0).sum(axis=1), dtype=np.int64).ravel()
        return np.asarray((self.values != ABSTAIN).sum(axis=1), dtype=np.int64)

    def covered(self) -> NDArray[np.bool_]:
        """Return whether any function voted on each record, shape (n_records,)."""
        return self.n_votes() > 0

    def take_rows(self, rows: ArrayLike) -> Self:
        """Return the votes on some records, by boolean mask or positions, with their ids."""
        chosen = np.asarray(rows)
        keep = np.arange(self.n_records)[chosen if chosen.size else chosen.astype(np.intp)]
        position = {int(old): new for new, old in enumerate(keep)}
        return replace(
            self,
            values=self.values.tocsr()[keep].tocsc() if self.is_sparse else self.values[keep],
            ids=None if self.ids is None else self.ids[keep],
            patient_ids=None if self.patient_ids is None else self.patient_ids[keep],
            confidence=None if self.confidence is None else self.confidence[keep],
            class_sets=None if self.class_sets is None else self.class_sets[keep],
            evidence={(position[r], c): spans for (r, c), spans in self.evidence.items() if r in position},
            statistics=None,
        )

    def take_functions(self, names: Sequence[str]) -> Self:
        """Return the columns of the functions called `names`, in that order."""
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ValueError(f"no function called {', '.join(unknown)}; there are {', '.join(self.names)}")
        keep = [self.names.index(name) for name in names]
        position = {old: new for new, old in enumerate(keep)}
        statistics = self.statistics
        return replace(
            self,
            values=self.values[:, keep],
            functions=tuple(self.functions[column] for column in keep),
            confidence=None if self.confidence is None else self.confidence[:, keep],
            class_sets=None if self.class_sets is None else self.class_sets[:, keep],
            evidence={(r, position[c]): spans for (r, c), spans in self.evidence.items() if c in position},
            statistics=statistics and statistics.select(keep),
        )

    def align(self, values: Mapping[str, Any] | Any, *, missing: Any = ABSTAIN) -> NDArray[Any]:
        """Bring something known by record id into the order of these rows.

        Parameters
        ----------
        values : mapping from id to value, or pandas Series indexed by id
            What is known of some of the records.
        missing : default -1
            What a record gets that `values` does not mention.

        Returns
        -------
        ndarray of shape (n_records,)
        """
        if self.ids is None:
            raise ValueError("these votes carry no record ids, so nothing can be aligned to them by id")
        known = {str(key): value for key, value in values.items()}
        return np.array([known.get(str(name), missing) for name in self.ids])

    def join(self, other: Self) -> Self:
        """Return these votes and `other`'s, function beside function, for the same records.

        Raises
        ------
        ValueError
            When either side carries no ids, or the ids differ: rows are never matched by position.
        """
        if self.ids is None or other.ids is None:
            raise ValueError("both vote matrices need record ids: rows are never joined by position")
        if self.schema != other.schema:
            raise ValueError(f"classes differ: {list(self.schema.classes)} and {list(other.schema.classes)}")
        order = {str(name): row for row, name in enumerate(other.ids)}
        if len(order) != self.n_records or any(str(name) not in order for name in self.ids):
            raise ValueError("the two vote matrices are of different records")
        moved = other.take_rows(np.array([order[str(name)] for name in self.ids], dtype=np.intp))
        shift = self.n_functions
        return replace(
            self,
            values=np.concatenate([self.dense(), moved.dense()], axis=1),
            functions=self.functions + moved.functions,
            confidence=_side_by_side(self, moved, "confidence", np.float32(1)),
            class_sets=_side_by_side(self, moved, "class_sets", np.uint64(0)),
            evidence={**self.evidence, **{(r, c + shift): s for (r, c), s in moved.evidence.items()}},
            statistics=None,
        ).compact()


def as_votes(
    votes: VoteMatrix | ArrayLike,
    *,
    schema: LabelSchema | None = None,
    cardinality: int | None = None,
) -> VoteMatrix:
    """Return `votes` as a `VoteMatrix`: what every public function does with what it is given.

    Parameters
    ----------
    votes : VoteMatrix, DataFrame or array-like of int of shape (n_records, n_functions)
        A DataFrame's columns become function names and its index the record ids, when it is of strings.
    schema : LabelSchema, optional
        The classes; taken from `votes` when it knows them.
    cardinality : int, optional
        Number of classes when there is no schema; else the largest vote decides, at least 2.

    Raises
    ------
    TypeError, ValueError
        When the votes are no integers or lie outside the classes.
    """
    if isinstance(votes, VoteMatrix):
        wanted = schema.cardinality if schema is not None else cardinality
        if wanted is not None and wanted != votes.schema.cardinality:
            raise ValueError(f"the votes are of {votes.schema.cardinality} classes, not of {wanted}")
        return votes
    names = [str(name) for name in getattr(votes, "columns", [])]
    values: Any = votes if sparse.issparse(votes) else np.asarray(votes)
    if values.ndim != 2:
        raise ValueError(f"votes have {values.ndim} dimension(s); they are (n_records, n_functions)")
    if sparse.issparse(values):
        raise TypeError("a bare sparse array is ambiguous: build a VoteMatrix, which stores vote + 1")
    _check_integers(values)
    if schema is None:
        highest = int(values.max(initial=-1))
        schema = LabelSchema.of(cardinality if cardinality is not None else max(2, highest + 1))
    functions = [FunctionInfo(name) for name in names or [f"lf_{j}" for j in range(values.shape[1])]]
    index = list(getattr(votes, "index", ())) if names else []
    ids = np.array(index) if index and all(isinstance(name, str) for name in index) else None
    return VoteMatrix(values, schema, tuple(functions), ids=ids)


def _check_integers(values: Any) -> None:
    """Raise when an array holds anything but whole numbers."""
    if values.dtype.kind not in "iu":
        raise TypeError(f"votes are {values.dtype}; they are integers, -1 where a function abstains")


def _check_range(values: Any, cardinality: int) -> None:
    """Raise when a vote is no class and no abstention, naming the first such place."""
    if sparse.issparse(values):
        if values.format != "csc" or values.dtype != np.int8:
            raise TypeError("sparse votes are an int8 CSC array that stores vote + 1")
        if values.nnz and (values.data.min() < 1 or values.data.max() > cardinality):
            raise ValueError(f"a stored vote lies outside 0..{cardinality - 1}")
        return
    _check_integers(values)
    if values.size == 0 or (values.min() >= ABSTAIN and values.max() < cardinality):
        return
    record, function = np.argwhere((values < ABSTAIN) | (values >= cardinality))[0]
    raise ValueError(
        f"votes[{record}, {function}] is {values[record, function]}; with cardinality={cardinality} "
        f"a vote is 0..{cardinality - 1} or ABSTAIN (-1)"
    )


def _first_twins(ids: NDArray[np.str_]) -> tuple[int, int]:
    """Return the rows of the first id that stands twice."""
    seen: dict[str, int] = {}
    for row, name in enumerate(ids):
        if seen.setdefault(str(name), row) != row:
            return seen[str(name)], row
    raise AssertionError("ids are unique")


def _side_by_side(left: VoteMatrix, right: VoteMatrix, channel: str, default: Any) -> Any:
    """Join a side channel of two matrices, filling in what one of them lacks; None when both lack it."""
    parts = [getattr(left, channel), getattr(right, channel)]
    if all(part is None for part in parts):
        return None
    tail = next(part for part in parts if part is not None).shape[2:]
    filled = [
        np.full((*matrix.shape, *tail), default) if part is None else part
        for matrix, part in zip((left, right), parts, strict=True)
    ]
    return np.concatenate(filled, axis=1)
