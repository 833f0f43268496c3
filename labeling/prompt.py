"""Labeling functions that ask a language model on this machine; off unless the run says so."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import urlsplit

from .declared import DeclaredFunction, Metadata, text_of
from .faults import UsageError
from .folder import write_file
from .function import Vote
from .record import Record

_allowed = [False]


@contextmanager
def allow_prompts() -> Iterator[None]:
    """Let prompt functions send records to their model within this block; elsewhere they refuse to run."""
    before, _allowed[0] = _allowed[0], True
    try:
        yield
    finally:
        _allowed[0] = before


@dataclass(frozen=True, slots=True)
class PromptEstimate:
    """What a run of a prompt function would take.

    Parameters
    ----------
    n_records, n_calls : int
        Records, and how many of them have no stored answer.
    n_tokens : int
        Tokens sent and received, at four characters each.
    cost : float
        Tokens times the price declared.
    """

    n_records: int
    n_calls: int
    n_tokens: int
    cost: float


class PromptFunction(DeclaredFunction):
    """Votes by a language model's answer; made by `prompt_lf`."""

    cost = 1000.0

    def __init__(
        self,
        name: str,
        prompt: str,
        answers: Mapping[str, Any],
        *,
        model: str,
        url: str = "http://127.0.0.1:11434/v1",
        allow_remote: bool = False,
        cache: str | Path | None = None,
        seconds: float = 60.0,
        price_per_1000_tokens: float = 0.0,
        field: str = "text",
        **metadata: Unpack[Metadata],
    ) -> None:
        if "{text}" not in prompt:
            raise UsageError(f"function {name!r}: prompt holds no {{text}}, the place of the record's text")
        if not answers:
            raise UsageError(f"function {name!r}: answers is empty")
        check_host(url, allow_remote=allow_remote)
        self.prompt, self.model, self.url = prompt, model, url.rstrip("/")
        self.answers = {_normal(answer): vote for answer, vote in answers.items()}
        self.allow_remote = allow_remote
        self.cache = None if cache is None else Path(cache)
        self.seconds = seconds
        self.price = price_per_1000_tokens
        self.field = field
        self._stored: dict[str, str] | None = None
        content = {
            "prompt": prompt, "answers": dict(answers), "model": model, "url": url, "allow_remote": allow_remote,
            "cache": None if cache is None else str(cache), "seconds": seconds, "price_per_1000_tokens": price_per_1000_tokens, "field": field,
        }  # fmt: skip
        polarity = dict.fromkeys(
            v for v in answers.values() if v is not None and not isinstance(v, set | frozenset)
        )
        super().__init__(name, content, polarity=polarity, **metadata)

    def describe(self) -> str:
        """Say which model is asked."""
        return f"Vote by what {self.model} answers."

    @property
    def fields(self) -> tuple[str, ...]:
        """The field that is sent."""
        return (self.field,)

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return prompt, model and answers; where the model runs does not count."""
        return (type(self).__name__, self.prompt, self.model, self.answers, self.field)

    def estimate(self, records: Sequence[Record]) -> PromptEstimate:
        """Return what a run over some records would take; sends nothing."""
        texts = [text_of(record, self.field, self.name) for record in records]
        stored = self._answers()
        open_texts = {text for text in texts if self._key(text) not in stored}
        tokens = sum((len(self.prompt) + len(text)) // 4 + 8 for text in open_texts)
        return PromptEstimate(len(texts), len(open_texts), tokens, tokens / 1000 * self.price)

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote the model's answer stands for, None for an answer that is not among those expected."""
        text = text_of(record, self.field, self.name)
        stored = self._answers()
        key = self._key(text)
        if key not in stored:
            answer = _normal(self._ask(text))
            # only what the author expects is kept: a model may repeat the record
            stored[key] = answer if answer in self.answers else ""
            self._save()
        vote = self.answers.get(stored[key])
        return None if vote is None else Vote(vote)

    def _ask(self, text: str) -> str:
        if not _allowed[0]:
            raise UsageError(
                f"function {self.name!r} sends records to a model, which is off; run it inside `with allow_prompts():`"
            )
        check_host(self.url, allow_remote=self.allow_remote)
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": self.prompt.replace("{text}", text)}],
            "temperature": 0,
            "seed": 0,
            "max_tokens": 16,
        }
        import urllib.request  # late: few runs ask a model, and it takes a while to load

        class NoRedirect(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *arguments: Any, **keywords: Any) -> None:
                return  # a redirect could lead off this machine

        request = urllib.request.Request(  # noqa: S310 - the scheme is checked by check_host
            f"{self.url}/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        # no proxy: what is meant for this machine stays on it
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect())
        try:
            with opener.open(request, timeout=self.seconds) as response:
                return str(json.load(response)["choices"][0]["message"]["content"])
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            kind = type(error).__name__
        raise ConnectionError(f"the model gave no answer ({kind})")

    def _key(self, text: str) -> str:
        content = json.dumps([self.prompt, self.model, text])
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _answers(self) -> dict[str, str]:
        if self._stored is None:
            self._stored = {}
            if self.cache is not None and self.cache.exists():
                self._stored = dict(json.loads(self.cache.read_text()))
        return self._stored

    def _save(self) -> None:
        if self.cache is not None and self._stored is not None:
            write_file(self.cache, json.dumps(self._stored, sort_keys=True))


