"""Fingerprints of what a function does: its syntax tree and all it reaches, not its comments or layout."""

import ast
import dataclasses
import datetime
import dis
import enum
import functools
import hashlib
import inspect
import re
import sys
import sysconfig
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .faults import UsageError

FORMAT = "sidelight-fingerprint-1"


class OpaqueError(UsageError):
    """Something a function uses cannot be fingerprinted; declaring `version=` takes its place."""


def fingerprint(*parts: object) -> str:
    """Return the hash of what `parts` do: 32 hexadecimal digits.

    Functions count by their syntax tree (no comments, docstrings, annotations or decorators), with default
    arguments, closures and the globals they name, followed through helpers. Library objects count by name and version.

    Raises
    ------
    OpaqueError
        When an object is met whose content cannot be known, such as a loaded model.

    Examples
    --------
    >>> def positive(record):
    ...     return 1
    >>> def same(record):  # a comment changes nothing
    ...     return 1
    >>> fingerprint(re.compile("a")) == fingerprint(re.compile("a")) != fingerprint(re.compile("b"))
    True
    """
    text = _describe(parts, ())
    return hashlib.sha256(f"{FORMAT}\n{text}".encode()).hexdigest()[:32]


def _describe(thing: Any, above: tuple[int, ...]) -> str:
    """Return text that is equal for things that do the same; `above` holds what is being described."""
    if thing is None or isinstance(thing, bool | int | float | complex | str | bytes | type(...)):
        return _describe_enum(thing) if isinstance(thing, enum.Enum) else f"{type(thing).__name__}:{thing!r}"
    if id(thing) in above:
        return f"loop:{len(above) - above.index(id(thing))}"
    inside = (*above, id(thing))
    parts = getattr(thing, "fingerprint_parts", None)
    if parts is not None and not isinstance(thing, type):
        return f"{type(thing).__name__}({_describe(parts(), inside)})"
    if isinstance(thing, list | tuple):
        return f"{type(thing).__name__}[{','.join(_describe(item, inside) for item in thing)}]"
    if isinstance(thing, set | frozenset):
        return f"set[{','.join(sorted(_describe(item, inside) for item in thing))}]"
    if isinstance(thing, Mapping):
        items = sorted(f"{_describe(key, inside)}={_describe(value, inside)}" for key, value in thing.items())
        return f"mapping[{','.join(items)}]"
    for kinds, describe in _DESCRIBERS:
        if isinstance(thing, kinds):
            return str(describe(thing, inside))
    if dataclasses.is_dataclass(thing):
        fields = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
        return f"{_describe(type(thing), inside)}({_describe(fields, inside)})"
    raise OpaqueError(
        f"a {type(thing).__module__}.{type(thing).__qualname__} object cannot be fingerprinted; "
        "declare version=... on the function that uses it"
    )


def _describe_enum(thing: Any) -> str:
    return f"enum:{type(thing).__qualname__}.{thing.name}={thing.value!r}"


def _describe_pattern(thing: "re.Pattern[Any]", inside: tuple[int, ...]) -> str:
    return f"pattern:{thing.pattern!r}:{thing.flags}"


def _describe_array(thing: Any, inside: tuple[int, ...]) -> str:
    array = np.ascontiguousarray(thing)
    if array.dtype.hasobject:
        return _describe(array.tolist(), inside)
    return f"array:{array.dtype}:{array.shape}:{hashlib.sha256(array.tobytes()).hexdigest()}"


def _describe_plain(thing: object, inside: tuple[int, ...]) -> str:
    return f"{type(thing).__name__}:{thing!s}"


def _describe_partial(thing: "functools.partial[Any]", inside: tuple[int, ...]) -> str:
    return f"partial({_describe(thing.func, inside)},{_describe(thing.args, inside)},{_describe(thing.keywords, inside)})"


def _describe_method(thing: types.MethodType, inside: tuple[int, ...]) -> str:
    return f"method({_describe(thing.__func__, inside)},{_describe(thing.__self__, inside)})"


def _describe_named(thing: Any, inside: tuple[int, ...]) -> str:
    """Describe a module or a built-in by name and version."""
    name = (
        thing.__name__ if isinstance(thing, types.ModuleType) else f"{thing.__module__}.{thing.__qualname__}"
    )
    root = sys.modules.get(str(name).partition(".")[0])
    return f"{name}=={getattr(root, '__version__', '')}"


def _describe_module(thing: types.ModuleType, inside: tuple[int, ...]) -> str:
    """Describe a module of the user's by its source and the modules it uses, a library's by name and version."""
    file = getattr(thing, "__file__", None)
    if file is None or _is_library_file(thing.__name__, file):
        return _describe_named(thing, inside)
    used = [
        value
        for name, value in sorted(vars(thing).items())
        if isinstance(value, types.ModuleType)
        or getattr(value, "__module__", thing.__name__) != thing.__name__
    ]
    followed = [value for value in used if isinstance(value, types.ModuleType | types.FunctionType | type)]
    try:
        return f"module:{_trees(inspect.getsource(thing))[None]}:{_describe(followed, inside)}"
    except (OSError, SyntaxError):
        return _describe_named(thing, inside)


