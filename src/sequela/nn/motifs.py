"""A convolution over steps laid out as "B T D" that keeps them where they are: each is answered for with what is around it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Motifs(nn.Module):
    """How well each filter fits the `kernel` steps around each step, "B T filters" of "B T D"; beyond the ends stand zeros.

    Of an even kernel the larger half stands behind. Padding must be 0, as nn/steps.py gives it.
    """

    def __init__(self, width: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, filters, kernel)
        self.around = ((kernel - 1) // 2, kernel // 2)

    def forward(self, vectors: Tensor) -> Tensor:
        channels = functional.pad(vectors.transpose(1, 2), self.around)
        answers: Tensor = self.convolution(channels)
        return answers.transpose(1, 2)
