"""New sequences from a network that foresees its own input: step after step drawn from what it expects, until it ends itself.

Every sequence has a stream of random numbers of its own, so that the first ten of a hundred are those of ten. What may be drawn
is tokens and the end mark: never what is unknown, nor a begin. Likelihoods are told of the network as it is, before the
temperature and before rare tokens are cut off (Holtzman 2020 has both).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from sequela import seed as seeds
from sequela.contracts import Progress
from sequela.errors import ConfigError
from sequela.model.network import Model, since_first
from sequela.residues.alphabets import BEGIN, END
from sequela.types import Array, Encoded, Seq, Spec

AT_ONCE = 256  # sequences that are drawn side by side


@runtime_checkable
class Continuing(Protocol):
    """A head that foresees steps of its own input, so that a sequence can be gone on with."""

    def following(self, encoded: Encoded) -> Tensor:
        """The log-probabilities, float32 "B V", of what comes after the last step of each row."""
        ...


@dataclass(frozen=True, slots=True)
class Drawing:
    """How sequences are drawn."""

    count: int
    temperature: float = 1.0  # the scores are divided by it
    top: int = 0  # only so many of the likeliest tokens; 0: all
    longest: int = 500  # steps after which one that has not ended is cut
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """One sequence."""

    text: str
    ended: bool  # by itself; else it was cut
    nats: float  # minus the log-probability of its tokens and, where it ended, of the end


def draw(model: Model, spec: Spec, how: Drawing, progress: Progress) -> list[Drawn]:
    """So many sequences. Raises ConfigError where the network does not foresee an input between marks."""
    if not isinstance(model.head, Continuing) or BEGIN not in spec.names:
        raise ConfigError("this network writes no sequences", hint='task = "generate", over residues with marks = true')
    model.eval()
    found: list[Drawn] = []
    for first in range(0, how.count, AT_ONCE):
        progress("drawing", first, how.count)
        found += _some(model, spec, how, range(first, min(first + AT_ONCE, how.count)))
    progress("drawing", how.count, how.count)
    return found


@torch.inference_mode()
def _some(model: Model, spec: Spec, how: Drawing, numbers: range) -> list[Drawn]:
    """These of the sequences, side by side; one that has ended is no longer asked about."""
    end = spec.names.index(END)
    random = [seeds.generator(how.seed, "draw", number) for number in numbers]
    values = torch.full((len(numbers), how.longest + 2), spec.names.index(BEGIN))
    length, nats, open_ = np.ones(len(numbers), np.int64), np.zeros(len(numbers)), np.arange(len(numbers))
    for step in range(how.longest + 1):
        chances = _following(model, values[torch.from_numpy(open_), : step + 1])
        drawn = _drawn(_allowed(chances, spec, how), [random[row].random() for row in open_.tolist()])
        if step == how.longest:
            drawn[drawn != end] = -1  # no room for another token
        kept = drawn >= 0
        nats[open_[kept]] -= chances[np.flatnonzero(kept), drawn[kept]]
        values[torch.from_numpy(open_[kept]), step + 1] = torch.from_numpy(drawn[kept])
        length[open_[kept]] += 1
        open_ = open_[kept & (drawn != end)]
        if not len(open_):
            break
    rows = [row[:count].tolist() for row, count in zip(values, length.tolist(), strict=True)]
    return [_told(row, spec, end, float(sum_)) for row, sum_ in zip(rows, nats, strict=True)]


def _following(model: Model, values: Tensor) -> Array:
    """Log-probabilities, float64 "B V", of what follows."""
    mask = torch.ones(values.shape, dtype=torch.bool)
    position = torch.arange(values.shape[1], dtype=torch.float64).expand(values.shape)
    encoded = model.encode(model.names[0], since_first(Seq(values, mask, position)))
    head = model.head
    assert isinstance(head, Continuing)
    found: Array = head.following(encoded).double().numpy()
    return found


def _allowed(chances: Array, spec: Spec, how: Drawing) -> Array:
    """Their probabilities at the temperature, 0 for what cannot be drawn."""
    scores = chances / how.temperature
    scores[:, [0, spec.names.index(BEGIN)]] = -np.inf
    if 0 < how.top < scores.shape[1]:
        least = np.partition(scores, -how.top, axis=1)[:, -how.top, None]
        scores = np.where(scores >= least, scores, -np.inf)
    shares = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))


def _drawn(chances: Array, random: list[float]) -> Array:
    """The token of each row at which the sum of the probabilities passes its random number, int64 "B"."""
    passed = chances.cumsum(1) > np.array(random)[:, None]
    passed[np.arange(len(chances)), chances.shape[1] - 1 - (chances[:, ::-1] > 0).argmax(1)] = True  # sums may stay below 1
    return np.asarray(passed.argmax(1))


def _told(row: list[int], spec: Spec, end: int, nats: float) -> Drawn:
    ended = row[-1] == end
    return Drawn("".join(spec.names[one] for one in (row[1:-1] if ended else row[1:])), ended, nats)
