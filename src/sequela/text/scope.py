"""What is said of each word in a note: denied, of a relative, of the past, uncertain; by the rules of NegEx and ConText.

A phrase ("no evidence of", "否认") opens a scope that runs after it, or before it, to the end of its sentence, to a phrase that
turns the sentence ("but", "但"), or as far as the phrase reaches; longer phrases come before shorter ones, so that "no increase"
and "无明显诱因" open none. After Chapman et al 2001 (NegEx) and Harkema et al 2009 (ConText); the phrases are lists of our own
(cues_en.py, cues_zh.py). As in ConText an English scope is not five words but up to the sentence's end; in Chinese a comma ends
most.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import get_args

import numpy as np

from sequela.text import characters, cues_en, cues_zh
from sequela.text.cues import END, Cues, Scope
from sequela.text.lists import phrases
from sequela.text.sections import sections
from sequela.text.sentences import bounds, sentences
from sequela.text.words import Cuts, Language, resolved
from sequela.types import Array

SCOPES: tuple[Scope, ...] = get_args(Scope)
_LANGUAGES: tuple[tuple[Language, Cues], ...] = (("en", cues_en.CUES), ("zh", cues_zh.CUES))
_OF_RELATIVES = phrases("family history; family medical history; fh; 家族史")
_OF_THE_PAST = phrases("""
past medical history; pmh; past history; medical history; past surgical history; psh; surgical history; past psychiatric history
past ocular history; 既往史; 既往病史; 手术史; 外伤史
""")
_HEADED: dict[str, Scope] = {**dict.fromkeys(_OF_RELATIVES, "family"), **dict.fromkeys(_OF_THE_PAST, "past")}


@dataclass(frozen=True, slots=True)
class _Cue:
    """A phrase and what it does; scopes are places in SCOPES."""

    language: Language  # a stop ends the scopes of its language: a comma most Chinese ones, and no English one
    size: int  # units of it
    opens: tuple[int, ...] = ()
    after: bool = True  # whether the scope follows it
    reach: int = 0  # units of the scope at most
    far: bool = False  # whether the scope goes over weak stops
    ends: tuple[int, ...] = ()
    weak: bool = False  # whether it ends none that is far


@dataclass(frozen=True, slots=True)
class _Found:
    """A cue at units begin:end, of a sentence of units first:last."""

    cue: _Cue
    begin: int
    end: int
    first: int
    last: int


@dataclass(slots=True)
class _Phrases:
    """Phrases that begin alike: what the one that ends here does, and how others go on."""

    cues: list[_Cue] = field(default_factory=list)
    longer: dict[str, _Phrases] = field(default_factory=dict)


def scopes(words: Sequence[str], bounds: Array, language: Language = "auto") -> Array:
    """What holds of each word, bool "W 4" in the order of SCOPES; neither punctuation nor the words that tell it are in a scope.

    `words` in lower case; sentence i has words bounds[i]:bounds[i+1]. With "auto" the phrases of both languages count.

    >>> scopes(["no", "fever", "but", "cough"], np.array([0, 4]))[:, 0].tolist()
    [False, True, False, False]
    """
    flags = np.zeros((len(words), len(SCOPES)), bool)
    units, word = _units(words)
    found = list(_found(units, np.searchsorted(word, bounds).tolist(), _phrases(language)))
    stops = _stops(found)
    for one in found:
        for scope in one.cue.opens:
            begin, end = _reached(one, stops.get((one.cue.language, scope, one.cue.far), ()))
            if begin < end:
                flags[word[begin] : word[end - 1] + 1, scope] = True
    return _of_words(flags, words)


def scopes_of(text: str, of: Cuts, language: Language = "auto") -> Array:
    """What holds of each word of a text, bool "W 4"; under a heading such as "Family History" that of the whole section."""
    known = resolved(text, language)
    low = [word.lower() for word in of.of(text)]
    flags = scopes(low, bounds(of, sentences(text, known, of)))
    for section in sections(text):
        if section.title in _HEADED:
            first, last = np.searchsorted(of.begin, (section.body, section.end))
            flags[first:last, SCOPES.index(_HEADED[section.title])] = True
    return _of_words(flags, low)


def _of_words(flags: Array, words: Sequence[str]) -> Array:
    """The flags without those of punctuation, of which nothing is said."""
    for place in np.flatnonzero(flags.any(1)).tolist():
        if unicodedata.category(words[place][0])[0] == "P":
            flags[place] = False
    return flags


def _units(words: Sequence[str]) -> tuple[Sequence[str], Array]:
    """Words and, of words of several Han characters, each character; and the word that each belongs to, int64 "U"."""
    several = {word for word in words if not word.isascii() and len(word) > 1 and characters.is_han(word[0])}
    if not several:
        return words, np.arange(len(words))
    parts = [tuple(word) if word in several else (word,) for word in words]
    return list(chain.from_iterable(parts)), np.repeat(np.arange(len(words)), [len(part) for part in parts])


def _found(units: Sequence[str], edges: Sequence[int], root: _Phrases) -> Iterator[_Found]:
    """The cues in their order, the longest at each place, none over another."""
    done = 0
    for place in [place for place, unit in enumerate(units) if unit in root.longer]:
        if place < done:
            continue
        sentence = bisect_right(edges, place)
        first, last = edges[sentence - 1], edges[sentence]
        for cue in _at(units, place, last, root):
            done = place + cue.size
            yield _Found(cue, place, done, first, last)


def _at(units: Sequence[str], place: int, last: int, reached: _Phrases) -> Sequence[_Cue]:
    """The cues of the longest phrase that stands here, in a sentence that ends at `last`."""
    found: Sequence[_Cue] = ()
    for following in range(place, last + 1):
        unit = units[following] if following < last else END
        if unit not in reached.longer:
            break
        reached = reached.longer[unit]
        found = reached.cues or found
    return found


def _stops(found: Sequence[_Found]) -> dict[tuple[Language, int, bool], list[_Found]]:
    """What ends the scopes of a language and kind, near ones and far ones, in order."""
    stops = dict[tuple[Language, int, bool], list[_Found]]()
    for one in found:
        for scope in one.cue.ends:
            for far in (False,) if one.cue.weak else (False, True):
                stops.setdefault((one.cue.language, scope, far), []).append(one)
    return stops


def _reached(one: _Found, stops: Sequence[_Found]) -> tuple[int, int]:
    """The units in the scope of a cue: half-open."""
    if one.cue.after:
        after = bisect_left(stops, one.end, key=lambda stop: stop.begin)
        stop = stops[after].begin if after < len(stops) else one.last
        return one.end, min(stop, one.last, one.end + one.cue.reach)
    before = bisect_right(stops, one.begin, key=lambda stop: stop.end) - 1
    start = stops[before].end if before >= 0 else one.first
    return max(start, one.first, one.begin - one.cue.reach), one.begin


@cache
def _phrases(language: Language) -> _Phrases:
    """All phrases of a language, or of both."""
    root = _Phrases()
    for of, told in _LANGUAGES:
        for phrase, cue in _cues(told, of) if language in ("auto", of) else ():
            reached = root
            for unit in phrase:
                reached = reached.longer.setdefault(unit, _Phrases())
            reached.cues.append(cue)
    return root


def _cues(told: Cues, language: Language) -> Iterator[tuple[tuple[str, ...], _Cue]]:
    for phrase, size in map(_phrase, told.none):
        yield phrase, _Cue(language, size)
    for stop in told.stops:
        for phrase, size in map(_phrase, stop.phrases):
            yield phrase, _Cue(language, size, ends=tuple(map(SCOPES.index, stop.scopes)), weak=stop.weak)
    for group in told.groups:
        opens = (SCOPES.index(group.scope),)
        for phrase, size in map(_phrase, group.phrases):
            yield phrase, _Cue(language, size, opens, group.after, group.reach, group.far)


def _phrase(phrase: str) -> tuple[tuple[str, ...], int]:
    """Its units with those that have to follow, and how many are its own."""
    own, _, following = phrase.partition("|")
    return (*own.split(), *following.split()), len(own.split())
