"""A view of confusion as a plain description: kept with an audit, read strictly, applied to any distribution."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from .confusion import Confusion
from .confusion_table import MEANING, SEPARATOR, ConfusionTable, Normalize

WHERE = {"dimension", "under", "side", "slice", "wrong"}
ONLY = {"dimension", "nodes", "side"}


@dataclass(frozen=True)
class ConfusionView:
    """What to look at: conditions first, then labels cut or rolled up, then a filter, then a table.

    Parameters
    ----------
    dimensions : tuple of str
        What the table is of; several are nested, the first outermost.
    where : tuple of mapping
        Conditions, all of which hold: ``{"dimension": ..., "under": [...], "side": "actual"}``, ``{"slice": ...}`` or
        ``{"wrong": ...}``, as for `Confusion.where`.
    level : mapping of dimension to int
        Depth at which labels are cut.
    collapse : mapping of dimension to tuple of str
        Nodes that stand for all that lies below them.
    only : mapping, optional
        ``{"dimension": ..., "nodes": [...], "side": "both"}``, as for `Confusion.only`.
    normalize : {"count", "total", "row", "column"}, default "row"

    Examples
    --------
    >>> confusion = Confusion.of(
    ...     {"finding": ["none", "fracture/hip", "fracture/rib"]}, {"finding": ["none", "fracture/rib", "none"]}
    ... )
    >>> view = ConfusionView.from_json({"dimensions": ["finding"], "level": {"finding": 1}, "normalize": "count"})
    >>> view.of(confusion).counts.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    >>> ConfusionView.from_json(view.to_json()) == view
    True
    """

    dimensions: tuple[str, ...]
    where: tuple[Mapping[str, Any], ...] = ()
    level: Mapping[str, int] | None = None
    collapse: Mapping[str, tuple[str, ...]] | None = None
    only: Mapping[str, Any] | None = None
    normalize: Normalize = "row"

    def __post_init__(self) -> None:
        """Check keys; names of labels are checked when the view is applied."""
        if not self.dimensions:
            raise ValueError("a view needs at least one dimension")
        for number, condition in enumerate(self.where, start=1):
            unknown = sorted(set(condition) - WHERE)
            if unknown or not condition:
                raise ValueError(
                    f"condition {number} has {unknown or 'nothing'}; known are {', '.join(sorted(WHERE))}"
                )
            if ("dimension" in condition) != ("under" in condition):
                raise ValueError(f"condition {number} needs both dimension and under")
            if "side" in condition and "dimension" not in condition:
                raise ValueError(f"condition {number} has a side without a dimension")
        if self.only is not None and (set(self.only) - ONLY or not {"dimension", "nodes"} <= set(self.only)):
            raise ValueError(f"only has {sorted(self.only)}; it is of dimension, nodes and, if wanted, side")
        if self.normalize not in MEANING:
            raise ValueError(f"normalize is {self.normalize!r}; it is {', '.join(MEANING)}")

    def of(self, confusion: Confusion) -> ConfusionTable:
        """Return the table of a distribution."""
        found = confusion
        for condition in self.where:
            given = dict(condition)
            under = given.pop("under", ())
            found = found.where(
                given.pop("dimension", None), tuple([under] if isinstance(under, str) else under), **given
            )
        for dimension, nodes in (self.collapse or {}).items():
            found = found.collapse(dimension, *nodes)
        for dimension, depth in (self.level or {}).items():
            found = found.level(dimension, depth)
        if self.only is not None:
            side: Literal["either", "both"] = self.only.get("side", "both")
            found = found.only(self.only["dimension"], *self.only["nodes"], side=side)
        found = found.keep(*self.dimensions)
        if len(self.dimensions) > 1:
            found = found.nest(*self.dimensions)
        return found.table(SEPARATOR.join(self.dimensions), normalize=self.normalize)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without what is left at its default."""
        plain: dict[str, Any] = {"dimensions": list(self.dimensions), "normalize": self.normalize}
        if self.where:
            plain["where"] = [
                {key: list(value) if isinstance(value, tuple) else value for key, value in condition.items()}
                for condition in self.where
            ]
        if self.level:
            plain["level"] = dict(self.level)
        if self.collapse:
            plain["collapse"] = {name: list(nodes) for name, nodes in self.collapse.items()}
        if self.only:
            plain["only"] = {k: list(v) if isinstance(v, list | tuple) else v for k, v in self.only.items()}
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; a key that is not known is refused."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
        given = dict(data)
        given["dimensions"] = tuple(given.get("dimensions", ()))
        given["where"] = tuple(dict(condition) for condition in given.get("where", ()))
        if given.get("collapse") is not None:
            given["collapse"] = {name: tuple(nodes) for name, nodes in given["collapse"].items()}
        return cls(**given)
