"""Who labels, and what they may do: the login decides, never a name that is typed in."""

import getpass
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sidelight.labeling import InputError, UsageError

ROLES = ("annotator", "adjudicator", "developer")
LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in.

    Parameters
    ----------
    name : str
        What the events carry.
    roles : frozenset of str
        Some of `ROLES`.
    """

    name: str
    roles: frozenset[str]

    def may(self, role: str) -> bool:
        """Return whether the person has a role."""
        return role in self.roles


@dataclass(frozen=True)
class Roles:
    """Who has which role.

    Parameters
    ----------
    members : mapping of role to names, or None
        None where no file says it: then whoever works at the machine itself may do everything, and everybody else may
        annotate.
    """

    members: Mapping[str, frozenset[str]] | None = None

    @classmethod
    def read(cls, path: str | Path) -> "Roles":
        """Read a TOML file with one list of names a role.

        Raises
        ------
        InputError
            When it cannot be read.
        UsageError
            When it names an unknown role or holds no list of names.
        """
        problem, data = "", {}
        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            problem = "is no TOML file"
        if problem:
            raise InputError(path, problem)
        members = {}
        for role, names in data.items():
            if role not in ROLES:
                raise UsageError(f"{Path(path).name}: no role {role!r}; there are {', '.join(ROLES)}")
            if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
                raise UsageError(f"{Path(path).name}: {role} is a list of names")
            members[role] = frozenset(names)
        return cls(members)

    def of(self, name: str, *, local: bool) -> Person:
        """Return the person of a name; `local` when the operating system vouches for it on this machine."""
        if self.members is None:
            return Person(name, frozenset(ROLES if local else ("annotator",)))
        return Person(name, frozenset(role for role, names in self.members.items() if name in names))


@dataclass(frozen=True, slots=True)
class Login:
    """How people are known.

    Parameters
    ----------
    kind : {"os", "header", "oidc"}
        The account that runs the server; a header that a trusted proxy sets; OpenID Connect.
    header : str, default ""
        Name of that header.
    """

    kind: str = "os"
    header: str = ""

    @classmethod
    def parse(cls, text: str, address: str) -> "Login":
        """Return the login that `os`, `oidc` or `header:NAME` stands for, where it is safe at this address."""
        kind, _, header = text.partition(":")
        if kind not in ("os", "header", "oidc") or (kind == "header") != bool(header):
            raise UsageError("--login is os, oidc or header:NAME")
        if kind == "os" and address not in LOCAL:
            raise UsageError(
                "--login os knows only who started the server; for others use oidc, or a proxy and header:NAME"
            )
        if kind == "header" and address not in LOCAL:
            raise UsageError(
                "--login header trusts whoever can reach the port: bind to 127.0.0.1, behind the proxy"
            )
        return cls(kind, header)


def operating_system_user() -> str:
    """Return the account that runs the server."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "local"