def _describe_class(thing: type, inside: tuple[int, ...]) -> str:
    """Describe a class of the user's by its source, a library's by name and version."""
    if _is_library(thing):
        return _describe_named(thing, inside)
    if issubclass(thing, enum.Enum):
        return f"{thing.__qualname__}[{','.join(_describe_enum(member) for member in thing)}]"
    plain = {
        name: getattr(value, "__func__", getattr(value, "fget", value)) for name, value in vars(thing).items()
    }
    members = {name: value for name, value in plain.items() if isinstance(value, types.FunctionType)}
    above = [base for base in thing.__bases__ if base is not object]
    try:
        lines, before = inspect.findsource(thing)
        own = _trees("".join(lines))[before + 1, thing.__name__]
    except (OSError, TypeError, SyntaxError, KeyError):
        own = thing.__qualname__
    return f"class:{own}[{_describe((members, above), inside)}]"


def _describe_function(thing: types.FunctionType, inside: tuple[int, ...]) -> str:
    """Describe a function by its tree, its defaults and all it reaches; a library's by name and version."""
    if _is_library(thing):
        return _describe_named(thing, inside)
    reached: dict[str, Any] = {}
    for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
        try:
            reached[name] = cell.cell_contents
        except ValueError:  # a closure that is not filled yet, as in a function that names itself
            continue
    for name in sorted(_names(thing.__code__)):
        if name in thing.__globals__:
            reached[name] = thing.__globals__[name]
    parts = (thing.__defaults__, thing.__kwdefaults__, reached)
    return f"function:{_body(thing)}:{_describe(parts, inside)}"


def _body(function: types.FunctionType) -> str:
    """Return a function's normalised tree, or its byte code where the source is not to be had."""
    code = function.__code__  # not the function: that would lead through decorators to what they wrap
    try:
        trees = _trees("".join(inspect.findsource(code)[0]))
        if code.co_name == "<lambda>":
            *_, place = code.co_positions()  # of the return, which covers the whole body
            return trees[place]
        return trees[code.co_firstlineno, code.co_name]
    except (OSError, TypeError, SyntaxError, KeyError):
        return _describe_code(code)


def _describe_code(code: types.CodeType) -> str:
    constants = [_describe_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return f"code:{code.co_code.hex()}:{constants}:{code.co_names}:{code.co_varnames}"


def _names(code: types.CodeType) -> set[str]:
    """Return the global names a code object looks up, those of functions inside it included."""
    steps = {"LOAD_GLOBAL", "LOAD_NAME"}
    names = {str(step.argval) for step in dis.get_instructions(code) if step.opname in steps}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


class _Normaliser(ast.NodeTransformer):
    """Drops what changes no vote: docstrings, annotations, decorators and the function's own name."""

    def _visit_definition(self, node: Any) -> Any:
        self.generic_visit(node)
        if not node.body:
            return node
        if hasattr(node, "decorator_list"):
            node.decorator_list = []
        first = node.body[0]
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            node.body = node.body[1:] or [ast.Pass()]
        if hasattr(node, "returns"):
            node.returns = None
        return node

    visit_Module = visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _visit_definition  # noqa: N815

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node


@functools.lru_cache(maxsize=64)
def _trees(source: str) -> dict[Any, str]:
    """Return the trees of all definitions of a file, free of layout and names that do not matter, by their place.

    Functions and classes stand under first line and name, lambdas under the place of their body (several may share
    a line), the module itself under None.
    """
    tree = ast.parse(source)
    places: list[tuple[Any, ast.AST]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min(line.lineno for line in (node, *node.decorator_list))
            places.append(((first, node.name), node))
        elif isinstance(node, ast.Lambda):
            body = node.body
            places.append(((body.lineno, body.end_lineno, body.col_offset, body.end_col_offset), node))
    tree = _Normaliser().visit(tree)
    found: dict[Any, str] = {None: ast.dump(tree, annotate_fields=False)}
    for place, node in places:
        name = getattr(node, "name", None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.name = "_"
        found[place] = ast.dump(node, annotate_fields=False)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.name = str(name)
    return found


def _is_library(thing: Any) -> bool:
    """Whether a class or function comes from the standard library or an installed package."""
    module = sys.modules.get(getattr(thing, "__module__", "") or "")
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return getattr(thing, "__module__", "") in sys.builtin_module_names
    return _is_library_file(str(thing.__module__), file)


def _is_library_file(module: str, file: str) -> bool:
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names or root == "sidelight":
        return True
    installed = {sysconfig.get_paths()[name] for name in ("purelib", "platlib")}
    return any(Path(file).is_relative_to(folder) for folder in installed)


_DESCRIBERS: tuple[tuple[Any, Any], ...] = (
    (re.Pattern, _describe_pattern),
    ((np.ndarray, np.generic), _describe_array),
    ((datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, Path), _describe_plain),
    (enum.Enum, lambda thing, inside: _describe_enum(thing)),
    (functools.partial, _describe_partial),
    (types.FunctionType, _describe_function),
    (types.MethodType, _describe_method),
    (types.ModuleType, _describe_module),
    ((types.BuiltinFunctionType, types.BuiltinMethodType), _describe_named),
    (type, _describe_class),
)
