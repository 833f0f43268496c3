"""What a denied claim takes for granted: "no evidence that the hernia is incarcerated" denies no hernia."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

CLAUSE_END = frozenset({",", ";", ".", ""})
"""Tokens at which a clause ends; the empty one closes the sentence."""


@dataclass(frozen=True, slots=True)
class ClaimWords:
    """Words by which the subject of a claim is told from what is claimed of it.

    Parameters
    ----------
    conjunctions : tuple of str
        Words that begin a clause: "that"; without one, as in "denies her cough", a noun may stand alone.
    definite : tuple of str
        Words that take for granted that what they stand before is there: "the", "her", "known".
    articles : tuple of str
        Words that begin another part of the sentence: in "the mass invades the cord" the cord is no subject.
    verbs : tuple of str
        Verbs that stand between a subject and what is said of it.
    prepositions : tuple of str
        Words after which a subject goes on: "the fracture of the hip is".
    presence : tuple of str
        What, beside a verb, says of a subject only that it is there, and so may be denied: "is present".
    arrivals : tuple of str
        Verbs that say so alone, at the end of a clause or before a preposition: "exists", "has recurred".
    adjectives : tuple of str
        Where verbs come last, the only words that may stand before the subject; empty where verbs come after it.
    """

    conjunctions: tuple[str, ...] = ()
    definite: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    prepositions: tuple[str, ...] = ()
    presence: tuple[str, ...] = ()
    arrivals: tuple[str, ...] = ()
    adjectives: tuple[str, ...] = ()

    @classmethod
    def of(cls, **words: str) -> Self:
        """Return the words of each kind, given as one text."""
        return cls(**{kind: tuple(text.split()) for kind, text in words.items()})


def is_taken_for_granted(
    words: Sequence[str], known: ClaimWords, claim: tuple[int, int], finding: tuple[int, int]
) -> bool:
    """Return whether a finding is the definite subject of a claim that says more of it than that it is there.

    Parameters
    ----------
    words : sequence of str
        The sentence's tokens.
    known : ClaimWords
        Words of its language.
    claim, finding : (first, last) tokens
        The words that begin the claim ("evidence that the"), and the finding after them.

    Examples
    --------
    >>> words = ["no", "evidence", "that", "the", "hernia", "is", "incarcerated", ""]
    >>> known = ClaimWords.of(conjunctions="that", definite="the", verbs="is", presence="present")
    >>> is_taken_for_granted(words, known, (1, 4), (4, 5))
    True
    >>> is_taken_for_granted([*words[:6], "present", ""], known, (1, 4), (4, 5))
    False
    """
    start, (first, last) = claim[1], finding
    before = words[start:first]
    if words[start - 1] not in known.definite and not set(known.definite).intersection(before):
        return False
    if not CLAUSE_END.union(known.verbs).isdisjoint(before):
        return False  # "that the patient has pneumonia"
    if known.adjectives and not set(before) <= {*known.definite, *known.adjectives}:
        return False
    for place in range(start, first):
        opens = place > start and words[place] in known.articles
        if opens and words[place - 1] not in known.prepositions:
            return False  # "that the mass abuts the cord"
    end = next(place for place in range(last, len(words)) if words[place] in CLAUSE_END)
    said = words[last:end]
    told = [place for place, word in enumerate(said) if word in known.verbs]
    clause = not set(known.conjunctions).isdisjoint(words[claim[0] : start])
    if not said or (not told and (not clause or said[0] in known.prepositions)):
        return False
    if known.adjectives and len(told) == len(said):
        return False  # "dass die Hernie inkarzeriert ist": the finding is what is claimed
    return not _says_only_that_it_is_there(said, known)


def _says_only_that_it_is_there(said: Sequence[str], known: ClaimWords) -> bool:
    for place, word in enumerate(said):
        if word in known.arrivals and (place + 1 == len(said) or said[place + 1] in known.prepositions):
            return True
        if word in known.presence and (known.adjectives or (place and said[place - 1] in known.verbs)):
            return True
    return False
