"""Entities looked up: what training texts name so, wherever a text says it, from left to right and the longest first.

Names are compared by their words (text/mentions.py). A name is looked for if it is an entity in a share of the places of the
training texts where it would be found; that share is its score, and the least share is chosen on tune by entity F1. Its type is
the commonest, and so is its concept. A file of further names, CSV with the columns term, type and concept, adds those that
training does not have: one that stands in no training text is looked for whatever the share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.metrics import entities
from sequela.metrics.entities import RIGHT
from sequela.text.mentions import Name, Names, Word, content, name
from sequela.types import Answer, Spans

COLUMNS = ("term", "type", "concept")


class Term(Strict, frozen=True, array_like=True):
    """A name of a terminology."""

    term: str
    type: str
    concept: str = ""


class Config(Strict, frozen=True):
    shares: Annotated[tuple[Annotated[float, Meta(ge=0, le=1)], ...], Meta(min_length=1)] = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)
    terms: str | list[Term] = ""  # CSV of term, type and concept, looked for beside the study


def gathered(config: Config, find: Callable[[str], Path]) -> Config:
    """The options with the terms of their file in place of its name. Raises DataError for a file that is not understood."""
    if not isinstance(config.terms, str) or not config.terms:
        return config
    return msgspec.structs.replace(config, terms=_terms(find(config.terms)))


def _terms(path: Path) -> list[Term]:
    import polars as pl

    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} cannot be read as a table of terms: {error}") from error
    missing = [column for column in COLUMNS[:2] if column not in frame.columns]
    if missing:
        raise DataError(
            f"{path} has no column {missing[0]!r}", hint=f"the columns are {', '.join(COLUMNS)}; the last may be left out"
        )
    concepts = frame["concept"].fill_null("") if "concept" in frame.columns else [""] * len(frame)
    rows = zip(frame["term"], frame["type"], concepts, strict=True)
    return [Term(term, type_, concept) for term, type_, concept in rows if term and type_]


@dataclass
class _Entry:
    """What is known of a name."""

    labels: Counter[int] = field(default_factory=Counter)
    concepts: Counter[str] = field(default_factory=Counter)
    right: int = 0  # of the places where training would find it
    found: int = 0

    @property
    def share(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def label(self) -> int:
        return self.labels.most_common(1)[0][0]

    @property
    def concept(self) -> str:
        return next((concept for concept, _ in self.concepts.most_common(1)), "")


class Dictionary:
    """Fits once, then answers; `chosen` tells each share tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._types: tuple[str, ...] = ()
        self._entries: dict[Name, _Entry] | None = None
        self._tried: list[tuple[float, float]] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the least share on tune.

        Raises DataError where nobody read a training text, or a term is of a type that is not asked for.
        """
        if kind != "entities":
            raise DataError(f"a dictionary is no answer to a {kind} question")
        texts, truth = _read(train)
        if not texts:
            raise DataError("entities are known in no row of train")
        self._types = train.target.names
        entries = _learnt(texts, truth)
        _add(entries, self._given(), self._types)
        _count([content(text) for text in texts], truth, entries)
        held, tuned = _read(tune)
        words = [content(text) for text in held]
        each = [{one: entry for one, entry in entries.items() if entry.share >= share} for share in self._config.shares]
        losses = [_loss(words, tuned, kept) for kept in each]
        self._tried = list(zip(self._config.shares, losses, strict=True))
        self._entries = each[int(np.argmin(losses))]

    def _given(self) -> Sequence[Term]:
        if isinstance(self._config.terms, str):
            if self._config.terms:
                raise DataError(
                    "the file of terms has not been read", hint="baselines.dictionary.gathered reads it, as a run does"
                )
            return []
        return self._config.terms

    def answer(self, rows: Evidence) -> Answer:
        if self._entries is None:
            raise DataError("this baseline has not been fitted")
        spans = _said([content(text) for text in _texts(rows)], self._entries)
        assert spans.score is not None
        count = len(self._types)
        sums = np.bincount(spans.row * count + spans.label, spans.score, len(rows) * count).reshape(-1, count)
        return Answer("spans", sums, self._types, spanned=spans)

    @property
    def chosen(self) -> Mapping[str, Any]:
        if self._entries is None:
            return {}
        best = min(self._tried, key=lambda one: one[1])[0]
        tried = [{"share": share, "loss": loss} for share, loss in self._tried]
        return {"names": {"score": "1 - entity F1", "chosen": {"share": best}, "tried": tried}}


def _texts(rows: Evidence) -> list[str]:
    """The text of each row; none where it has no step, as nothing of it is known."""
    found = [ragged for ragged in rows.inputs.values() if ragged.places is not None]
    if len(found) != 1 or found[0].places is None:
        raise DataError(f"a dictionary reads one input of texts, and {len(found)} are there")
    return [text if length else "" for text, length in zip(found[0].places.texts, found[0].lengths.tolist(), strict=True)]


def _read(rows: Evidence) -> tuple[list[str], Spans]:
    """The texts that somebody read for entities, and what is marked in them."""
    texts, read = _texts(rows), np.flatnonzero(rows.target.known[:, 0])
    none = np.zeros(0, np.int64)
    truth = rows.target.dense.spans.take(read) if len(read) else Spans(np.zeros(1, np.int64), none, none, none)
    return [_legible(texts[row], rows.target.dense.unread, row) for row in read.tolist()], truth


def _legible(text: str, unread: Spans | None, row: int) -> str:
    """The text with blanks for what nobody read: a name that stands there is neither marked nor left unmarked."""
    if unread is None or unread.offsets[row] == unread.offsets[row + 1]:
        return text
    letters = list(text)
    own = slice(*unread.offsets[row : row + 2])
    for begin, end in zip(unread.begin[own].tolist(), unread.end[own].tolist(), strict=True):
        letters[begin:end] = " " * (end - begin)
    return "".join(letters)


# -------------------------------------------------------------------------------------------------------------------- learning


def _learnt(texts: Sequence[str], truth: Spans) -> dict[Name, _Entry]:
    """Every name that is marked, with its types and concepts."""
    entries: dict[Name, _Entry] = {}
    concepts = np.full(len(truth.begin), "") if truth.concept is None else truth.concept
    for row, begin, end, label, concept in zip(truth.row, truth.begin, truth.end, truth.label, concepts, strict=True):
        own = name(texts[row][begin:end])
        if own:
            entry = entries.setdefault(own, _Entry())
            entry.labels[int(label)] += 1
            entry.concepts.update([str(concept)] if concept else [])
    return entries


def _add(entries: dict[Name, _Entry], terms: Iterable[Term], types: tuple[str, ...]) -> None:
    """The terms that training has not."""
    for term in terms:
        if term.type not in types:
            raise DataError(f"a term is of type {term.type!r}, which is not asked for", hint=f"known: {', '.join(types)}")
        own = name(term.term)
        if own and own not in entries:
            concepts = Counter([term.concept] if term.concept else [])
            entries[own] = _Entry(Counter([types.index(term.type)]), concepts)


def _count(texts: Sequence[Sequence[Word]], truth: Spans, entries: Mapping[Name, _Entry]) -> None:
    """In how many of the places where each would be found it is marked just so."""
    names = Names.of(entries)
    for row, words in enumerate(texts):
        own = slice(*truth.offsets[row : row + 2])
        marked = set(zip(truth.begin[own].tolist(), truth.end[own].tolist(), strict=True))
        for begin, end, one in names.found(words):
            entries[one].found += 1
            entries[one].right += (begin, end) in marked


def _loss(texts: Sequence[Sequence[Word]], truth: Spans, entries: Mapping[Name, _Entry]) -> float:
    """1 - entity F1; 1 where nothing is said and nothing is there."""
    said = _said(texts, entries)
    _, kind = entities.compared(said, truth)
    total = len(said.begin) + len(truth.begin)
    return 1 - 2 * float((kind == RIGHT).sum()) / total if total else 1.0


def _said(texts: Sequence[Sequence[Word]], entries: Mapping[Name, _Entry]) -> Spans:
    names = Names.of(entries)
    each = [list(names.found(words)) for words in texts]
    found = [one for those in each for one in those]
    said = [entries[one] for _, _, one in found]
    places = np.array([(begin, end) for begin, end, _ in found], np.int64).reshape(-1, 2)
    return Spans(
        np.cumsum([0, *map(len, each)]),
        places[:, 0],
        places[:, 1],
        np.array([entry.label for entry in said], np.int64),
        np.array([entry.share for entry in said], np.float64),
        np.array([entry.concept for entry in said], object) if any(entry.concepts for entry in entries.values()) else None,
    )


def build(config: Config) -> Dictionary:
    return Dictionary(config)
