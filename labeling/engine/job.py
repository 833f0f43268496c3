"""What is to be done, as plain values: a job for all parts of an export, and one part of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import orjson

from ..applier import function_info
from ..discover import load_functions
from ..faults import UsageError
from ..function import LabelingFunction, OnError
from ..readers import ColumnNames, EventStore, Piece, Reading, SourceFile
from ..readers.layout import reader_of
from ..schema import LabelSchema

TYPES: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class FunctionKey:
    """A labeling function as the engine knows it: equal keys give equal votes on equal records."""

    name: str
    fingerprint: str
    polarity: tuple[int, ...]
    key: str

    def to_json(self) -> dict[str, Any]:
        """Return the key as plain values."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "polarity": list(self.polarity),
            "key": self.key,
        }


@dataclass(frozen=True)
class Part:
    """Some pieces of an export's files, labeled together; its key says what they hold and how they are read.

    Parameters
    ----------
    key : str
        Hash of content and options.
    files : tuple of SourceFile
        The files.
    pieces : tuple of (int, Piece)
        What is read of them, by position in `files`.
    settled : mapping
        What the heads of the files settle.
    """

    key: str
    files: tuple[SourceFile, ...]
    pieces: tuple[tuple[int, Piece], ...]
    settled: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain values."""
        return {
            "key": self.key,
            "files": [[str(f.path), f.source, f.format, sorted(f.roles)] for f in self.files],
            "pieces": [[number, p.start, p.stop, p.line, p.sha256] for number, p in self.pieces],
            "settled": dict(self.settled),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        files = tuple(
            SourceFile(Path(path), source, name, reader_of(name), frozenset(roles))
            for path, source, name, roles in data["files"]
        )
        pieces = tuple(
            (number, Piece(start, stop, line, sha)) for number, start, stop, line, sha in data["pieces"]
        )
        return cls(data["key"], files, pieces, data["settled"])


@dataclass(frozen=True)
class Job:
    """What all parts share: where votes go, which functions run, how the export is read.

    Parameters
    ----------
    folder : str
        The folder of votes.
    functions : str
        A file or module that defines the functions; "" when they were given as objects.
    names : tuple of str
        The functions that run, in their order.
    classes, task
        The schema.
    columns, types, encoding
        How the export is read (see `read`).
    has_events, has_documents : bool
        What the export holds besides the part at hand.
    events : str
        The store of events, "" when there is none.
    on_error, evidence, note_seconds
        As for `LFApplier.apply`.
    keys : tuple of str
        The functions' keys as planned; a worker that loads others stops.
    """

    folder: str
    functions: str
    names: tuple[str, ...]
    classes: tuple[str, ...]
    task: str = "label"
    columns: Mapping[str, str | None] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    has_events: bool = False
    has_documents: bool = True
    events: str = ""
    on_error: OnError = "abstain"
    evidence: bool = False
    note_seconds: float | None = 1.0
    keys: tuple[str, ...] = ()
    keep_raw: bool = False
    given: tuple[LabelingFunction, ...] = field(default=(), repr=False, compare=False)

    @cached_property
    def schema(self) -> LabelSchema:
        """The classes."""
        return LabelSchema(self.classes, task=self.task)

    @cached_property
    def lfs(self) -> tuple[LabelingFunction, ...]:
        """The functions, loaded on first use."""
        if self.given:
            return self.given
        known = {function.name: function for function in load_functions(self.functions, LabelingFunction)}
        missing = [name for name in self.names if name not in known]
        if missing:
            raise UsageError(f"{Path(self.functions).name} no longer defines {', '.join(missing)}")
        return tuple(known[name] for name in self.names)

    @cached_property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The functions' names, fingerprints and keys."""
        found = tuple(function_key(function, self.schema, self.evidence) for function in self.lfs)
        if self.keys and tuple(key.key for key in found) != self.keys:
            raise UsageError("the functions changed while the run was under way; start it again")
        return found

    @cached_property
    def store(self) -> EventStore | None:
        """The patients' events, opened on first use in each process."""
        return EventStore(Path(self.events)) if self.events else None

    def planned(self) -> Self:
        """Return the job with its functions' keys written down."""
        return replace(self, keys=tuple(key.key for key in self.function_keys))

    def reading(self, part: Part, kind: type[Reading] = Reading) -> Reading:
        """Return the reading of a part."""
        return kind(
            part.files,
            ColumnNames(**self.columns),
            types={name: TYPES[given] for name, given in self.types.items()},
            encoding=self.encoding,
            parts=[(part.files[number], piece) for number, piece in part.pieces],
            settled=part.settled,
            events=self.store,
            unique=False,
            has_events=self.has_events,
            has_documents=self.has_documents,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the job as plain values; functions given as objects cannot travel."""
        if self.given:
            raise UsageError(
                "functions given as objects run in this process only; name a file or module of functions"
            )
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "given"}
        return {**fields, "columns": dict(self.columns), "types": dict(self.types)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        lists = {name: tuple(data[name]) for name in ("names", "classes", "keys")}
        return cls(**{**data, **lists})


def function_key(function: LabelingFunction, schema: LabelSchema, evidence: bool) -> FunctionKey:
    """Return what a function's column is stored under: its name, content, classes, and whether evidence is asked for."""
    info = function_info(function, schema)
    if not info.fingerprint:
        _ = function.fingerprint  # raises, and says what to declare
    key = digest("function", info.name, info.fingerprint, list(info.polarity), list(schema.classes), evidence)
    return FunctionKey(info.name, info.fingerprint, info.polarity, key)


def digest(*parts: Any) -> str:
    """Return a hash of plain values: 32 hexadecimal digits."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def names_of(keys: Sequence[FunctionKey]) -> list[str]:
    """Return the names of functions in their order."""
    return [key.name for key in keys]
