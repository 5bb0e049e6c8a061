"""Which code comes next, from the one before alone: a Markov chain whose rare transitions back off to the plain frequencies.

P(b | a) = (n(a, b) + m P(b)) / (n(a) + m), with P the unigram's and the mass m chosen on tune (the Dirichlet model of MacKay and
Peto 1995). After a visit it is the mean over its codes, each of which counts for its share in the transitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from scipy.sparse import csr_array

from sequela.baselines import _next, unigram
from sequela.baselines._next import Following
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array


class Config(unigram.Config, frozen=True):
    masses: Annotated[tuple[Annotated[float, Meta(gt=0)], ...], Meta(min_length=1)] = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


@dataclass(frozen=True, slots=True)
class Chain:
    """The transitions, and what they back off to."""

    counts: csr_array  # "V V"
    plain: Array  # float64 "V"
    mass: float

    @property
    def left(self) -> Array:
        """Transitions from each code, float64 "V"."""
        return np.asarray(self.counts.sum(1))

    def weights(self, before: csr_array) -> csr_array:
        """What a transition from each code adds to the probability after each step, "F V"."""
        return csr_array(before.multiply(1 / (self.left + self.mass)))

    def given(self, held: Following) -> Array:
        """The probability of everything that is foreseen, in the order of `held.codes`."""
        weights = self.weights(held.before)
        step, code, _ = held.codes
        seen = np.asarray((weights @ self.counts)[step, code]).ravel()
        return np.asarray(seen + self._backed(weights)[step] * self.plain[code])

    def after(self, before: csr_array) -> Array:
        """The probabilities "F V" after steps."""
        weights = self.weights(before)
        return np.asarray((weights @ self.counts).toarray() + np.outer(self._backed(weights), self.plain))

    def _backed(self, weights: csr_array) -> Array:
        """The probability after each step that its transitions leave to the plain frequencies."""
        return np.asarray(1 - weights @ self.left)


class Bigram:
    """The chain that foresees tune best."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._chain: Chain | None = None
        self._told: dict[str, Any] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the mass on tune. Raises DataError where the question is not of next codes."""
        learnt, held = _next.following(train, kind, "bigram"), _next.following(tune, kind, "bigram")
        _next.refuse_unknown(train, tune)
        plain, _ = unigram.chosen(learnt, held, self._config.priors)
        counts = csr_array(learnt.before.T @ learnt.after)
        chains = [Chain(counts, plain, mass) for mass in self._config.masses]
        losses = [_next.nats(held, chain.given(held)) for chain in chains]
        self._chain = chains[int(np.argmin(losses))]
        tried = [{"mass": chain.mass, "loss": loss} for chain, loss in zip(chains, losses, strict=True)]
        self._told = {"score": "nats", "chosen": {"mass": self._chain.mass}, "tried": tried}

    def answer(self, rows: Evidence) -> Answer:
        if self._chain is None:
            raise DataError("this baseline has not been fitted")
        held, chain = _next.following(rows, "next_event", "bigram"), self._chain
        return _next.answer(held, lambda steps: chain.after(held.before[steps]))

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {"codes": self._told} if self._told else {}


def build(config: Config) -> Bigram:
    return Bigram(config)
