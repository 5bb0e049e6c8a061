"""From the steps of one input to the tags of each row's chain: the last layers of the tasks that know what follows what."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from sequela.nn import head as heads
from sequela.nn.crf import CRF, Allowed, Chain
from sequela.types import Encoded


class Chained(NamedTuple):
    """What is said of the tags of a batch."""

    emissions: Tensor  # "B T K"
    chain: Chain
    mask: Tensor  # bool "B T"


class ChainHead(nn.Module):
    """Emissions of each step by a linear map or a small net, beside a chain: learnt, or one that only bars."""

    def __init__(
        self, width: int, tags: int, config: heads.Config, allowed: Allowed | None = None, *, learnt: bool = True
    ) -> None:
        super().__init__()
        self.head = heads.Head(width, tags, config)
        self.chain = CRF(tags, allowed, learnt=learnt)

    def forward(self, encoded: Encoded) -> Chained:
        return Chained(heads.of_steps(self.head, encoded), self.chain(), encoded.mask)
