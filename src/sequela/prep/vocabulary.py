"""Which codes have a number of their own: those that enough training subjects have, and for the rarer ones what is broader.

Number 0 is whatever is unknown or rare. A code that fewer than `fewest` training subjects have gives them to the next broader
code that its system or the store names (ICD9CM//038.11 to 038.1, then 038, then its block), until one has enough. A code that is
of no public code system (a drug as a clerk typed it) needs at least `RARE` subjects, since it might name someone. When read, a
code is the nearest of itself and its broader codes that has a number.

Numbers beside a code may be told by tokens: quantiles of the training values, CODE//Q1 the lowest.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np

from sequela.codes import hierarchy
from sequela.prep.sample import Sample
from sequela.prep.statics import RARE
from sequela.types import Array

UNKNOWN = "unknown or rare"  # the name of number 0
PUBLIC = frozenset(
    ("ATC", "CPT", "CVX", "DRG", "HCPCS", "ICD10CM", "ICD10PCS", "ICD9CM", "ICD9PROC", "LOINC", "NDC", "RXNORM", "SNOMED")
)
VALUES = 4096  # of each code, kept to find its quantiles

Parents: TypeAlias = Mapping[str, Sequence[str]]  # code -> the next broader codes that the store names


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens by number. Those of a code's quantiles follow it: number of the code + 1 is its Q1."""

    tokens: list[str]  # of number 0 UNKNOWN
    subjects: list[int]  # training subjects that have each code; of a quantile, its share of them
    edges: dict[str, list[float]]  # code -> values between its quantiles, rising; B edges make B + 1 tokens

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class Coded:
    """Events as numbers: E of them, and the names that their codes stand for."""

    names: Sequence[str]
    code: Array  # integer "E": an index into names
    value: Array  # float32 "E": NaN where there is none

    def take(self, events: Array) -> Coded:
        return Coded(self.names, self.code[events], self.value[events])

    def valued(self) -> Iterator[tuple[str, Array]]:
        """For each code that has values: its name, and its events with a finite value, in order."""
        finite = np.flatnonzero(np.isfinite(self.value))
        order = finite[np.argsort(self.code[finite], kind="stable")]
        places, first = np.unique(self.code[order], return_index=True)
        for place, events in zip(places.tolist(), np.split(order, first)[1:], strict=True):
            yield self.names[place], events


