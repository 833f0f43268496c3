"""Finding the functions a file or module defines."""

import fnmatch
import importlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from .faults import FunctionError, InputError, SidelightError, UsageError
from .function import LabelingFunction, RecordFunction
from .schema import LabelSchema

F = TypeVar("F", bound=RecordFunction)
PACKS = "sidelight.functions"
"""The entry point group under which installed packages offer labeling functions."""


def discover(
    source: str | Path, *, names: str | Iterable[str] = "*", tags: str | Iterable[str] = ()
) -> list[LabelingFunction]:
    """Return the labeling functions of a file, a module or an installed pack, selected by name and tag.

    Parameters
    ----------
    source : path-like or str
        ``"lfs.py"``, ``"package.lfs"``, or ``"pack:NAME"`` for what an installed package offers as entry point `NAME`
        of the group ``sidelight.functions`` (a module, or a list of functions).
    names : str or iterable of str, default "*"
        Names or patterns such as ``"says_*"``; a function that matches any of them is taken.
    tags : str or iterable of str, optional
        Only functions that carry one of these tags.

    Raises
    ------
    UsageError
        When nothing is left.
    """
    found = (
        _pack(str(source)[5:])
        if str(source).startswith("pack:")
        else load_functions(source, LabelingFunction)
    )
    globs = [names] if isinstance(names, str) else list(names)
    wanted = {tags} if isinstance(tags, str) else set(tags)
    taken = [
        function
        for function in found
        if any(fnmatch.fnmatchcase(function.name, glob) for glob in globs)
        and (not wanted or wanted & set(function.tags))
    ]
    if not taken:
        raise UsageError(
            f"none of the {len(found)} functions of {Path(str(source)).name} is called {' or '.join(globs)}"
            + (f" and tagged {' or '.join(sorted(wanted))}" if wanted else "")
        )
    return taken


def packs() -> list[str]:
    """Return the names of the function packs that installed packages offer, for ``discover("pack:NAME")``."""
    return sorted({entry.name for entry in importlib.metadata.entry_points(group=PACKS)})


def _pack(name: str) -> list[LabelingFunction]:
    for entry in importlib.metadata.entry_points(group=PACKS):
        if entry.name == name:
            offered = entry.load()
            members = vars(offered).values() if isinstance(offered, ModuleType) else offered
            return _members(members, LabelingFunction)
    raise UsageError(
        f"no installed package offers functions called {name!r}; there are {', '.join(packs()) or 'none'}"
    )


def load_functions(source: str | Path, kind: type[F]) -> list[F]:
    """Return the functions of one kind that a file (`lfs.py`) or module (`package.lfs`) defines, in file order.

    Loading runs the file's code with the rights of whoever runs it.

    Parameters
    ----------
    source : path-like or str
        A Python file, or the dotted name of an importable module.
    kind : type
        `LabelingFunction`, or another kind of `RecordFunction`.

    Raises
    ------
    InputError
        When the file is missing or its code raises.
    UsageError
        When it defines no such function.
    """
    found = _members(vars(load_module(source)).values(), kind)
    if not found:
        raise UsageError(f"{Path(str(source)).name} defines no {kind.__name__}")
    return found


def _members(values: Iterable[object], kind: type[F]) -> list[F]:
    """Return the functions among some values and the lists among them, each once, in order."""
    found: dict[int, F] = {}
    for value in values:
        for member in value if isinstance(value, list | tuple) else [value]:
            if isinstance(member, kind):
                found.setdefault(id(member), member)
    return list(found.values())


def load_schema(source: str | Path) -> LabelSchema | None:
    """Return the schema a functions file defines under any name, None when it defines none or several."""
    schemas = {value for value in vars(load_module(source)).values() if isinstance(value, LabelSchema)}
    return schemas.pop() if len(schemas) == 1 else None


def load_module(source: str | Path) -> ModuleType:
    """Import a file or module of the user's; a second call returns what the first one loaded."""
    path = Path(source)
    if path.suffix != ".py":
        return _imported(str(source))
    if not path.is_file():
        raise InputError(path, "does not exist")
    name = f"sidelight_functions_{path.stem}_{abs(hash(str(path.resolve()))):x}"
    known = sys.modules.get(name)
    if known is not None and getattr(known, "_sidelight_mtime", None) == path.stat().st_mtime_ns:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(path, "is no Python file")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["_sidelight_mtime"] = path.stat().st_mtime_ns
    sys.modules[name] = module
    fault = ""
    try:
        spec.loader.exec_module(module)
    except (SidelightError, FunctionError) as error:
        fault = str(error)
    except SyntaxError as error:
        fault = f"line {error.lineno}: {error.msg}"
    except Exception as error:
        trace, line, own = error.__traceback__, 0, {str(path), os.path.abspath(path)}
        while trace is not None:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename in own else line
            trace = trace.tb_next
        said = f": {error}" if isinstance(error, ImportError | NameError | AttributeError) else ""
        fault = f"line {line}: {type(error).__name__}{said}"  # other messages may quote what the file read
    if fault:
        del sys.modules[name]
        raise InputError(path, fault)
    return module


def _imported(name: str) -> ModuleType:
    fault = ""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        fault = str(error)
    raise UsageError(f"no module or .py file called {name!r} ({fault})")
