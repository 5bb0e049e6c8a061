"""Which code comes next? A language model over codes: after each step of a causal encoder, the codes of the step that follows.

The target is the input itself, so a study that asks this has no outcome. After a code comes one code, a softmax over the
vocabulary (Bengio 2003). After a visit comes a set of codes: they are taken as drawn one by one from the same distribution, so
that the loss is a sum over the codes of the next visit (as in Doctor AI, Choi 2016) and a perplexity is that of a code in both
forms. Code 0, what the vocabulary lacks, is foreseen like any other. The first step of a row is given, not foreseen.

Times count from the row's first step here, not back from the prediction: how long a record goes on is not told in advance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sequela.errors import ConfigError, DataError
from sequela.nn import head as heads
from sequela.nn import mask as masks
from sequela.types import Answer, Array, Encoded, Likeliest, Ragged, Seq, Spec, Target

SUMS = ("nats", "first", "in_10")  # of a row's codes: minus the log of their probability; how many were the likeliest; of the ten
RANKED = 10  # codes that an answer names
PIECE = 9 << 20  # scores held at once: 36 MiB; glibc gives blocks above 32 MiB back at once, and lets smaller ones pile up


class Config(heads.Config, frozen=True):
    """The options of a head."""


class Following(NamedTuple):
    """The steps that are followed by another one, S of them laid end to end, and what follows each."""

    vectors: Tensor  # float "S D"
    codes: Tensor  # int64 "S N"
    seen: Tensor  # bool "S N": which of the codes are real


class NextCodes(nn.Module):
    """The sums of each row over the codes that it foresees: "B 1", the nats, while training.

    Else "B 3+2L": all sums, then the L likeliest codes after the last step, and their probabilities. No more than PIECE scores
    exist at once, whatever the number of steps: while training, those of a piece are made again for the gradient.
    """

    def __init__(self, width: int, vocabulary: int, config: heads.Config) -> None:
        super().__init__()
        inner = config.hidden or width
        self.hidden = nn.Sequential(nn.Linear(width, inner), nn.ReLU()) if config.hidden else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(inner, vocabulary)

    def forward(self, encoded: Encoded) -> Tensor:
        if encoded.steps is None or encoded.seq is None:
            raise ValueError("this head needs the steps of one input, and what was read")
        follows = encoded.mask[:, 1:]
        following = _following(self._inner(encoded.steps[:, :-1][follows]), encoded.seq, follows)
        if self.training:
            return _by_row(self._in_pieces(self._nats, following), follows)
        sums = _by_row(self._in_pieces(self._sums, following), follows)
        return torch.cat([sums, *self._likeliest(masks.last(encoded.steps, encoded.mask))], 1)

    def following(self, encoded: Encoded) -> Tensor:
        """The log-probabilities "B V" of the code that comes after the last step of each row."""
        if encoded.steps is None:
            raise ValueError("this head needs the steps of one input")
        found: Tensor = self.out(self._inner(masks.last(encoded.steps, encoded.mask))).log_softmax(1)
        return found

    def _inner(self, vectors: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(vectors)
        return dropped if isinstance(self.hidden, nn.Identity) else self.dropout(self.hidden(dropped))

    def _in_pieces(self, measure: Callable[..., Tensor], following: Following) -> Tensor:
        """The measure "S k" of every step."""
        size = max(1, PIECE // self.out.out_features)
        pieces = list(zip(*(torch.split(part, size) for part in following), strict=True))
        if len(pieces) > 1 and torch.is_grad_enabled():
            return torch.cat([checkpoint(measure, *piece, use_reentrant=False) for piece in pieces])
        return torch.cat([measure(*piece) for piece in pieces])

    def _nats(self, vectors: Tensor, codes: Tensor, seen: Tensor) -> Tensor:
        return _nats(self.out(vectors), codes, seen)

    def _sums(self, vectors: Tensor, codes: Tensor, seen: Tensor) -> Tensor:
        scores = self.out(vectors)
        own = scores.gather(1, codes)
        above = torch.stack([(scores > one.unsqueeze(1)).sum(1) for one in own.unbind(1)], 1)
        hits = [((above < most) & seen).sum(1, keepdim=True).to(scores.dtype) for most in (1, RANKED)]
        return torch.cat([_nats(scores, codes, seen), *hits], 1)

    def _likeliest(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        ranked = self.out(self._inner(vectors)).softmax(1).topk(min(RANKED, self.out.out_features), 1)
        return ranked.indices.to(vectors.dtype), ranked.values


def _following(vectors: Tensor, seq: Seq, follows: Tensor) -> Following:
    codes = seq.values[:, 1:][follows]
    if codes.dim() == 1:
        return Following(vectors, codes.unsqueeze(1), torch.ones_like(codes, dtype=torch.bool).unsqueeze(1))
    seen = torch.ones_like(codes, dtype=torch.bool) if seq.seen is None else seq.seen[:, 1:][follows]
    return Following(vectors, codes.where(seen, 0), seen)


def _nats(scores: Tensor, codes: Tensor, seen: Tensor) -> Tensor:
    """Minus the log-probability "S 1" of the codes that are real, summed."""
    nats = scores.logsumexp(1, keepdim=True) - scores.gather(1, codes)
    return nats.where(seen, 0.0).sum(1, keepdim=True)


def _by_row(steps: Tensor, follows: Tensor) -> Tensor:
    """The sums "B k" of what steps "S k" have, over the steps of each row."""
    padded = steps.new_zeros(*follows.shape, steps.shape[1])
    padded[follows] = steps
    return padded.sum(1)


@dataclass(frozen=True, slots=True)
class NextEvent:
    """V scores after each step."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["steps"]] = "steps"
    kind: ClassVar[Literal["next_event"]] = "next_event"
    causal: ClassVar[bool] = True

    def check(self, target: Target) -> None:
        """Raises DataError where no row has two steps, so that nothing is foreseen."""
        if not target.known.any():
            raise DataError(
                f"none of {len(target.values)} training rows has a second step to foresee",
                hint="look at the history of the cohort, and at what the input reads",
            )

    def head(self, width: int) -> nn.Module:
        return NextCodes(width, len(self.names), self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Nothing: the rows' counts say nothing of the codes."""

    def loss(self, out: Tensor, target: Target) -> Tensor:
        """The nats of each row, summed over the codes that it foresees."""
        return out[:, 0].where(target.known[:, 0], 0.0)

    def balance(self, target: Target) -> Array:
        raise ConfigError("next_event foresees codes as often as they occur: there are no classes to balance")

    def answer(self, out: Tensor) -> Answer:
        values = out.detach().double().cpu().numpy()
        ranked = values[:, len(SUMS) :]
        codes, probabilities = np.split(ranked, 2, axis=1)
        return Answer("values", values[:, : len(SUMS)], SUMS, Likeliest(codes.astype(np.int64), probabilities))


def build(config: Config, names: tuple[str, ...]) -> NextEvent:
    return NextEvent(config, names)


# ------------------------------------------------------------------------------------------------------- the input as its target


def own_names(specs: Mapping[str, Spec]) -> tuple[str, ...]:
    """The vocabulary of the one input. Raises ConfigError where there are several, or it holds no codes, or more than codes."""
    if len(specs) != 1:
        raise ConfigError(f"next_event foresees the codes of one input, and the study has {len(specs)}: {', '.join(specs)}")
    ((name, spec),) = specs.items()
    if not spec.vocabulary:
        raise ConfigError(f"next_event foresees codes, and inputs.{name} is of {spec.kind}", hint='take modality = "codes"')
    _words_alone(name, spec)
    return spec.names if len(spec.names) == spec.vocabulary else tuple(map(str, range(spec.vocabulary)))


def _words_alone(name: str, spec: Spec) -> None:
    """Raises ConfigError where a word is not its number alone: letters are no codes, and what is said of it may be said later."""
    if spec.words is not None:
        raise ConfigError(f"next_event foresees words, and inputs.{name} tells their characters too", hint="characters = 0")
    if spec.kind == "text" and spec.side:
        raise ConfigError(
            f"next_event foresees words, and what stands beside those of inputs.{name} may be told by later ones",
            hint="side = []",
        )


def own_target(inputs: Mapping[str, Ragged], specs: Mapping[str, Spec]) -> Target:
    """How many codes each row foresees: those of every step but its first; not known where there is none."""
    (ragged,) = inputs.values()
    count = _codes_after_the_first(ragged).astype(np.float64)[:, None]
    return Target(count, count > 0, own_names(specs))


def _codes_after_the_first(ragged: Ragged) -> Array:
    if ragged.seen is None or len(ragged.seen.shape) == 1:
        each = int(np.prod(ragged.values.shape[1:]))
        return np.asarray(np.maximum(ragged.lengths - 1, 0) * each)
    step = np.arange(int(ragged.offsets[-1]))
    held = ragged.seen[step if ragged.take is None else ragged.take].sum(1)
    held[ragged.offsets[:-1][ragged.lengths > 0]] = 0
    total = np.concatenate([[0], np.cumsum(held)])
    return np.asarray(total[ragged.offsets[1:]] - total[ragged.offsets[:-1]])
