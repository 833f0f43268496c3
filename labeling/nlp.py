"""spaCy documents for labeling functions: each note parsed once, in batches, for all functions that ask for it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Unpack

from .declared import DeclaredFunction, Metadata, text_of
from .faults import UsageError
from .function import LabelingFunction, OnError, Vote
from .nlp_matchers import SharedMatchers
from .nlp_phrases import MergedPhrases
from .preprocessor import Preprocessor
from .record import Record


class SpacyPreprocessor(Preprocessor):
    """Adds a spaCy document to a record.

    Parameters
    ----------
    text_field : str, default "text"
        The field that is parsed.
    doc_field : str, default "doc"
        The field the document goes to.
    pre : sequence of Preprocessor, optional
        Steps that come first.
    language : str or spacy.Language, default "en_core_web_sm"
        A pipeline, or the name or folder of one, which is loaded when first needed.
    disable : sequence of str, optional
        Components left out of a pipeline that is loaded by name.
    memoize, memoize_key, gpu
        Accepted for scripts that pass them: a note is parsed once a run in any case, and spaCy is told to use a graphics
        processor by `spacy.prefer_gpu`.
    """

    def __init__(
        self,
        text_field: str = "text",
        doc_field: str = "doc",
        pre: Sequence[Preprocessor] | None = None,
        memoize: bool = True,
        memoize_key: Any = None,
        language: Any = "en_core_web_sm",
        disable: Sequence[str] | None = None,
        gpu: bool = False,
    ) -> None:
        super().__init__(f"spacy:{doc_field}", self._parse, pre)
        self.text_field = text_field
        self.doc_field = doc_field
        self.language = language
        self.disable = tuple(disable or ())
        self.matchers = SharedMatchers()
        self._made: dict[int, tuple[Record, Record]] = {}

    @functools.cached_property
    def nlp(self) -> Any:
        """The pipeline."""
        if not isinstance(self.language, str):
            return self.language
        try:
            import spacy
        except ImportError:
            raise UsageError("spaCy is not installed; install sidelight[text]") from None
        try:
            return spacy.load(self.language, disable=list(self.disable))
        except OSError:
            problem = f"spaCy finds no pipeline called {self.language!r}; install it, or pass one (spacy.blank('en'))"
        raise UsageError(problem)

    def docs(self, texts: Iterable[str]) -> Iterable[Any]:
        """Return the documents of some texts."""
        nlp = self.nlp
        # without components there is only the tokenizer, and the machinery of pipes costs more than it
        return nlp.pipe(texts) if nlp.pipe_names else map(nlp.make_doc, texts)

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return pipeline, version and fields."""
        meta = self.nlp.meta
        what = tuple(str(meta.get(key, "")) for key in ("lang", "name", "version", "spacy_version"))
        return (what, tuple(self.nlp.pipe_names), self.text_field, self.doc_field, self.pre)

    def _parse(self, record: Any) -> Any:
        (doc,) = self.docs([text_of(record, self.text_field, self.name)])
        return record.with_fields(**{self.doc_field: doc})

    def once(self, record: Record) -> Record:
        """Return a record with its document, which the step keeps for as long as functions are likely to ask for it."""
        if id(self) in record.__dict__.get("_done", ()):
            return record
        known = self._made.get(id(record))
        return self._over([record])[0] if known is None else known[1]

    def _over(self, records: Sequence[Record]) -> Sequence[Record]:
        """Parse those of the records together that were not parsed lately."""
        made = {id(record): self._made.get(id(record)) for record in records}
        prepared = missing = [record for record in records if made[id(record)] is None]
        # before new documents are made: memory that was just given back is still in the processor's cache
        while self._made and len(self._made) + len(missing) > _KEPT_DOCUMENTS:
            self._made.pop(next(iter(self._made)), None)
        for step in self.pre:
            prepared = [step.once(record) for record in prepared]
        texts = [text_of(record, self.text_field, self.name) for record in prepared]
        for record, plain, doc in zip(missing, prepared, self.docs(texts), strict=True):
            # the record is kept beside its document, so that its id stays its own
            made[id(record)] = self._made[id(record)] = (record, plain.with_fields(**{self.doc_field: doc}))
        return [entry[1] for record in records if (entry := made[id(record)]) is not None]

    def __reduce__(self) -> tuple[Any, ...]:
        return (_spacy_step, (self.text_field, self.doc_field, self.language, self.disable, self.pre))


