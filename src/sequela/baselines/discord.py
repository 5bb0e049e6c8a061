"""How far a row's last window lies from the nearest window that is normal: the discord of a matrix profile, over rows.

Euclidean distance to the nearest of a bank of normal training windows, as a matrix profile has it of one series joined to another
(Yeh 2016, ICDM); or, where rows have several steps, to the nearest of the row's own earlier ones (its left matrix profile). Of
windows as they are, or, as a matrix profile has them, each less its mean and over its spread by channel. Which, tune says by
AUROC. Abnormal rows of train are not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela import seed as streams
from sequela.baselines import _oddness
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array

To: TypeAlias = Literal["bank", "row"]
CHUNK = 1024  # windows that are held against the bank at once
FLAT = 1e-6  # a window that varies less has no spread


class Config(Strict, frozen=True):
    to: tuple[To, ...] = ("bank", "row")  # those tried
    scaled: tuple[bool, ...] = (False, True)
    bank: Annotated[int, Meta(ge=1)] = 4000  # normal training windows at most, drawn by the seed
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class Nearest:
    """How the distance of a row is measured."""

    input: str
    to: To
    scaled: bool
    bank: Array  # float32 "M F"; empty where the row's own steps are the bank
    itself: bool = False  # the rows are among the bank: the nearest but one counts

    def __call__(self, rows: Evidence, which: Array) -> Array:
        """Of these rows, float64 "n"; NaN where a row has no window, or none before it."""
        if self.to == "row":
            return _to_own(rows, self.input, which, self.scaled)
        windows, has = _oddness.windows(rows, self.input)
        found = _to_bank(self._made(windows[which], rows), self.bank, int(self.itself))
        return np.where(has[which], found, np.nan)

    def _made(self, windows: Array, rows: Evidence) -> Array:
        return _scaled(windows, rows.specs[self.input].shape) if self.scaled else windows


class Discord:
    """Fits once, then answers; `chosen` tells every way tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: tuple[Nearest, _oddness.Share, tuple[str, ...]] | None = None
        self._told: dict[str, Any] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Raises DataError for a question that is not yes-or-no, or where no normal row of train has a window (C, L)."""
        asked = _oddness.rows(train, tune, kind)
        name = _oddness.windowed(train)
        if not name or not _oddness.windows(train, name)[1][asked.normal].any():
            raise DataError("no input has steps that are windows of channels and samples", hint="discord needs a waveform input")
        rest = asked.normal[_oddness.windows(train, name)[1][asked.normal]]
        drawn = streams.generator(seed, "discord").permutation(rest)[: self._config.bank]
        ways, made = [], []
        with threadpool_limits(self._config.threads):
            for nearest in self._tried(train, name, drawn):
                learnt = _learnt(nearest, train, asked.normal, drawn)
                if not np.isnan(learnt).all():
                    setting = {"to": nearest.to, "scaled": nearest.scaled}
                    ways.append(_oddness.Way(setting, learnt, nearest(tune, asked.judged)))
                    made.append(nearest)
        best = _oddness.chosen(ways, asked.event)
        self._fitted = (made[best.place], _oddness.Share(ways[best.place].train), train.target.names)
        self._told = best.told(asked.name)

    def _tried(self, train: Evidence, name: str, drawn: Array) -> list[Nearest]:
        windows, shape = _oddness.windows(train, name)[0][drawn], train.specs[name].shape
        none = windows[:0]
        found = []
        for scaled in self._config.scaled:
            bank = _scaled(windows, shape) if scaled else windows
            found += [Nearest(name, to, scaled, bank if to == "bank" else none) for to in self._config.to]
        return found

    def answer(self, rows: Evidence) -> Answer:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        nearest, share, names = self._fitted
        with threadpool_limits(self._config.threads):
            return _oddness.answer(share(nearest(rows, np.arange(len(rows)))), names)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return self._told


def _learnt(nearest: Nearest, train: Evidence, normal: Array, drawn: Array) -> Array:
    """How far normal rows of train lie: those outside the bank; where there are too few, those of the bank, from the others."""
    outside = np.setdiff1d(normal, drawn)
    if nearest.to == "row" or len(outside) * 2 >= len(drawn):
        return nearest(train, outside if nearest.to == "bank" else normal)
    itself = Nearest(nearest.input, nearest.to, nearest.scaled, nearest.bank, itself=True)
    return itself(train, drawn)


def _to_bank(windows: Array, bank: Array, but: int) -> Array:
    """The distance to the nearest of the bank (but one), float64 "n", by the mean of squares over a window's numbers."""
    found = np.zeros(len(windows))
    square = (bank**2).sum(1)
    rank = min(but, len(bank) - 1)
    for start in range(0, len(windows), CHUNK):
        some = windows[start : start + CHUNK]
        nearest = bank[np.argpartition(square - 2 * some @ bank.T, rank, axis=1)[:, rank]]
        found[start : start + CHUNK] = np.sqrt(
            ((some - nearest) ** 2).mean(1, dtype=np.float64)
        )  # by itself: no neighbour matters
    return found


def _to_own(rows: Evidence, name: str, which: Array, scaled: bool) -> Array:
    """The distance of each row's last window to the nearest of its earlier ones."""
    ragged, shape = rows.inputs[name], rows.specs[name].shape
    found = np.full(len(which), np.nan)
    for place in np.flatnonzero(ragged.lengths[which] > 1):
        step = np.arange(ragged.offsets[which[place]], ragged.offsets[which[place] + 1])
        own = ragged.values[step if ragged.take is None else ragged.take[step]].reshape(len(step), -1)
        own = _scaled(own, shape) if scaled else own
        found[place] = np.sqrt(((own[:-1] - own[-1]) ** 2).mean(1).min())
    return found


def _scaled(windows: Array, shape: tuple[int, ...]) -> Array:
    """Each channel of each window less its mean and over its spread; one that does not vary is 0."""
    channels = windows.reshape(len(windows), *shape)
    apart = channels - channels.mean(-1, keepdims=True)
    spread = apart.std(-1, keepdims=True)
    found: Array = np.where(spread > FLAT, apart / np.maximum(spread, FLAT), 0).reshape(windows.shape)
    return found


def build(config: Config) -> Discord:
    return Discord(config)
