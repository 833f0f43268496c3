"""The project file, `sidelight.toml`: what is declared in it, and reading it."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sidelight.apps.networks import EncoderName, LossName
from sidelight.labeling import InputError, LabelSchema, UsageError

from .lines import Places
from .toml_text import write_toml

FILE = "sidelight.toml"
PARTS = ("train", "dev", "test")
ABSENT, PRESENT = FINDING = ("absent", "present")
"""What a source may say of a finding of a multi-label task."""
Value: TypeAlias = str | int | float | bool


class Section(BaseModel):
    """A table of the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class About(Section):
    """`[project]`: the project's name, what it is for, and the seed everything is drawn from."""

    name: str = "project"
    purpose: str = ""
    seed: int = 0


class Data(Section):
    """`[data]`: the export, and which of its columns hold id, patient and time."""

    export: str
    format: str | None = None
    id: str | None = None
    patient: str | None = None
    time: str | None = None
    encoding: str = "utf-8"
    types: dict[str, Literal["str", "int", "float", "bool"]] = {}


class Payload(Section):
    """`[payloads.NAME]`: what a record carries: its text and events, or the study that a network reads.

    `path` may hold a `*` and so name several files; `study` is the export's column of study ids, where a record's own id
    is not its study's.
    """

    kind: Literal["text", "events", "signal", "image"]
    column: str | None = None
    path: str | None = None
    study: str | None = None

    @property
    def is_target(self) -> bool:
        """Whether a network may read it; text and events teach only."""
        return self.kind in ("signal", "image")


class Task(Section):
    """`[tasks.NAME]`: the classes to tell apart, what the votes know of their frequency, and the payload to learn from.

    In a task of kind "multilabel" classes are findings, each present or absent on its own; `class_balance` then holds
    how frequent each is.
    """

    classes: list[str] = Field(min_length=2)
    kind: Literal["binary", "multiclass", "multilabel"] | None = None
    parent: str | None = None
    when: str | None = None
    target: str | None = None
    positive: str | None = None
    label_model: str = "matrix-completion"
    class_balance: dict[str, float] | None = None

    @property
    def positive_class(self) -> int:
        """Number of the class that AUROC and sensitivity are about."""
        return len(self.classes) - 1 if self.positive is None else self.classes.index(self.positive)

    @property
    def is_multi_label(self) -> bool:
        """Whether several of the classes may be true of a record."""
        return self.kind == "multilabel"

    def questions(self, name: str) -> dict[str, "Task"]:
        """Return what is labeled by itself: the task called `name`, or "name.finding" for each of its findings."""
        if not self.is_multi_label:
            return {name: self}
        shares = self.class_balance or {}
        return {
            f"{name}.{finding}": self.model_copy(
                update={
                    "classes": list(FINDING),
                    "kind": "binary",
                    "class_balance": {ABSENT: 1 - shares[finding], PRESENT: shares[finding]}
                    if finding in shares
                    else None,
                }
            )
            for finding in self.classes
        }


class Source(Section):
    """`[sources.NAME]`: who labels: a file of functions, an annotator's file of labels, or a column of the export.

    On a multi-label task a source says of one finding whether it is "present" or "absent".
    """

    task: str
    finding: str | None = None
    functions: str | None = None
    select: list[str] = []
    labels: str | None = None
    id: str = "id"
    column: str | None = None
    map: dict[str, str] = {}
    role: Literal["vote", "gold"] = "vote"
    tags: list[str] = []
    author: str = ""

    @property
    def question(self) -> str:
        """What it says something about: a task, or "task.finding"."""
        return self.task if self.finding is None else f"{self.task}.{self.finding}"


class Slice(Section):
    """`[slices.NAME]`: records to watch: a file of slicing functions, or a condition on one column.

    With `train = true` the network is to do well on them too: see `recipe` in `[tuning]`.
    """

    functions: str | None = None
    column: str | None = None
    equals: Value | None = None
    one_of: list[Value] | None = None
    at_least: float | None = None
    below: float | None = None
    contains: str | None = None
    missing: bool | None = None
    train: bool = False
    reason: str = ""


