"""spaCy phrase matchers that functions bring along, searched together: each document is walked once for all of them."""

import importlib
import types
import weakref
from collections.abc import Callable
from typing import Any

_Found = dict[int, list[tuple[int, int, int]]]
_Known = dict[int, tuple[Any, int, _Found]]
"""Documents by their `id`, with their length when they were searched and what each matcher found."""
_MOST_PHRASES = 2_000
"""Matchers of more phrases than this are left alone."""
_MOST_DOCUMENTS = 128
"""Documents whose matches are kept: functions run one after the other over a batch that is smaller."""
_TEXT_ATTRIBUTES = (65, 66)
"""ORTH and LOWER: what no function can change about a token."""


class SharedMatchers:
    """The phrase matchers of all functions over one pipeline.

    A function's matchers are those among its defaults and closure. The function is given stand-ins, which answer for a
    whole document from one walk that all of them share, and hand everything else to the matcher they stand for.
    """

    def __init__(self) -> None:
        self._functions: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._merged: dict[int, tuple[Any, dict[int, tuple[int, int]]]] = {}
        self._n_members = -1

    def bind(self, owner: Any, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` with stand-ins for its matchers, or itself where there is none to replace."""
        if not isinstance(function, types.FunctionType):
            return function
        cells = function.__closure__ or ()
        values = [*(function.__defaults__ or ()), *(_content(cell) for cell in cells)]
        state = [(id(value), _phrases(value)) for value in values]
        known = self._functions.get(owner)
        if known is None or known[0] != state:
            made = self._bound(function, state)
            known = (state, *made)
            self._functions[owner] = known
            self._n_members = -1
        return known[1]

    def _bound(
        self, function: types.FunctionType, state: list[tuple[int, Any]]
    ) -> tuple[Callable[..., Any], list["_StandIn"]]:
        made: list[_StandIn] = []
        phrases = iter([entry[1] for entry in state])

        def stand_in(value: Any) -> Any:
            found = next(phrases)
            if found is None:
                return value
            made.append(_StandIn(self, value, found))
            return made[-1]

        defaults = tuple(stand_in(value) for value in function.__defaults__ or ())
        cells = []
        for cell in function.__closure__ or ():
            value = _content(cell)
            replaced = stand_in(value)
            cells.append(cell if replaced is value else types.CellType(replaced))
        if not made:
            return function, made
        bound = types.FunctionType(
            function.__code__, function.__globals__, function.__name__, defaults, tuple(cells) or None
        )
        bound.__kwdefaults__ = function.__kwdefaults__
        return bound, made

    def find(self, stand_in: "_StandIn", doc: Any) -> list[tuple[int, int, int]]:
        """Return what one matcher finds in a document."""
        if self._n_members < 0:
            self._compile()
        if len(stand_in.known) >= _MOST_DOCUMENTS:
            stand_in.known.clear()
        matcher, owners = self._merged[stand_in.group]
        found: _Found = {}
        for merged, start, end in matcher(doc):
            owner, own = owners[merged]
            found.setdefault(owner, []).append((own, start, end))
        stand_in.known[id(doc)] = (doc, len(doc), found)
        return list(found.get(id(stand_in), ()))

    def _compile(self) -> None:
        """Build one matcher for each vocabulary and attribute."""
        matcher_class = importlib.import_module("spacy.matcher").PhraseMatcher
        self._merged = {}
        known: dict[int, _Known] = {}
        members = [one for known in self._functions.values() for one in known[2]]
        for one in members:
            one.known = known.setdefault(one.group, {})
            vocab, attr, phrases = one.phrases
            matcher, owners = self._merged.setdefault(one.group, (matcher_class(vocab, attr=attr), {}))
            for key, sequences in phrases.items():
                name = f"sidelight-{id(one)}-{key}"
                matcher.add(name, list(sequences))
                owners[vocab.strings[name]] = (id(one), vocab.strings[key])
        self._n_members = len(members)


class _StandIn:
    """Answers for a phrase matcher."""

    def __init__(
        self, shared: SharedMatchers, matcher: Any, phrases: tuple[Any, int, dict[str, Any]]
    ) -> None:
        self._shared, self._matcher = shared, matcher
        self.phrases = phrases
        self.group = hash((id(phrases[0]), phrases[1]))
        self._doc_class = importlib.import_module("spacy.tokens").Doc
        self._intact = True
        self._number = id(self)
        self.known: _Known = {}

    def __call__(self, doclike: Any, *, as_spans: bool = False) -> Any:
        if as_spans or not self._intact:
            return self._matcher(doclike, as_spans=as_spans)
        known = self.known.get(id(doclike))
        if known is not None and known[1] == len(
            doclike
        ):  # another length: somebody merged or split its tokens
            found = known[2].get(self._number)
            return found.copy() if found is not None else []
        if type(doclike) is not self._doc_class or doclike.vocab is not self.phrases[0]:
            return self._matcher(doclike)
        return self._shared.find(self, doclike)

    def __getattr__(self, name: str) -> Any:
        self._intact = self._intact and name not in ("add", "remove")
        return getattr(self._matcher, name)

    def __len__(self) -> int:
        return len(self._matcher)

    def __contains__(self, key: str) -> bool:
        return key in self._matcher

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._matcher)


def _phrases(value: Any) -> tuple[Any, int, dict[str, Any]] | None:
    """Return a phrase matcher's vocabulary, attribute and phrases; None for what cannot be merged."""
    if type(value).__name__ != "PhraseMatcher" or type(value).__module__ != "spacy.matcher.phrasematcher":
        return None
    try:
        vocab, phrases, callbacks, attr = value.__reduce__()[1]
        sequences = [sequence for own in phrases.values() for sequence in own]
    except (AttributeError, IndexError, TypeError, ValueError):
        return None
    mergeable = 0 < len(sequences) == len(set(sequences)) <= _MOST_PHRASES
    if (
        not mergeable
        or attr not in _TEXT_ATTRIBUTES
        or any(callback is not None for callback in callbacks.values())
    ):
        return None
    return vocab, attr, {key: frozenset(own) for key, own in phrases.items()}


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
