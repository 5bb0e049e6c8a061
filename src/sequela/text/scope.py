"""What is said of each word in a note: denied, of a relative, of the past, uncertain; by the rules of NegEx and ConText.

A phrase ("no evidence of", "否认") opens a scope that runs after or before it to the end of its sentence, to a phrase that turns the
sentence ("but", "但"), or to the phrase's reach; longer phrases come before shorter ones, so that "no increase" and "无明显诱因" open
none. Chapman et al 2001 (NegEx), Harkema et al 2009 (ConText); the phrases are our own lists (cues_en.py, cues_zh.py), and here an
English scope is not five words but up to the sentence's end, as in ConText, while in Chinese a comma ends most.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Literal, TypeAlias, get_args

import numpy as np

from sequela.text import cues_en, cues_zh
from sequela.text.cues import Cues, Scope
from sequela.text.sections import sections
from sequela.text.sentences import bounds, sentences
from sequela.text.words import Cuts, Language, lowered, resolved, words
from sequela.types import Array

SCOPES: tuple[Scope, ...] = get_args(Scope)

Turn: TypeAlias = Literal["opens", "turns", "parts", "is none"]


@dataclass(frozen=True, slots=True)
class _Cue:
    """A phrase and what it does."""

    phrase: tuple[str, ...]
    turn: Turn
    scope: int = 0  # the place in SCOPES
    after: bool = True  # whether its scope follows it
    far: bool = False  # whether its scope goes over what parts others
    reach: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """A cue at units begin:end."""

    cue: _Cue
    begin: int
    end: int


def scopes(words: Sequence[str], bounds: Array, language: Language = "auto") -> Array:
    """What holds of each word, bool "W 4" in the order of SCOPES; the words that tell it are not in their own scope.

    `words` in lower case; sentence i has words bounds[i]:bounds[i+1]. With "auto" the phrases of both languages count.

    >>> scopes(["no", "fever", "but", "cough"], np.array([0, 4]))[:, 0].tolist()
    [False, True, False, False]
    """
    flags = np.zeros((len(words), len(SCOPES)), bool)
    units, word = _units(words)
    edges = np.searchsorted(word, bounds).tolist()
    found = list(_found(units, edges, language))
    turns = [one for one in found if one.cue.turn == "turns"]
    parts = [one for one in found if one.cue.turn in ("turns", "parts")]
    for one in found:
        if one.cue.turn == "opens":
            begin, end = _reached(one, turns if one.cue.far else parts, edges)
            flags[word[begin:end], one.cue.scope] = True
    return flags


def scopes_of(text: str, of: Cuts, language: Language = "auto") -> Array:
    """What holds of each word of a text, bool "W 4"; under a heading such as "Family History" that of the whole section."""
    known = resolved(text, language)
    low = [word.lower() for word in of.of(text)]
    flags = scopes(low, bounds(of, sentences(text, known, of)))
    for section in sections(text):
        within = slice(*np.searchsorted(of.begin, (section.body, section.end)))
        for scope, titles in TITLES.items():
            if section.title in titles:
                flags[within, SCOPES.index(scope)] = True
    return flags


TITLES: dict[Scope, frozenset[str]] = {
    "family": frozenset(("family history", "fh", "family medical history", "家族史")),
    "past": frozenset(
        (
            *(
                "past medical history",
                "pmh",
                "past history",
                "medical history",
                "past surgical history",
                "psh",
                "surgical history",
            ),
            *("past psychiatric history", "past ocular history", "既往史", "既往病史", "手术史", "外伤史"),
        )
    ),
}


def _units(words: Sequence[str]) -> tuple[list[str], Array]:
    """Words and, of words of several Han characters, each character; and the word that each belongs to, int64 "U"."""
    parts = [list(word) if len(word) > 1 and "\u3400" <= word[0] <= "\u9fff" else [word] for word in words]
    return list(chain.from_iterable(parts)), np.repeat(np.arange(len(words)), [len(part) for part in parts])


def _found(units: Sequence[str], edges: Sequence[int], language: Language) -> Iterator[_Found]:
    """The cues in their order, the longest at each place, none over another."""
    table = _table(language)
    done = 0
    for place, unit in enumerate(units):
        if unit not in table or place < done:
            continue
        end = edges[bisect_right(edges, place)]
        for cue in table[unit]:
            done = place + len(cue.phrase)
            if done <= end and tuple(units[place:done]) == cue.phrase:
                yield _Found(cue, place, done)
                break
        else:
            done = place


def _reached(one: _Found, ends: Sequence[_Found], edges: Sequence[int]) -> tuple[int, int]:
    """The units in the scope of a cue: half-open."""
    sentence = bisect_right(edges, one.begin)
    if one.cue.after:
        after = bisect_left(ends, one.end, key=lambda end: end.begin)
        stop = ends[after].begin if after < len(ends) else edges[sentence]
        return one.end, min(stop, edges[sentence], one.end + one.cue.reach)
    before = bisect_right(ends, one.begin, key=lambda end: end.end) - 1
    start = ends[before].end if before >= 0 else 0
    return max(start, edges[sentence - 1], one.begin - one.cue.reach), one.begin


@cache
def _table(language: Language) -> dict[str, tuple[_Cue, ...]]:
    """The cues by their first units, the longest first."""
    told = {"en": (cues_en.CUES,), "zh": (cues_zh.CUES,), "auto": (cues_en.CUES, cues_zh.CUES)}[language]
    table = dict[str, list[_Cue]]()
    for cue in chain.from_iterable(map(_cues, told)):
        table.setdefault(cue.phrase[0], []).append(cue)
    return {first: tuple(sorted(some, key=lambda cue: -len(cue.phrase))) for first, some in table.items()}


def _cues(told: Cues) -> Iterator[_Cue]:
    for phrase in told.none:
        yield _Cue(_phrase(phrase), "is none")
    for phrase in told.turns:
        yield _Cue(_phrase(phrase), "turns")
    for phrase in told.parts:
        yield _Cue(_phrase(phrase), "parts")
    for group in told.groups:
        for phrase in group.phrases:
            yield _Cue(_phrase(phrase), "opens", SCOPES.index(group.scope), group.after, group.far, group.reach)


def _phrase(phrase: str) -> tuple[str, ...]:
    return tuple(words(lowered(phrase)).of(lowered(phrase)))