class Splits(Section):
    """`[splits]`: shares of the patients; a patient stays in a part as long as `key` stays."""

    key: str = "sidelight"
    dev: float = Field(default=0.2, ge=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)

    @property
    def fractions(self) -> dict[str, float]:
        """Share of each part."""
        return {"train": 1 - self.dev - self.test, "dev": self.dev, "test": self.test}


class Monitors(Section):
    """`[monitors]`: columns watched beside votes and text, and how rare a false alarm is to be."""

    columns: list[str] = []
    family_error: float = Field(default=0.03, gt=0, lt=1)
    margin: float = Field(default=0.02, ge=0, lt=1)
    least: int = Field(default=10, ge=1)


class Audits(Section):
    """`[audit]`: columns that audits look into beside the slices; the fewest patients that figures are told of."""

    subclass: str | None = None
    subclass_schema: str | None = None
    groups: list[str] = []
    discover: bool = True
    search: list[str] = []
    smallest_cell: int | None = Field(default=None, ge=2)


class LabelingApp(Section):
    """`[ui]`: whether the labeling app shows how functions vote on a record when asked, from the start, or never."""

    evidence: Literal["asked", "shown", "never"] = "asked"


class Limits(Section):
    """`[limits]`: shares of rows set aside and of calls that raise, beyond which a run ends with exit code 1."""

    set_aside: float = Field(default=0.01, ge=0, le=1)
    errors: float = Field(default=0.01, ge=0, le=1)


class Tuning(Section):
    """`[tuning]`: the network, and nothing that labels, splits or slices depend on.

    `recipe` is what slices with `train = true` get: "balanced" draws their records oftener, "slice-heads" gives each a
    head of its own. `patience` is how many epochs without a better loss on the development part end a training, 0 for none.
    """

    encoder: EncoderName | None = None
    recipe: Literal["balanced", "slice-heads"] = "balanced"
    loss: LossName = "soft-cross-entropy"
    max_epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    patience: int = Field(default=0, ge=0)


class Config(Section):
    """The whole file; each `[[never]]` names classes of two tasks or more that no record has at once."""

    version: Literal[1] = 1
    project: About = About()
    data: Data
    payloads: dict[str, Payload] = {}
    tasks: dict[str, Task] = Field(min_length=1)
    never: list[dict[str, Any]] | None = Field(default=None, min_length=1)
    sources: dict[str, Source] = Field(min_length=1)
    slices: dict[str, Slice] = {}
    splits: Splits = Splits()
    audit: Audits = Audits()
    monitors: Monitors = Monitors()
    limits: Limits = Limits()
    ui: LabelingApp = LabelingApp()
    tuning: Tuning = Tuning()

    @property
    def questions(self) -> dict[str, Task]:
        """What is labeled by itself: every task, and in place of a multi-label one each of its findings."""
        found: dict[str, Task] = {}
        for name, task in self.tasks.items():
            found |= task.questions(name)
        return found


