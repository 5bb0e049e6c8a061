"""Pairs by their letters and how far they are apart: the log-odds of each two letters, and of each distance, counted in training.

Of RNA it finds that A and U, or G and C, pair; of what stands around two letters it knows nothing. Counts of letters are drawn
towards the share of all pairs by `prior` pairs, and the distances' likewise; both odds are added (naive Bayes). `bins` widths of
the ranges of distances are tried, and the one of the highest mean average precision on tune is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.metrics import contacts
from sequela.types import Answer, Array, Paired, Pairs

LETTERS = 128  # of ASCII
FARTHEST = 512  # letters apart, from which on distances are not told apart


class Config(Strict, frozen=True):
    bins: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (1, 4, 16)  # letters of a range of distances
    prior: Annotated[float, Meta(gt=0)] = 10.0  # pairs that speak for the share of all
    told: Annotated[int, Meta(ge=1)] = 10  # pairs of a row that are kept, for each of its letters


@dataclass(frozen=True, slots=True)
class _Odds:
    """Log-odds of a pair: of all, and what two letters and a distance add to it."""

    of_all: float
    of_letters: Array  # float64 "128 128", symmetric
    of_distance: Array  # float64 "512"

    def logits(self, text: Array, low: Array, high: Array) -> Array:
        apart = np.minimum(high - low, FARTHEST - 1)
        return np.asarray(self.of_all + self.of_letters[text[low], text[high]] + self.of_distance[apart])


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many pairs of training there are, and how many of them are true."""

    letters: Array  # float64 "128 128 2": none, true
    distance: Array  # float64 "512 2"

    def odds(self, width: int, prior: float) -> _Odds:
        none, true = self.distance.sum(0)
        share = (true + 0.5) / (none + true + 1)
        base = float(np.log(share / (1 - share)))
        ranges = np.arange(FARTHEST) // width
        ranged = np.stack([np.bincount(ranges, self.distance[:, side])[ranges] for side in (0, 1)], 1)
        return _Odds(base, _logits(self.letters, share, prior) - base, _logits(ranged, share, prior) - base)


def _logits(count: Array, share: float, prior: float) -> Array:
    none, true = np.moveaxis(count, -1, 0)
    return np.asarray(np.log((true + prior * share) / (none + prior * (1 - share))))


class PairFrequency:
    """Fits once, then answers; `chosen` tells each width of the ranges that was tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._odds: _Odds | None = None
        self._names: tuple[str, ...] = ()
        self._separation = 1
        self._tried: list[tuple[int, float]] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the ranges of distances on tune. Raises DataError where the pairs of no training row are known."""
        if kind != "contact":
            raise DataError(f"how often letters pair is no answer to a {kind} question")
        known, texts, truth = np.flatnonzero(train.target.known[:, 0]), _texts(train), _truth(train)
        if not len(known):
            raise DataError("pairs are known in no row of train")
        self._names, self._separation = train.target.names, truth.separation
        counts = _count([_letters(texts[row]) for row in known.tolist()], truth.take(known))
        each = [counts.odds(width, self._config.prior) for width in self._config.bins]
        losses = [self._loss(odds, tune) for odds in each]
        self._tried = list(zip(self._config.bins, losses, strict=True))
        self._odds = each[int(np.argmin(losses))]

    def _loss(self, odds: _Odds, rows: Evidence) -> float:
        """1 - the mean average precision of the rows with a pair; 1 where none has one."""
        said, truth = self._said(odds, rows)[0], _truth(rows)
        right, true = contacts.right(said, truth.pairs), np.diff(truth.pairs.offsets)
        with_pairs = np.flatnonzero(rows.target.known[:, 0] & (true > 0)).tolist()
        each = [contacts.average_precision(right[slice(*said.offsets[row : row + 2])], int(true[row])) for row in with_pairs]
        return 1 - float(np.mean(each)) if each else 1.0

    def answer(self, rows: Evidence) -> Answer:
        if self._odds is None:
            raise DataError("this baseline has not been fitted")
        pairs, expected = self._said(self._odds, rows)
        return Answer("pairs", expected, self._names, paired=pairs)

    def _said(self, odds: _Odds, rows: Evidence) -> tuple[Pairs, Array]:
        """The likeliest pairs of each row, and how many are to be expected, float64 "N 1"."""
        each = [self._row(odds, _letters(text)) for text in _texts(rows)]
        offsets = np.concatenate([[0], np.cumsum([len(low) for low, _, _, _ in each])]).astype(np.int64)
        none = [np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)]
        low, high, score = (np.concatenate([none[part], *(one[part] for one in each)]) for part in range(3))
        return Pairs(offsets, low, high, score), np.array([total for _, _, _, total in each], np.float64).reshape(-1, 1)

    def _row(self, odds: _Odds, text: Array) -> tuple[Array, Array, Array, float]:
        low, high = np.triu_indices(len(text), self._separation)
        chance = 1 / (1 + np.exp(-odds.logits(text, low, high)))
        first = np.argsort(-chance, kind="stable")[: self._config.told * len(text)]
        return low[first], high[first], chance[first], float(chance.sum())

    @property
    def chosen(self) -> Mapping[str, Any]:
        if self._odds is None:
            return {}
        best = min(self._tried, key=lambda one: one[1])[0]
        tried = [{"bins": width, "loss": loss} for width, loss in self._tried]
        return {"pairs": {"score": "1 - AUPRC of pairs", "chosen": {"bins": best}, "tried": tried}}


def _texts(rows: Evidence) -> list[str]:
    """The sequence of each row; none where it has no step, as nothing of it is known."""
    found = [ragged for ragged in rows.inputs.values() if ragged.places is not None]
    if len(found) != 1 or found[0].places is None:
        raise DataError(f"how often letters pair is told of one input of sequences, and {len(found)} are there")
    return [text if length else "" for text, length in zip(found[0].places.texts, found[0].lengths.tolist(), strict=True)]


def _truth(rows: Evidence) -> Paired:
    """The true pairs of each row."""
    assert isinstance(rows.target.dense, Paired)
    return rows.target.dense


def _letters(text: str) -> Array:
    """The letters as numbers, in upper case, int64 "L"."""
    return np.minimum(np.frombuffer(text.upper().encode("ascii", "replace"), np.uint8), LETTERS - 1).astype(np.int64)


def _count(texts: list[Array], truth: Paired) -> _Counts:
    letters, distance = np.zeros((LETTERS, LETTERS, 2)), np.zeros((FARTHEST, 2))
    for row, text in enumerate(texts):
        low, high = np.triu_indices(len(text), truth.separation)
        true = np.zeros((len(text), len(text)), np.int64)
        own = slice(*truth.pairs.offsets[row : row + 2])
        true[truth.pairs.low[own], truth.pairs.high[own]] = 1
        is_true = true[low, high]
        np.add.at(letters, (text[low], text[high], is_true), 1)
        np.add.at(distance, (np.minimum(high - low, FARTHEST - 1), is_true), 1)
    return _Counts(letters + letters.transpose(1, 0, 2), distance)


def build(config: Config) -> PairFrequency:
    return PairFrequency(config)