class NLPLabelingFunction(LabelingFunction):
    """A labeling function over a spaCy document; made by `nlp_labeling_function`.

    Parameters
    ----------
    name, function and the rest
        As for `LabelingFunction`.
    text_field, doc_field, language, disable
        As for `SpacyPreprocessor`; functions that agree in these share their documents.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any] | None = None,
        resources: Mapping[str, Any] | None = None,
        pre: Sequence[Preprocessor] | None = None,
        text_field: str = "text",
        doc_field: str = "doc",
        language: Any = "en_core_web_sm",
        disable: Sequence[str] | None = None,
        memoize: bool = True,
        memoize_key: Any = None,
        gpu: bool = False,
        **keywords: Any,
    ) -> None:
        step = _spacy_step(text_field, doc_field, language, tuple(disable or ()), tuple(pre or ()))
        super().__init__(name, function, resources=resources, pre=[step], **keywords)
        self._step = step

    def evaluate(
        self, records: Sequence[Record], first_row: int, on_error: OnError
    ) -> tuple[list[Any], Counter[str]]:
        """Return the answers for a batch; phrase matchers that functions bring along search each document once."""
        own = self.function
        self.function = self._step.matchers.bind(self, own)
        try:
            if self.requires:
                self._parse_together(records)
            return super().evaluate(records, first_row, on_error)
        finally:
            self.function = own

    def _parse_together(self, records: Sequence[Record]) -> None:
        """Parse the records that hold a required word in one go; what cannot be parsed is met again, one by one."""
        with suppress(Exception):
            self._step.over([record for record in records if self._holds_required(record)][:_KEPT_DOCUMENTS])


def nlp_labeling_function(
    name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    pre: Sequence[Preprocessor] | None = None,
    text_field: str = "text",
    doc_field: str = "doc",
    language: Any = "en_core_web_sm",
    disable: Sequence[str] | None = None,
    memoize: bool = True,
    memoize_key: Any = None,
    gpu: bool = False,
    **keywords: Any,
) -> Callable[[Callable[..., Any]], NLPLabelingFunction]:
    """Make a labeling function of a plain one that reads a spaCy document, `record.doc`.

    Parameters
    ----------
    name : str, optional
        The function's own name when not given.
    resources, pre
        As for `LabelingFunction`.
    text_field, doc_field, language, disable, memoize, memoize_key, gpu
        As for `SpacyPreprocessor`; functions that agree in these share their documents.
    **keywords
        Everything else that `LabelingFunction` takes.

    Examples
    --------
    >>> class Words:  # stands for spacy.blank("en")
    ...     pipe_names = ()
    ...     make_doc = staticmethod(str.split)
    >>> @nlp_labeling_function(language=Words())
    ... def is_long(record):
    ...     return 1 if len(record.doc) > 3 else None
    >>> is_long("No effusion is seen."), is_long("Clear.")
    (1, None)
    """
    if callable(name):
        raise UsageError("nlp_labeling_function takes its options by keyword: @nlp_labeling_function()")

    def decorate(plain: Callable[..., Any]) -> NLPLabelingFunction:
        return NLPLabelingFunction(
            name or str(getattr(plain, "__name__", "function")), plain, resources, pre, text_field, doc_field, language,
            disable, memoize, memoize_key, gpu, **keywords,
        )  # fmt: skip

    return decorate


class MatcherFunction(DeclaredFunction):
    """Votes for one class where spaCy finds a phrase; made by `matcher_lf`.

    All such functions over one pipeline are searched for together; where words are compared as they stand or in lower
    case and no component of the pipeline changes its tokens, without making documents (`PieceTable`).
    """

    cost = 5.0

    def __init__(
        self,
        name: str,
        phrases: Iterable[str],
        vote: str | int,
        *,
        language: Any,
        attr: str = "LOWER",
        field: str = "text",
        **metadata: Unpack[Metadata],
    ) -> None:
        if isinstance(phrases, str):
            raise UsageError(f"function {name!r}: phrases is one string; give a list of them")
        self.phrases = tuple(dict.fromkeys(phrases))
        if not self.phrases:
            raise UsageError(f"function {name!r}: phrases is empty")
        self.vote = vote
        self.attr = attr
        self.field = field
        self.step = _spacy_step(field, "doc", language, (), ())
        content = {"phrases": self.phrases, "vote": vote, "language": language, "attr": attr, "field": field}
        super().__init__(name, content, polarity=(vote,), **metadata)
        self._merged = _merged_matcher(self.step, attr)
        self._merged.add(self)

    def describe(self) -> str:
        """Say what is looked for."""
        return f"Vote {self.vote!r} where spaCy finds {self.phrases[0]!r} or another of {len(self.phrases)} phrases."

    @property
    def fields(self) -> tuple[str, ...]:
        """The field that is parsed."""
        return (self.field,)

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return phrases, vote and pipeline."""
        return (type(self).__name__, self.phrases, self.vote, self.attr, self.step)

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote with the phrases that earned it."""
        text = text_of(record, self.field, self.name)
        (doc,) = self.step.docs([text])
        spans = self._merged.spans(doc).get(id(self), [])
        return Vote(self.vote, tuple(spans) if self.field == "text" else ()) if spans else None

    def evaluate(
        self, records: Sequence[Record], first_row: int, on_error: OnError
    ) -> tuple[list[Any], Counter[str]]:
        """Return the answers for a batch that is searched once for all matcher functions of the pipeline."""
        found = self._merged.rows(records, self.field)
        if found is None:
            return super().evaluate(records, first_row, on_error)
        answers: list[Any] = [None] * len(records)
        for row in found.get(id(self), ()):
            answers[row] = self.vote
        return answers, Counter()


def matcher_lf(
    name: str,
    phrases: Iterable[str],
    vote: str | int,
    *,
    language: Any,
    attr: str = "LOWER",
    field: str = "text",
    **metadata: Unpack[Metadata],
) -> MatcherFunction:
    """Return a function that votes where spaCy's phrase matcher finds something; all such functions run as one.

    Parameters
    ----------
    name : str
        The function's name.
    phrases : iterable of str
        What is looked for, token by token.
    vote : str or int
        The class voted for.
    language : str or spacy.Language
        As for `SpacyPreprocessor`.
    attr : str, default "LOWER"
        The token attribute that is compared: "LOWER", "ORTH", "LEMMA".
    field : str, default "text"
        The record's field.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.
    """
    return MatcherFunction(name, phrases, vote, language=language, attr=attr, field=field, **metadata)


_KEPT_DOCUMENTS = 64
"""Documents a step keeps: functions run one after the other over a few notes at a time, some of them over part of these."""
_steps: dict[tuple[Any, ...], SpacyPreprocessor] = {}
_merged: dict[tuple[int, str], MergedPhrases] = {}


def _spacy_step(
    text_field: str, doc_field: str, language: Any, disable: tuple[str, ...], pre: tuple[Preprocessor, ...]
) -> SpacyPreprocessor:
    """Return the one step for equal arguments, so that functions share their documents."""
    key = (
        text_field,
        doc_field,
        language if isinstance(language, str) else id(language),
        disable,
        tuple(map(id, pre)),
    )
    if key not in _steps:
        _steps[key] = SpacyPreprocessor(text_field, doc_field, pre, language=language, disable=disable)
    return _steps[key]


def _merged_matcher(step: SpacyPreprocessor, attr: str) -> MergedPhrases:
    return _merged.setdefault((id(step), attr), MergedPhrases(step, attr))
