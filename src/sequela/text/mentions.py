"""Words by which something is named, compared whatever their case and signs; and where any of many names stands in a text.

A word is compared in small letters, but for a short one of several capitals: "AS" is a syndrome, "as" is not. Signs between words
are left out, so that "ataxia-telangiectasia" is "Ataxia telangiectasia"; a name never goes on after what ends a sentence or a
clause.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sequela.text.words import words

Name = tuple[str, ...]

SHORT = 5  # letters of a word whose capitals tell something
ENDS = frozenset(".;:!?。；：！？")  # nothing is named across these


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is compared, and where it stands."""

    form: str
    begin: int
    end: int
    follows: bool  # nothing that ends a sentence or a clause stands between it and the word before it


def form(word: str) -> str:
    """A word as it is compared.

    >>> form("Cancer"), form("VHL"), form("T")
    ('cancer', 'VHL', 't')
    """
    plain = unicodedata.normalize("NFKC", word)
    capitals = sum(character.isupper() for character in plain)
    return plain if capitals > 1 and len(plain) <= SHORT else plain.casefold()


def content(text: str) -> list[Word]:
    """The words of a text that hold a letter or a digit."""
    cuts = words(text)
    found: list[Word] = []
    follows = False
    for word, begin, end in zip(cuts.of(text), cuts.begin.tolist(), cuts.end.tolist(), strict=True):
        if any(character.isalnum() for character in word):
            found.append(Word(form(word), begin, end, follows))
            follows = True
        elif word in ENDS:
            follows = False
    return found


def name(text: str) -> Name:
    """What is compared of a mention; () where it has no letter and no digit.

    >>> name("Ataxia-Telangiectasia (A-T)")
    ('ataxia', 'telangiectasia', 'a', 't')
    """
    return tuple(word.form for word in content(text))


def loose(given: Name) -> Name:
    """A name whatever the order and number of its words: in their singular, without "of" and the like, sorted.

    >>> loose(("cancers", "of", "the", "breast")) == loose(("breast", "cancer"))
    True
    """
    return tuple(sorted({singular(word) for word in given if word not in LITTLE}))


LITTLE = frozenset(("a", "an", "the", "of", "in", "and", "or", "with", "to", "type"))


def singular(word: str) -> str:
    """An English word without the sign of its plural; what is short, or ends as few plurals do, as it is (after Harman 1991)."""
    if len(word) <= 3 or word.isupper() or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and not word.endswith(("aies", "eies")):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") else word


@dataclass(frozen=True)
class Names:
    """Many names, to be found in texts."""

    lengths: dict[str, list[int]]  # first word -> how many words the names that begin with it have, longest first
    known: Collection[Name]

    @classmethod
    def of(cls, known: Collection[Name]) -> Names:
        lengths: dict[str, set[int]] = {}
        for one in known:
            lengths.setdefault(one[0], set()).add(len(one))
        return cls({first: sorted(found, reverse=True) for first, found in lengths.items()}, known)

    def found(self, given: Sequence[Word]) -> Iterator[tuple[int, int, Name]]:
        """Of the `content` of a text, from left to right, the longest name that begins at a word: begin, end, name.

        None lies over another.
        """
        at = 0
        while at < len(given):
            one = self._longest(given, at)
            if one:
                yield given[at].begin, given[at + len(one) - 1].end, one
            at += max(len(one), 1)

    def _longest(self, given: Sequence[Word], at: int) -> Name:
        for length in self.lengths.get(given[at].form, ()):
            these = given[at : at + length]
            one = tuple(word.form for word in these)
            if one in self.known and all(word.follows for word in these[1:]):
                return one
        return ()
