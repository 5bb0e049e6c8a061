"""Which stretches of a text name something, and of what type? Diseases in an abstract, drugs in a letter.

Every word is tagged: outside, or beginning, inside, end or whole of a stretch (`text/scheme.py`). A linear-chain CRF over
the tags learns what follows what, and never reads an illegal path (Lample 2016). Without it words are tagged one by one, and read
off as the best legal path. The score of a stretch is its posterior probability: the share, among all legal paths by their
probability, of those that have just this stretch, so a score of .7 is right in 7 of 10 cases if the model is calibrated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sequela.errors import ConfigError, DataError
from sequela.nn import crf
from sequela.nn import head as heads
from sequela.nn import loss as losses
from sequela.nn.chained import Chained, ChainHead
from sequela.nn.crf import Allowed, Chain, Stretches
from sequela.text import scheme
from sequela.types import Answer, Array, Spanned, Spans, Target

KIND = "entities"


class Config(heads.Config, frozen=True):
    crf: bool = True  # a chain over the tags is learnt; False: each step is tagged by itself


@dataclass(frozen=True, slots=True)
class Entities:
    """Stretches of K types in one text a row."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["steps"]] = "steps"
    kind: ClassVar[Literal["entities"]] = "entities"

    def check(self, target: Target) -> None:
        """Raises DataError where nobody read a text, or no stretch of a type is marked."""
        tag = _tags(target)
        if not len(tag):
            raise DataError(
                f"none of the texts of {len(target.values)} training rows was read for marks",
                hint="marks are the events SPANS//<name>: does outcome.spans name them, and does each text have words?",
            )
        counts = _counts(tag, len(self.names))
        absent = [name for name, count in zip(self.names, counts, strict=True) if not count]
        if absent:
            raise DataError(
                f"nothing is marked as {', '.join(map(repr, absent))} in the texts of {int(target.known.sum())} training rows",
                hint="leave the type out of outcome.classes, or look at the split",
            )

    def head(self, width: int) -> nn.Module:
        legal = scheme.legal(len(self.names))
        allowed = Allowed(*(torch.from_numpy(part) for part in (legal.follows, legal.first, legal.last)))
        return ChainHead(width, scheme.size(len(self.names)), self.config, allowed, learnt=self.config.crf)

    def start(self, head: nn.Module, target: Target) -> None:
        """Tells the head how frequent each tag is."""
        assert isinstance(head, ChainHead)
        tag = _tags(target)
        share = losses.shares(tag, np.ones(len(tag), bool), scheme.size(len(self.names)))
        head.head.begin_at(torch.as_tensor(np.log(share), dtype=torch.float32))

    def loss(self, out: Chained, target: Target) -> Tensor:
        """Minus the log-likelihood of each row's tags; 0 where nobody read the text."""
        if self.config.crf:
            return -crf.log_likelihood(out.emissions, out.chain, target.dense, out.mask)
        each = functional.cross_entropy(out.emissions.transpose(1, 2), target.dense, ignore_index=-1, reduction="none")
        return each.sum(1)

    def balance(self, target: Target) -> Array:
        """Raises ConfigError: a text is of no class."""
        raise ConfigError("stretches have types, texts have none: there is nothing to balance", hint='set balance = "none"')

    def answer(self, out: Chained) -> Answer:
        return self.spanned(out, out.mask)

    def agreed(self, outs: Sequence[Chained]) -> Chained:
        """The mean of the emissions and of the chains: a logarithmic opinion pool (Smith, Cohn and Osborne 2005, section 3)."""
        emissions = torch.stack([out.emissions for out in outs]).mean(0)
        chain = Chain(*(torch.stack(parts).mean(0) for parts in zip(*(out.chain for out in outs), strict=True)))
        return Chained(emissions, chain, outs[0].mask)

    def spanned(self, out: Chained, mask: Tensor) -> Answer:
        """The stretches of the best path of each row, in steps, and the sum of their scores by type."""
        path, _ = crf.viterbi(out.emissions, out.chain, mask)
        found = [scheme.stretches(tags[: int(count)]) for tags, count in zip(path.cpu().numpy(), mask.sum(1).cpu(), strict=True)]
        row = np.repeat(np.arange(len(found)), [len(one) for one in found])
        begin, end, label = np.array([stretch for one in found for stretch in one], np.int64).reshape(-1, 3).T
        asked = Stretches(*(torch.as_tensor(part, device=mask.device) for part in (row, begin, end)))
        score = crf.confidence(out.emissions, out.chain, mask, path, asked).cpu().numpy()
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in found])]).astype(np.int64)
        values = np.bincount(row * len(self.names) + label, score, len(found) * len(self.names))
        values = values.reshape(len(found), len(self.names)).astype(np.float64)
        return Answer("spans", values, self.names, spanned=Spans(offsets, begin, end, label, score))


def _tags(target: Target) -> Array:
    """int64 "S": of the steps whose tag is known."""
    spanned = target.dense
    assert isinstance(spanned, Spanned)
    value: Array = spanned.tags.value[spanned.tags.judged & (spanned.tags.value >= 0)]
    return value


def _counts(tag: Array, types: int) -> Array:
    """How many steps each type has, int64 "K"."""
    return np.bincount((tag[tag != scheme.OUTSIDE] - 1) // 4, minlength=types)


def build(config: Config, names: tuple[str, ...]) -> Entities:
    if not names:
        raise ConfigError("entities need one type or more", hint="name them in outcome.classes")
    return Entities(config, names)
