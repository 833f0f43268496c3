"""Finding the functions a file or module defines."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from .faults import FunctionError, InputError, SidelightError, UsageError
from .function import RecordFunction
from .schema import LabelSchema

F = TypeVar("F", bound=RecordFunction)


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
    module = load_module(source)
    found: dict[int, F] = {}
    for value in vars(module).values():
        members = value if isinstance(value, list | tuple) else [value]
        for member in members:
            if isinstance(member, kind):
                found.setdefault(id(member), member)
    if not found:
        raise UsageError(f"{Path(str(source)).name} defines no {kind.__name__}")
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
        trace, line = error.__traceback__, 0
        while trace is not None:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
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
