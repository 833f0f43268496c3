"""What a project file must keep to beyond the types of its values: names that exist, files that are there, columns."""

import re
from collections.abc import Iterable
from pathlib import Path

from sidelight.label_model import MODELS
from sidelight.labeling import READERS, ColumnError, InputError, LabelSchema, Reading
from sidelight.slicing import SubclassSchema

from .file import Payload, Project, Slice, Source, Task
from .links import check_links

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
CONDITIONS = ("equals", "one_of", "at_least", "below", "contains", "missing")


def check_project(project: Project) -> None:
    """Raise `UsageError` for the first thing in a project file that cannot be."""
    _check_names(project)
    _check_payloads(project)
    for name, task in project.config.tasks.items():
        _check_task(project, name, task)
    _check_parents(project)
    check_links(project)
    _check_audit(project)
    for name, source in project.config.sources.items():
        _check_source(project, name, source)
    for question in project.config.questions:
        if not project.sources(question):
            name, _, finding = question.partition(".")
            problem = (
                f"no source votes on the finding {finding!r}" if finding else "no source votes on this task"
            )
            project.places.refuse(("tasks", name), problem)
    for name, part in project.config.slices.items():
        _check_slice(project, name, part)
    if project.config.splits.dev + project.config.splits.test >= 1:
        project.places.refuse(("splits",), "dev and test leave no patient to train on")
    data = project.config.data
    if data.format is not None and data.format not in READERS:
        project.places.refuse(("data", "format"), f"no format {data.format!r}", data.format, READERS)
    _check_file(project, ("data", "export"), data.export, folders=True)


def open_export(project: Project, path: str | Path | None = None) -> Reading:
    """Return the reading of the project's export, or of another one laid out alike."""
    from sidelight.labeling import read

    data = project.config.data
    types: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
    return read(
        project.path(data.export) if path is None else path,
        id=data.id,
        text=project.text_column,
        patient_id=data.patient,
        time=data.time,
        format=data.format,
        types={name: types[kind] for name, kind in data.types.items()},
        encoding=data.encoding,
    )


def check_columns(project: Project, path: str | Path | None = None) -> frozenset[str]:
    """Look at the head of the export and refuse columns that it does not have; return those it has."""
    config = project.config
    try:
        batch = next(iter(open_export(project, path)), None)
    except ColumnError as error:
        _blame_column(project, error)
        raise
    if batch is None:
        return frozenset()
    columns = frozenset(batch.records.schema.names)
    asked: list[tuple[tuple[str, ...], str | None]] = [
        (("data", "id"), config.data.id),
        (("data", "patient"), config.data.patient),
        (("data", "time"), config.data.time),
    ]
    asked += [(("payloads", n, "column"), p.column) for n, p in config.payloads.items() if p.kind == "text"]
    asked += [(("payloads", n, "study"), p.study) for n, p in config.payloads.items()]
    asked += [(("sources", n, "column"), s.column) for n, s in config.sources.items() if s.labels is None]
    asked += [(("slices", n, "column"), s.column) for n, s in config.slices.items()]
    asked += [(("monitors", "columns"), name) for name in config.monitors.columns]
    asked += [(("audit", "subclass"), config.audit.subclass)]
    asked += [(("audit", "groups"), name) for name in config.audit.groups]
    asked += [(("audit", "search"), name) for name in config.audit.search]
    for place, column in asked:
        if column is not None and column not in columns:
            project.places.refuse(place, f"the export has no column {column!r}", column, columns)
    return columns


def _blame_column(project: Project, error: ColumnError) -> None:
    """Say which key names the column that a reader did not find."""
    data = project.config.data
    named = {("data", "id"): data.id, ("data", "patient"): data.patient, ("data", "time"): data.time}
    for name, payload in project.config.payloads.items():
        named["payloads", name, "column"] = payload.column  # type: ignore[index]
    for place, column in named.items():
        if column == error.column:
            project.places.refuse(place, error.problem)
    if error.column == "id":
        project.places.refuse(("data",), f"id is missing: {error.problem}")


def _check_names(project: Project) -> None:
    config = project.config
    for section in ("payloads", "tasks", "sources", "slices"):
        for name in getattr(config, section):
            if not _NAME.fullmatch(name):
                project.places.refuse(
                    (section, name), "a name starts with a letter and has letters, digits, _ and - only"
                )


