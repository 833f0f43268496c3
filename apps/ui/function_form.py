"""A labeling function as the fields of a form: built to be run, or written as code with the examples that test it."""

import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelight.labeling import LabelingFunction, UsageError, finding_lf, keyword_lf, regex_lf, write_file

KINDS = ("keywords", "regular expression", "finding in context")
STATUSES = ("negated", "uncertain", "historical", "hypothetical")
LANGUAGES = ("en", "de", "sv")


@dataclass(frozen=True)
class FunctionForm:
    """What the workbench's form holds.

    Parameters
    ----------
    name : str
        Of the function; a Python name.
    kind : str
        One of `KINDS`.
    words : str
        Keywords or phrases, one a line; or one regular expression.
    vote : str
        The class.
    unless : str, default ""
        Words, one a line, or an expression, whose presence makes the function abstain.
    whole_words : bool, default True
        For keywords: find "normal" in "is normal." but not in "abnormal".
    not_when : tuple of str, default ()
        Some of `STATUSES`: a place the note puts so does not count.
    language : str, default "en"
        Whose rules tell denial, doubt and history.
    when_denied, when_doubted : str, default ""
        Of a finding: the class where the note denies it, or is not sure; it abstains there without.
    """

    name: str
    kind: str
    words: str
    vote: str
    unless: str = ""
    whole_words: bool = True
    not_when: tuple[str, ...] = ()
    language: str = "en"
    when_denied: str = ""
    when_doubted: str = ""

    def build(self) -> LabelingFunction:
        """Return the function.

        Raises
        ------
        UsageError
            When the name is no Python name, nothing is searched for, or an expression cannot be read.
        """
        if not self.name.isidentifier() or keyword.iskeyword(self.name):
            raise UsageError("the name of a function is a Python name, such as says_effusion")
        if not self.words.strip():
            raise UsageError("give a word, a phrase or an expression to look for")
        if self.kind == "keywords":
            return keyword_lf(
                self.name,
                lines(self.words),
                self.vote,
                unless=lines(self.unless),
                whole_words=self.whole_words,
                **self._context(),
            )
        if self.kind == KINDS[2]:
            return finding_lf(
                self.name,
                lines(self.words),
                affirmed=self.vote,
                negated=self.when_denied or None,
                uncertain=self.when_doubted or None,
                unless=lines(self.unless),
                language=self._known_language(),
            )
        unless = self.unless.strip() or None
        return regex_lf(self.name, self.words.strip(), self.vote, unless=unless, **self._context())

    def _context(self) -> dict[str, Any]:
        """Return the arguments that say how the note must put it; none where that does not matter."""
        if any(status not in STATUSES for status in self.not_when):
            raise UsageError(f"statuses are {', '.join(STATUSES)}")
        self._known_language()
        if not self.not_when:
            return {}
        return {**dict.fromkeys(self.not_when, False), "language": self.language}

    def _known_language(self) -> str:
        if self.language not in LANGUAGES:
            raise UsageError(f"languages are {', '.join(LANGUAGES)}")
        return self.language

    def to_code(self) -> str:
        """Return the statement that makes this function."""
        if self.kind == "keywords":
            given = [repr(self.name), _list(lines(self.words)), repr(self.vote)]
            if lines(self.unless):
                given.append(f"unless={_list(lines(self.unless))}")
            if not self.whole_words:
                given.append("whole_words=False")
            given += [f"{name}={value!r}" for name, value in self._context().items()]
            return f"{self.name} = keyword_lf({', '.join(given)})\n"
        if self.kind == KINDS[2]:
            given = [repr(self.name), _list(lines(self.words)), f"affirmed={self.vote!r}"]
            for name, vote in (("negated", self.when_denied), ("uncertain", self.when_doubted)):
                given += [f"{name}={vote!r}"] if vote else []
            if lines(self.unless):
                given.append(f"unless={_list(lines(self.unless))}")
            return f"{self.name} = finding_lf({', '.join(given)}, language={self.language!r})\n"
        given = [repr(self.name), repr(self.words.strip()), repr(self.vote)]
        if self.unless.strip():
            given.append(f"unless={self.unless.strip()!r}")
        given += [f"{name}={value!r}" for name, value in self._context().items()]
        return f"{self.name} = regex_lf({', '.join(given)})\n"

    def test_code(self, module: str, hits: str, misses: str) -> str:
        """Return a test of the examples somebody typed: one a line, those to vote on and those to abstain on."""
        cases = [(line, self.vote) for line in lines(hits)] + [(line, None) for line in lines(misses)]
        rows = "".join(f"        ({text!r}, {vote!r}),\n" for text, vote in cases)
        return (
            f'\n\n@pytest.mark.parametrize(\n    ("text", "vote"),\n    [\n{rows}    ],\n)\n'
            f'def test_{self.name}(text, vote):\n    assert {module}.{self.name}({{"text": text}}) == vote\n'
        )


def save_code(form: FunctionForm, path: Path, classes: tuple[str, ...], hits: str, misses: str) -> list[Path]:
    """Add a function to a functions file, and its examples to the test file beside it; return the files written.

    Raises
    ------
    UsageError
        When the file defines that name already.
    """
    form.build()
    maker = dict(zip(KINDS, ("keyword_lf", "regex_lf", "finding_lf"), strict=True))[form.kind]
    older = path.read_text(encoding="utf-8") if path.exists() else ""
    if re.search(rf"^(?:def |async def |class )?{form.name}\b", older, re.MULTILINE):
        raise UsageError(f"{path.name} defines {form.name} already; choose another name")
    if not older:
        older = (
            '"""Labeling functions, written in the workbench."""\n\n'
            "from sidelight.labeling import LabelSchema, finding_lf, keyword_lf, regex_lf\n\n"
            f"schema = LabelSchema(classes={tuple(classes)!r})\n"
        )
    imported = re.search(
        rf"^from sidelight\.labeling import (?:\([^)]*|[^\n]*)\b{maker}\b", older, re.MULTILINE
    )
    needed = "" if imported else f"from sidelight.labeling import {maker}  # noqa: E402\n\n"
    write_file(path, f"{older.rstrip()}\n\n{needed}{form.to_code()}")
    written = [path]
    if lines(hits) or lines(misses):
        tests = path.with_name(f"test_{path.name}")
        before = (
            tests.read_text(encoding="utf-8") if tests.exists() else f"import pytest\n\nimport {path.stem}\n"
        )
        write_file(tests, before.rstrip("\n") + "\n" + form.test_code(path.stem, hits, misses))
        written.append(tests)
    return written


def lines(text: str) -> list[str]:
    """Return the lines of a text box that hold something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _list(words: list[str]) -> str:
    return "[" + ", ".join(map(repr, words)) + "]"
