"""Applying transformation functions to records by a policy, the same way in every run."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..batches import iter_batches
from ..faults import FunctionError, UsageError
from ..raised import describe_fault
from ..record import Record
from ..seeds import generator
from .function import TransformationFunction
from .policies import Policy

if TYPE_CHECKING:
    import pandas as pd


class TFApplier:
    """Makes new records by transformation functions.

    Parameters
    ----------
    tfs : sequence of TransformationFunction
        At least one; names are unique.
    policy : Policy
        Which of them are applied to a record.
    seed : int, default 0
        Chance comes from it, and for each record from its id (or row) alone: neither the order of the records nor the
        size of a batch changes what is made.

    Examples
    --------
    >>> from sidelight.labeling.transform import ApplyOnePolicy, transformation_function
    >>> @transformation_function
    ... def shout(record):
    ...     record.text = record.text.upper()
    ...     return record
    >>> made = TFApplier([shout], ApplyOnePolicy()).apply([{"id": "a", "text": "effusion"}])
    >>> [(record.id, record.parent_id, record.text) for record in made]
    [('a', None, 'effusion'), ('a~1', 'a', 'EFFUSION')]
    """

    def __init__(self, tfs: Sequence[TransformationFunction], policy: Policy, *, seed: int = 0) -> None:
        self.tfs = tuple(tfs)
        if not self.tfs or not all(isinstance(tf, TransformationFunction) for tf in self.tfs):
            raise UsageError(
                "tfs are transformation functions, at least one; decorate them with @transformation_function"
            )
        names = [tf.name for tf in self.tfs]
        if len(set(names)) < len(names):
            raise UsageError("two transformation functions share a name")
        self.policy = policy
        self.seed = seed

    def apply(self, data_points: Any, progress_bar: bool = False) -> Any:
        """Return the records the policy asks for, those of one record together, in order.

        Parameters
        ----------
        data_points : list, DataFrame, Arrow table or path of an export
            The records.
        progress_bar : bool, default False
            Accepted for scripts that pass it.

        Returns
        -------
        list of Record
            With `parent_id`: the record each was made of, None for the records themselves. A record that a function of
            its sequence does not apply to, or that comes out unchanged, is left out.
        """
        return [record for made in self._records(data_points) for record in made]

    def apply_generator(self, data_points: Any, batch_size: int) -> Iterator[Any]:
        """Yield what `apply` returns, for so many records at a time."""
        pending: list[Record] = []
        n_originals = 0
        for made in self._records(data_points):
            pending += made
            n_originals += 1
            if n_originals == batch_size:
                yield pending
                pending, n_originals = [], 0
        if n_originals:
            yield pending

    def _records(self, data_points: Any) -> Iterator[list[Record]]:
        row = 0
        for batch in iter_batches(data_points):
            for record in batch.records:
                yield self._transform(record, row)
                row += 1

    def _transform(self, record: Record, row: int) -> list[Record]:
        name = str(row) if record.id is None else str(record.id)
        rng = generator(self.seed, "transform", name)
        made: list[Record] = []
        for sequence in self.policy.generate(rng, len(self.tfs)):
            if not sequence:
                made.append(record.with_fields(parent_id=None))
                continue
            changed: Record | None = record
            for position in sequence:
                changed = self._apply(self.tfs[position], changed, row, rng)
                if changed is None:
                    break
            number = sum(other.parent_id is not None for other in made) + 1
            if changed is not None and _differs(changed, record):
                made.append(changed.with_fields(id=f"{name}~{number}", parent_id=name))
        return made

    def _apply(self, tf: TransformationFunction, record: Any, row: int, rng: Any) -> Record | None:
        try:
            return tf(record, rng)
        except Exception as error:
            fault = describe_fault(error, tf.function)
        raise FunctionError(tf.name, row, fault)


class PandasTFApplier(TFApplier):
    """`TFApplier` for a pandas frame: returns a frame with the same columns and `parent_id`, indexed by id."""

    def apply(self, df: "pd.DataFrame", progress_bar: bool = False) -> "pd.DataFrame":  # noqa: D102 - as the base class
        return self._frame(super().apply(df), df)

    def apply_generator(self, df: "pd.DataFrame", batch_size: int) -> Iterator["pd.DataFrame"]:  # noqa: D102
        for made in super().apply_generator(df, batch_size):
            yield self._frame(made, df)

    def _frame(self, made: list[Record], df: "pd.DataFrame") -> "pd.DataFrame":
        import pandas as pd

        fields = [str(name) for name in df.columns]
        index = [record.id for record in made]
        columns = {name: [record[name] for record in made] for name in [*fields, "parent_id"]}
        return pd.DataFrame(columns, index=pd.Index(index, name=df.index.name))


def _differs(made: Record, original: Record) -> bool:
    own = {name: made[name] for name in made.fields if name not in ("id", "parent_id", "events")}
    return any(name not in original.fields or own[name] != original[name] for name in own)