def _check_payloads(project: Project) -> None:
    texts = [name for name, payload in project.config.payloads.items() if payload.kind == "text"]
    if len(texts) > 1:
        project.places.refuse(
            ("payloads", texts[1]),
            f"{texts[0]} is the text already; functions read further columns by their own names",
        )
    for name, payload in project.config.payloads.items():
        if payload.is_target and payload.path is None:
            project.places.refuse(
                ("payloads", name), f"a {payload.kind} needs path = the file or folder that holds it"
            )
        if payload.study is not None and not payload.is_target:
            project.places.refuse(
                ("payloads", name, "study"), f"a {payload.kind} stands in the record itself"
            )
        if payload.path is not None:
            if not payload.is_target:
                project.places.refuse(
                    ("payloads", name, "path"), f"{payload.kind} is read from the export, not from a path"
                )
            if "*" in payload.path:
                _check_pattern(project, name, payload)
                continue
            _check_file(project, ("payloads", name, "path"), payload.path, folders=True)
        if payload.column is not None and payload.kind != "text":
            project.places.refuse(("payloads", name, "column"), "only a text is a column of the export")


def _check_pattern(project: Project, name: str, payload: Payload) -> None:
    """Refuse a path with a star that stands for no file, or for others than NPZ files."""
    found = project.study_paths(payload)
    if not found:
        project.places.refuse(("payloads", name, "path"), f"no file is called {payload.path!r}")
    if len(found) > 1 and any(path.suffix != ".npz" for path in found):
        project.places.refuse(
            ("payloads", name, "path"),
            "several files are NPZ files of signals; of single studies name their folder",
        )


def _check_task(project: Project, name: str, task: Task) -> None:
    place, places, config = ("tasks", name), project.places, project.config
    try:
        LabelSchema(task.classes, name)
    except ValueError as error:
        places.refuse((*place, "classes"), str(error))
    if task.kind == "binary" and len(task.classes) != 2:
        places.refuse((*place, "kind"), f"is binary, but there are {len(task.classes)} classes")
    if task.is_multi_label and task.positive is not None:
        places.refuse((*place, "positive"), "each finding of a multi-label task is positive when present")
    if task.is_multi_label and (strange := [c for c in task.classes if not _NAME.fullmatch(c)]):
        places.refuse(
            (*place, "classes"),
            f"the finding {strange[0]!r} has other characters than letters, digits, _ and -",
        )
    if task.label_model not in MODELS:
        places.refuse(
            (*place, "label_model"), f"no label model {task.label_model!r}", task.label_model, MODELS
        )
    if task.positive is not None and task.positive not in task.classes:
        places.refuse((*place, "positive"), f"no class {task.positive!r}", task.positive, task.classes)
    for known in task.class_balance or {}:
        if known not in task.classes:
            places.refuse((*place, "class_balance", known), f"no class {known!r}", known, task.classes)
    if task.is_multi_label:
        for finding, share in (task.class_balance or {}).items():
            if not 0 < share < 1:
                places.refuse((*place, "class_balance", finding), "a finding's share lies between 0 and 1")
    elif task.class_balance is not None:
        absent = [known for known in task.classes if known not in task.class_balance]
        if (
            absent
            or min(task.class_balance.values()) <= 0
            or abs(sum(task.class_balance.values()) - 1) > 1e-6
        ):
            places.refuse(
                (*place, "class_balance"), "needs a share above 0 for each class, which add up to 1"
            )
    if task.target is not None:
        targets = [key for key, payload in config.payloads.items() if payload.is_target]
        if task.target not in targets:
            places.refuse(
                (*place, "target"), f"no signal or image payload {task.target!r}", task.target, targets
            )
    if task.parent is None and task.when is not None:
        places.refuse((*place, "when"), "needs parent = the task whose class it is")
    if task.parent is not None:
        others = [key for key in config.tasks if key != name]
        if task.parent not in config.tasks:
            places.refuse((*place, "parent"), f"no task {task.parent!r}", task.parent, others)
        if config.tasks[task.parent].is_multi_label:
            places.refuse(
                (*place, "parent"), f"{task.parent} is multi-label; a parent has one class a record"
            )
        classes = config.tasks[task.parent].classes
        if task.when is None:
            places.refuse(place, f"a task with a parent needs when = one of {', '.join(classes)}")
        if task.when not in classes:
            places.refuse((*place, "when"), f"{task.parent} has no class {task.when!r}", task.when, classes)