def prompt_lf(
    name: str,
    prompt: str,
    answers: Mapping[str, Any],
    *,
    model: str,
    url: str = "http://127.0.0.1:11434/v1",
    allow_remote: bool = False,
    cache: str | Path | None = None,
    seconds: float = 60.0,
    price_per_1000_tokens: float = 0.0,
    field: str = "text",
    **metadata: Unpack[Metadata],
) -> PromptFunction:
    r"""Return a function that votes by a language model's answer, asked at an OpenAI-compatible address.

    Nothing is sent unless the run stands inside ``with allow_prompts():``, and only to this machine unless
    `allow_remote`.

    Parameters
    ----------
    name : str
        The function's name.
    prompt : str
        The question; ``{text}`` is where the record's text goes.
    answers : mapping from answer to vote
        Answers are compared in lower case, without punctuation; one that is not listed abstains.
    model : str
        The model's name.
    url : str, default "http://127.0.0.1:11434/v1"
        Where the model listens.
    allow_remote : bool, default False
        Allow an address that is not this machine's.
    cache : path-like, optional
        A file that keeps the answers, by a hash of question and text; no text is kept.
    seconds : float, default 60.0
        How long to wait for an answer.
    price_per_1000_tokens : float, default 0.0
        For `PromptFunction.estimate`, which tells count and cost before anything is sent.
    field : str, default "text"
        The record's field that is sent.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Examples
    --------
    >>> question = "Does the report mention an effusion? Answer yes or no.\\n{text}"
    >>> effusion = prompt_lf("effusion", question, {"yes": 1, "no": 0}, model="small", price_per_1000_tokens=0.5)
    >>> effusion.estimate([Record({"text": "Clear."})]).n_calls
    1
    """
    return PromptFunction(
        name, prompt, answers, model=model, url=url, allow_remote=allow_remote, cache=cache, seconds=seconds,
        price_per_1000_tokens=price_per_1000_tokens, field=field, **metadata,
    )  # fmt: skip


def check_host(url: str, *, allow_remote: bool) -> None:
    """Raise where an address is not this machine's, unless that was allowed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("url is an http or https address")
    if allow_remote:
        return
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(parts.hostname, None)}
    except OSError:
        found = set()
    if not found or not all(
        ipaddress.ip_address(str(address).split("%")[0]).is_loopback for address in found
    ):
        raise UsageError(
            "url is not this machine's (127.0.0.1, ::1 or localhost); records leave it only with allow_remote=True"
        )


def _normal(answer: str) -> str:
    return " ".join(re.findall(r"\w+", answer.lower()))
