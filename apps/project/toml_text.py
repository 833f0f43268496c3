"""Writing a configuration as TOML: tables, strings, numbers, lists."""

import json
from collections.abc import Mapping
from typing import Any


def write_toml(values: Mapping[str, Any]) -> str:
    r"""Return nested mappings as TOML text.

    Examples
    --------
    >>> write_toml({"version": 1, "tasks": {"a": {"classes": ["no", "yes"]}}})
    'version = 1\n\n[tasks.a]\nclasses = ["no", "yes"]\n'
    >>> write_toml({"never": [{"a": "no", "b": ["x", "y"]}]})
    'never = [{a = "no", b = ["x", "y"]}]\n'
    """
    return "\n".join(_tables(values, ())).strip() + "\n"


def _tables(values: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {name: value for name, value in values.items() if not isinstance(value, Mapping)}
    lines: list[str] = []
    if path and (plain or not values):
        lines += ["", f"[{'.'.join(map(_key, path))}]"]
    lines += [f"{_key(name)} = {_value(value)}" for name, value in plain.items()]
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += _tables(value, (*path, name))
    return lines


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(name)} = {_value(part)}' for name, part in value.items())}}}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