def _check_parents(project: Project) -> None:
    """Refuse a task that is its own ancestor."""
    tasks = project.config.tasks
    for name in tasks:
        chain = [name]
        while (above := tasks[chain[-1]].parent) is not None:
            if above in chain:
                circle = " -> ".join([*chain[chain.index(above) :], above])
                project.places.refuse(("tasks", chain[-1], "parent"), f"tasks go round in a circle: {circle}")
            chain.append(above)


def _check_source(project: Project, name: str, source: Source) -> None:
    place, places = ("sources", name), project.places
    if source.task not in project.config.tasks:
        places.refuse((*place, "task"), f"no task {source.task!r}", source.task, project.config.tasks)
    task = project.config.tasks[source.task]
    if task.is_multi_label and source.finding not in task.classes:
        where: tuple[str, ...] = (*place, "finding") if source.finding is not None else place
        problem = (
            f"no finding {source.finding!r}"
            if source.finding is not None
            else "needs finding = one of " + ", ".join(task.classes)
        )
        places.refuse(where, problem, source.finding or "", task.classes if source.finding else ())
    if not task.is_multi_label and source.finding is not None:
        places.refuse((*place, "finding"), f'{source.task} has classes, not findings (kind = "multilabel")')
    if source.functions is not None and (source.labels is not None or source.column is not None):
        places.refuse(place, "has functions and labels; make two sources of it")
    if source.functions is None and source.column is None:
        needed = (
            "column = the label's column in that file" if source.labels else "functions, labels or column"
        )
        places.refuse(place, f"needs {needed}")
    if source.functions is not None:
        if source.role == "gold":
            places.refuse((*place, "role"), "functions vote; gold labels come from people (labels or column)")
        _check_file(project, (*place, "functions"), source.functions)
    elif source.select:
        places.refuse((*place, "select"), "chooses functions; this source has none")
    if source.labels is not None:
        _check_file(project, (*place, "labels"), source.labels)
    classes = project.config.questions[source.question].classes
    for value, known in source.map.items():
        if known not in classes:
            places.refuse((*place, "map", value), f"no class {known!r}", known, classes)


def _check_slice(project: Project, name: str, part: Slice) -> None:
    place = ("slices", name)
    given = [key for key in CONDITIONS if getattr(part, key) is not None]
    if (part.functions is None) == (part.column is None):
        project.places.refuse(place, "needs either functions = a file, or column and a condition")
    if part.functions is not None:
        if given:
            project.places.refuse((*place, given[0]), "is a condition on a column; this slice has functions")
        _check_file(project, (*place, "functions"), part.functions)
    elif not given:
        project.places.refuse(place, f"needs a condition: {', '.join(CONDITIONS)}")
    if part.train and all(task.target is None for task in project.config.tasks.values()):
        project.places.refuse((*place, "train"), "no task has a target, so no network is trained")


def _check_audit(project: Project) -> None:
    config, wanted = project.config, project.config.audit
    private = {
        config.data.id: "the records' ids",
        config.data.patient: "the patients",
        project.text_column: "the text",
    }
    given = [("subclass", wanted.subclass), *(("groups", name) for name in wanted.groups)]
    given += [("search", name) for name in wanted.search]
    for key, column in given:
        if column is not None and column in private:
            project.places.refuse(
                ("audit", key), f"{column!r} holds {private[column]}, which no page may show"
            )
    if wanted.subclass_schema is not None:
        if wanted.subclass is None:
            project.places.refuse(
                ("audit", "subclass_schema"), "needs subclass = the column of the subclasses"
            )
        subclass_schema(project)


def subclass_schema(project: Project) -> SubclassSchema:
    """Read the schema of subclasses that `[audit]` names, and refuse one that is not in order."""
    place, given = ("audit", "subclass_schema"), str(project.config.audit.subclass_schema)
    _check_file(project, place, given)
    try:
        return SubclassSchema.read(project.path(given))
    except InputError as error:
        project.places.refuse(place, str(error))


def _check_file(project: Project, place: tuple[str, ...], given: str, *, folders: bool = False) -> None:
    path = project.path(given)
    if path.is_file() or (folders and path.is_dir()):
        return
    around: Iterable[str] = ()
    if path.parent.is_dir():
        start = given[: len(given) - len(Path(given).name)]
        around = [start + entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
        around = [entry for entry in around if folders or Path(entry).suffix == path.suffix]
    project.places.refuse(place, f"there is no file {given!r}", given, around)