@dataclass(frozen=True, eq=False)
class Project:
    """A project file that was read and found in order.

    Parameters
    ----------
    file : Path
        The file; paths in it are relative to its folder.
    config : Config
        What it declares, every default filled in.
    text : str
        The file as written.
    places : Places
        Lines of its keys.
    """

    file: Path
    config: Config
    text: str
    places: Places

    @property
    def home(self) -> Path:
        """The folder of the file."""
        return self.file.parent

    @property
    def work(self) -> Path:
        """Where steps keep what they made: record ids are in there, so it is not for sharing."""
        return self.home / ".sidelight"

    @property
    def runs(self) -> Path:
        """Where runs are kept."""
        return self.home / "runs"

    def path(self, given: str) -> Path:
        """Return a path of the file, seen from its folder."""
        return self.home / given

    def study_paths(self, payload: Payload) -> list[Path]:
        """Return the files, or the one folder, of a payload's studies; a `*` in its path stands for any name."""
        given = str(payload.path)
        return sorted(self.home.glob(given)) if "*" in given else [self.path(given)]

    def schema(self, task: str) -> LabelSchema:
        """Return the classes of a task, or of a finding ("task.finding")."""
        return LabelSchema(self.config.questions[task].classes, task)

    @property
    def text_column(self) -> str | None:
        """The column of the text payload; None where it is called "text", or where there is none."""
        return next((p.column for p in self.config.payloads.values() if p.kind == "text"), None)

    @property
    def has_text(self) -> bool:
        """Whether records carry a text."""
        return any(payload.kind == "text" for payload in self.config.payloads.values())

    def sources(self, task: str, role: str = "vote") -> dict[str, Source]:
        """Return the sources of a task, or of a finding, that vote, or that hold gold labels."""
        found = self.config.sources.items()
        return {name: source for name, source in found if source.question == task and source.role == role}

    def effective(self) -> str:
        """Return the file with every default filled in; reading it gives the same configuration."""
        return write_toml(self.config.model_dump(exclude_none=True))


def load_project(path: str | Path = ".") -> Project:
    """Read and check a project file, or the one of a folder.

    Raises
    ------
    InputError
        When there is no such file.
    UsageError
        When something in it is wrong: one line with the key's path, its line, and the nearest valid name.
    """
    file = Path(path)
    file = file / FILE if file.is_dir() else file
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(file, "does not exist; `sidelight init` writes one") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(file, "cannot be read as UTF-8 text") from None
    places = Places(file.name, text)
    project = Project(file, parse(text, places), text, places)
    from .checks import check_project

    check_project(project)
    return project


def parse(text: str, places: Places) -> Config:
    """Return the configuration a text declares; raises `UsageError` for the first thing that is wrong."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.fullmatch(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
        what, line, column = found.groups() if found else (str(error), None, None)
        stands = f"line {line}, column {column}" if line else f"line {len(text.splitlines())}"
        problem = f"is no TOML: {what[:1].lower()}{what[1:]}"
        raise UsageError(f"{places.name}, {stands}: {problem}") from None
    refuse_unknown(Config, raw, (), places)
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        first = min(error.errors(include_url=False, include_input=False), key=lambda e: places.line(e["loc"]))
        where = tuple(part for part in first["loc"] if part not in ("str", "int", "float", "bool"))
        if first["type"] == "missing":
            places.refuse(where, "is missing")
        options = [option.strip("'") for option in _expected(first)]
        wrong = _value_at(raw, where)
        told = wrong if isinstance(wrong, str) else ""
        problem = f"is {wrong!r}; it is one of {', '.join(options)}" if options else _plain(first["msg"])
        places.refuse(where, problem, told, options if told else ())


def refuse_unknown(model: type[Section], raw: Any, path: tuple[str, ...], places: Places) -> None:
    """Raise for the first key that `model` does not have."""
    if not isinstance(raw, dict):
        return
    for key, value in raw.items():
        field = model.model_fields.get(key)
        if field is None:
            places.refuse((*path, key), "no such key", key, model.model_fields)
        kind = field.annotation
        if get_origin(kind) is dict and isinstance(value, dict):
            inner = get_args(kind)[1]
            if isinstance(inner, type) and issubclass(inner, Section):
                for name, part in value.items():
                    refuse_unknown(inner, part, (*path, key, name), places)
        elif isinstance(kind, type) and issubclass(kind, Section):
            refuse_unknown(kind, value, (*path, key), places)


def _expected(error: Any) -> list[str]:
    """Return the values a literal may have."""
    if error["type"] != "literal_error":
        return []
    return [part for piece in str(error["ctx"]["expected"]).split(", ") for part in piece.split(" or ")]


def _value_at(raw: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]
