"""Which code comes next, without looking at what came before: how often each follows any other in the training rows.

The frequencies are those of a Dirichlet prior: `prior` occurrences are given to each code beforehand, and their number is chosen
on tune. A language model that does not beat this has learnt nothing of the order of codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from sequela.baselines import _next
from sequela.baselines._next import Following
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array


class Config(Strict, frozen=True):
    priors: Annotated[tuple[Annotated[float, Meta(gt=0)], ...], Meta(min_length=1)] = (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0)


class Unigram:
    """The probability of each code."""

    def __init__(self, config: Config) -> None:
        self._priors = config.priors
        self._chance: Array | None = None
        self._told: dict[str, Any] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the prior on tune. Raises DataError where the question is not of next codes."""
        learnt, held = _next.following(train, kind, "unigram"), _next.following(tune, kind, "unigram")
        _next.refuse_unknown(train, tune)
        self._chance, self._told = chosen(learnt, held, self._priors)

    def answer(self, rows: Evidence) -> Answer:
        if self._chance is None:
            raise DataError("this baseline has not been fitted")
        chance = self._chance
        return _next.answer(_next.following(rows, "next_event", "unigram"), lambda steps: np.tile(chance, (len(steps), 1)))

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {"codes": self._told} if self._told else {}


def chosen(learnt: Following, held: Following, priors: tuple[float, ...]) -> tuple[Array, dict[str, Any]]:
    """The probabilities "V" with the prior that foresees `held` best, and what is told of the choice."""
    count = np.asarray(learnt.after.sum(0), np.float64)
    chances = [(count + prior) / (count.sum() + prior * len(count)) for prior in priors]
    losses = [_next.nats(held, chance[held.codes[1]]) for chance in chances]
    best = int(np.argmin(losses))
    tried = [{"prior": prior, "loss": loss} for prior, loss in zip(priors, losses, strict=True)]
    return chances[best], {"score": "nats", "chosen": {"prior": priors[best]}, "tried": tried}


def build(config: Config) -> Unigram:
    return Unigram(config)
