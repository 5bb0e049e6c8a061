"""The power of a signal at each frequency, in short windows one after another: a spectrogram on a logarithmic scale."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sequela.nn import conv

FLOOR = 1e-4  # added to a power before its logarithm, in squares of the unit that signals are scaled to


class Spectrum(nn.Module):
    """Maps "S C L" to "S C*bins frames": the logarithm of power, normalised for each channel and frequency (Welch 1967).

    Frame f covers the samples from f * hop on, under a Hann window. Bin k is k / length of the sampling rate. What is left of a
    signal after its last whole frame is not read; a signal shorter than one frame is taken as one, with zeros after it.
    """

    waves: Tensor

    def __init__(self, channels: int, length: int, hop: int, bins: int, norm: conv.NormName) -> None:
        super().__init__()
        self.length, self.hop, self.width = length, hop, channels * bins
        self.register_buffer("waves", _waves(length, bins), persistent=False)
        self.norm = conv.norm(norm, self.width)

    def forward(self, values: Tensor) -> Tensor:
        short = max(self.length - values.shape[2], 0)
        frames = nn.functional.pad(values, (0, short)).unfold(2, self.length, self.hop)  # S C frames length
        cosine, sine = (frames @ self.waves).chunk(2, 3)
        power = (cosine.square() + sine.square() + FLOOR).log()
        found: Tensor = self.norm(power.transpose(2, 3).flatten(1, 2))
        return found


def _waves(length: int, bins: int) -> Tensor:
    """Cosines, then sines of each bin under the window, float32 "length 2*bins": white noise of power 1 gives 1 in each."""
    window = torch.hann_window(length, dtype=torch.float64)
    phase = 2 * math.pi / length * torch.arange(length)[:, None] * torch.arange(bins)
    both = torch.cat([phase.cos(), phase.sin()], 1) * window[:, None]
    return (both / window.square().sum().sqrt()).float()