class Count:
    """Training subjects by code, and some of its values, over chunks of whole subjects.

    Who has a code is remembered only while too few have it, so that memory does not grow with the number of subjects.
    """

    def __init__(self, fewest: int, *, values: bool) -> None:
        self._fewest = fewest
        self._values: dict[str, Sample] | None = {} if values else None
        self._names = _Names()
        self._held = np.zeros(0, np.int64)  # of each name: how many subjects have it
        self._needed = np.zeros(0, np.int64)
        self._rare = np.zeros((2, 0), np.int64)  # names of which too few have, and who
        self._parents: dict[str, Sequence[str]] = {}
        self._said: Parents | None = None  # the parents that were added last

    def add(self, coded: Coded, subject: Array, parents: Parents) -> None:
        """Adds training events, each of a subject "E"; the subjects are others than those of every chunk before."""
        if parents is not self._said:
            self._parents.update(parents)
            self._said = parents
        self._add_subjects(coded, subject)
        if self._values is not None:
            for name, events in coded.valued():
                self._values.setdefault(name, Sample(VALUES)).add(subject[events], coded.value[events])

    def _add_subjects(self, coded: Coded, subject: Array) -> None:
        who = _distinct(subject)
        pairs = _distinct(coded.code.astype(np.int64) * max(len(who), 1) + np.searchsorted(who, subject))
        code, owner = np.divmod(pairs, max(len(who), 1))
        name = self._names.of(coded.names)[code]
        new = self._names.known[len(self._held) :]
        self._needed = np.append(self._needed, np.array([needed(one, self._fewest) for one in new], np.int64))
        self._held = np.append(self._held, np.zeros(len(new), np.int64)) + np.bincount(name, minlength=len(self._needed))
        said = np.concatenate([self._rare, np.stack([name, who[owner]])], 1)
        self._rare = said[:, (self._held < self._needed)[said[0]]]

    def vocabulary(self, most: int = 0, bins: int = 0) -> Vocabulary:
        """What was counted, of the `most` frequent codes (0: all), values told by so many quantiles (0: not)."""
        counts = self._frequent()
        rare, owner = self._rare
        counts |= _Ladder(frozenset(counts), self._fewest, self._parents).risen(self._names.known, rare, owner)
        kept = sorted(counts, key=lambda name: (-counts[name], name))[:most] if most else list(counts)
        edges = self._edges(kept, bins)
        tokens, subjects = [UNKNOWN], [0]
        for name in sorted(kept):
            quantiles = _quantiles(name, edges.get(name, []))
            tokens += [name, *quantiles]
            subjects += [counts[name], *(counts[name] // len(quantiles) for _ in quantiles)]
        return Vocabulary(tokens=tokens, subjects=subjects, edges=edges)

    def _frequent(self) -> dict[str, int]:
        """code -> subjects, of those that enough have."""
        enough = np.flatnonzero((self._held > 0) & (self._held >= self._needed))
        names = self._names.known
        return {names[place]: held for place, held in zip(enough.tolist(), self._held[enough].tolist(), strict=True)}

    def _edges(self, kept: Sequence[str], bins: int) -> dict[str, list[float]]:
        """The values between the quantiles of the kept codes that have RARE values or more for each."""
        found = {}
        for name in sorted(set(kept) & (self._values or {}).keys()) if bins else ():
            values = self.values[name].astype(np.float64)
            inner = np.unique(np.quantile(values, np.arange(1, bins) / bins))
            inner = inner[inner < values.max()]
            if len(values) >= RARE * bins and len(inner):
                found[name] = inner.tolist()
        return found

    @property
    def values(self) -> Mapping[str, Array]:
        """Values of each code that has any, float32: all of them, or VALUES."""
        return {name: sample.values for name, sample in (self._values or {}).items()}


def needed(name: str, fewest: int) -> int:
    """How many training subjects a code must have to be named."""
    return fewest if name.partition("//")[0] in PUBLIC else max(fewest, RARE)


class _Names:
    """Names numbered as they come; a list of names that comes again, the very same, is looked up once."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self._number: dict[str, int] = {}
        self._last: tuple[Sequence[str], Array] | None = None

    def of(self, names: Sequence[str]) -> Array:
        """The number of each name, int64."""
        if self._last is None or self._last[0] is not names:
            found = [self._number.setdefault(name, len(self._number)) for name in names]
            self.known = list(self._number)
            self._last = names, np.array(found, np.int64)
        return self._last[1]


class Numbers:
    """The numbers of codes by name; each name is looked up once, however often it is read."""

    def __init__(self, vocabulary: Vocabulary, parents: Parents) -> None:
        self.vocabulary, self.parents = vocabulary, parents
        self._named = _numbers(vocabulary)
        self._of = dict(self._named)
        self._broader = _Broader(parents)
        self._last: tuple[Sequence[str], Array] | None = None

    def encode(self, coded: Coded) -> Array:
        """The token of each event, int32 "E"."""
        of_name = self._all(coded.names)
        tokens: Array = of_name[coded.code] if len(of_name) else np.zeros(len(coded.code), np.int32)
        edges = self.vocabulary.edges
        for name, events in coded.valued() if edges else ():
            if name in edges:
                tokens[events] = self._named[name] + 1 + np.searchsorted(edges[name], coded.value[events])
        return tokens

    def _all(self, names: Sequence[str]) -> Array:
        """The number of each name, int32."""
        if self._last is None or self._last[0] is not names:
            self._last = names, np.array([self._number(name) for name in names], np.int32)
        return self._last[1]

    def _number(self, name: str) -> int:
        """That of the code, or of the nearest of its broader codes that has one; else 0."""
        found = self._of.get(name)
        if found is None:
            self._of[name] = found = next((self._named[code] for code in self._broader(name) if code in self._named), 0)
        return found


def _numbers(vocabulary: Vocabulary) -> dict[str, int]:
    """code -> its number, quantiles left out: no record has such a code."""
    within = {token for name, inner in vocabulary.edges.items() for token in _quantiles(name, inner)}
    return {token: number for number, token in enumerate(vocabulary.tokens) if number and token not in within}


def _quantiles(name: str, inner: Sequence[float]) -> list[str]:
    return [f"{name}//Q{number + 1}" for number in range(len(inner) + 1)] if inner else []


class _Broader:
    """All that is broader than a code, the nearest first: what its system says, and the store."""

    def __init__(self, parents: Parents) -> None:
        self._parents = parents
        self._adding = frozenset(code for code, named in parents.items() if not set(named).issubset(hierarchy.parents(code)))

    def __call__(self, name: str) -> tuple[str, ...]:
        chain = hierarchy.parents(name)
        if not self._adding or (name not in self._adding and self._adding.isdisjoint(chain)):  # the store adds nothing
            return chain
        return hierarchy.ancestors(name, lambda code: self._parents.get(code, ()))


def _distinct(keys: Array) -> Array:
    """The different keys, rising. Sorted: NumPy's own unique hashes integers, which is slower."""
    rising = np.sort(keys)
    found: Array = rising[np.append(np.ones(min(1, len(rising)), bool), rising[1:] != rising[:-1])]
    return found


class _Ladder:
    """Rare codes and all that is broader, as numbers: what each is below, and how many steps lie above it."""

    def __init__(self, frequent: Container[str], fewest: int, parents: Parents) -> None:
        self._frequent, self._fewest, self._broader = frequent, fewest, _Broader(parents)
        self._number: dict[str, int] = {}
        self._nodes: list[tuple[str, int, int, int]] = []  # name, next broader (-1: none, or frequent), height, subjects needed

    def risen(self, names: Sequence[str], rare: Array, owner: Array) -> dict[str, int]:
        """code -> subjects, of the broader codes that have enough: the deepest give theirs up first.

        rare: which of the names each owner has, int64.
        """
        node = np.full(len(names), -1, np.int64)
        for number in _distinct(rare).tolist():
            if self._broader(names[number]):
                node[number] = self._of(names[number])
        node = node[rare]
        node, owner = node[node >= 0], owner[node >= 0]  # who has a code that nothing is broader than has no more to give
        who = _distinct(owner)
        owner, width = np.searchsorted(who, owner), max(len(who), 1)
        above, height, least = (np.array([one[field] for one in self._nodes], np.int64) for field in (1, 2, 3))
        found: dict[str, int] = {}
        for level in range(int(height.max(initial=-1)), -1, -1):
            here = height[node] == level
            own, held = np.divmod(_distinct(node[here] * width + owner[here]), width)
            count = np.bincount(own, minlength=len(height))
            found |= {self._nodes[place][0]: int(count[place]) for place in np.flatnonzero(count >= np.maximum(least, 1))}
            up = (count < least)[own] & (above[own] >= 0)
            node, owner = np.append(node[~here], above[own[up]]), np.append(owner[~here], held[up])
        return found

    def _of(self, name: str) -> int:
        """The number of a code, which it is given with all that is above it."""
        number = self._number.get(name)
        if number is None:
            chain = self._broader(name)
            above = self._of(chain[0]) if chain and chain[0] not in self._frequent else -1
            self._number[name] = number = len(self._nodes)
            self._nodes.append((name, above, len(chain), needed(name, self._fewest)))
        return number
