"""What mentions name: the code of each, by the names that training texts and terminologies have for it.

A mention is looked up by its words; then by them in any order and number, words of like meaning being one; then both once more
with what its short forms stand for in its document; then by the known name with which it shares most words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sequela.text.mentions import Name, loose, name

LEAST = 0.5  # of the words of either name, the share that two have in common at least, where they are near
ALIKE = {  # words that name much the same in the names of diseases
    "carcinoma": "cancer",
    "tumor": "cancer",
    "tumour": "cancer",
    "neoplasm": "cancer",
    "malignancy": "cancer",
    "disorder": "disease",
    "syndrome": "disease",
    "deficient": "deficiency",
    "leukaemia": "leukemia",
    "anaemia": "anemia",
}


@dataclass(frozen=True, slots=True)
class Concepts:
    """Names and the code that each has most often."""

    exact: Mapping[Name, str]
    loose: Mapping[Name, str]

    @classmethod
    def learnt(cls, pairs: Iterable[tuple[str, str]]) -> Concepts:
        """Of (mention, code); the first of equally common codes."""
        exact: dict[Name, Counter[str]] = {}
        for mention, code in pairs:
            own = name(mention)
            if own and code:
                exact.setdefault(own, Counter())[code] += 1
        loosely: dict[Name, Counter[str]] = {}
        for own, codes in exact.items():
            if _loose(own):
                loosely.setdefault(_loose(own), Counter()).update(codes)
        return cls(_commonest(exact), _commonest(loosely))

    def code(self, mention: str, longer: Mapping[str, str] | None = None) -> str:
        """Of a mention, "" where nothing tells; `longer` is what the short forms of its document stand for.

        >>> known = Concepts.learnt([("breast cancer", "D001943"), ("ataxia-telangiectasia", "D001260")])
        >>> known.code("cancers of the breast"), known.code("A-T", {"A-T": "ataxia telangiectasia"}), known.code("flu")
        ('D001943', 'D001260', '')
        """
        expanded = _expanded(mention, longer or {})
        return self._of(name(mention)) or self._of(expanded) or self._near(expanded)

    def _of(self, own: Name) -> str:
        return self.exact.get(own) or self.loose.get(_loose(own)) or ""

    def _near(self, own: Name) -> str:
        """The code of the name that shares most words with this one, the first of equals; "" where none shares enough."""
        words = set(_loose(own))
        shares = {known: len(words & set(known)) / len(words | set(known)) for known in self.loose}
        best = max(shares, key=shares.__getitem__, default=())
        return self.loose[best] if best and shares[best] >= LEAST else ""


def _loose(own: Name) -> Name:
    return tuple(sorted({ALIKE.get(word, word) for word in loose(own)}))


def _commonest(counted: Mapping[Name, Counter[str]]) -> dict[Name, str]:
    return {own: codes.most_common(1)[0][0] for own, codes in counted.items()}


def _expanded(mention: str, longer: Mapping[str, str]) -> Name:
    """The mention with each of its short forms written out."""
    if mention in longer:
        return name(longer[mention])
    return tuple(word for part in mention.split() for word in name(longer.get(part, part)))
