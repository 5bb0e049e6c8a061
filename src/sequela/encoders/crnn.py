"""Convolutions over the samples of a long window, then an LSTM or GRU over the shortened time axis of the same window.

After Shi 2017 (CRNN) and, for signals, Supratak 2017 (DeepSleepNet); a network over several windows, one a step, is `cnn_rnn`.
With `spectrum` the convolutions read the window's spectrogram, log power in short frames, in place of its samples: for signals
whose rhythms matter more than their shapes, such as an electroencephalogram.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn import conv, recurrent, stepwise
from sequela.nn.spectrum import Spectrum
from sequela.types import Spec


class Frames(Strict, frozen=True):
    """A spectrogram."""

    length: Annotated[int, Meta(ge=2)] = 512  # samples of a frame
    hop: Annotated[int, Meta(ge=1)] = 128  # samples from one frame to the next
    bins: Annotated[int, Meta(ge=0)] = 0  # the lowest so many frequencies, each rate / length above the last; 0: all


class Config(Strict, frozen=True):
    spectrum: Frames | None = None  # what the convolutions read in place of samples
    channels: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (32, 64, 64)  # of each convolution
    kernel: Annotated[int, Meta(ge=1)] = 7  # samples or frames, odd
    stride: Annotated[int, Meta(ge=1)] = 4  # of each convolution
    cell: Literal["lstm", "gru"] = "gru"
    width: Annotated[int, Meta(ge=1)] = 64  # of the state, in each direction
    layers: Annotated[int, Meta(ge=1)] = 1
    bidirectional: bool = True
    norm: conv.NormName = "batch"
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # after each convolution, between layers, and of the pooled vector
    inside: str | list[str] = "mean+max"  # over the states of a window: last, mean, max, attention, or several side by side
    pool: stepwise.PoolName = "mean"  # over the windows of a row


class ConvolvedStates(nn.Module):
    """Maps windows "S C L" to the states "S D L'" over what their convolutions leave."""

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.front = nn.Identity() if config.spectrum is None else _spectrum(spec, config.spectrum, config.norm)
        narrow = spec.shape[0] if not isinstance(self.front, Spectrum) else self.front.width
        blocks = conv.Blocks(1, config.kernel, config.norm)
        layers: list[nn.Module] = []
        for wide in config.channels:
            layers += [*blocks.part(narrow, wide, config.kernel, config.stride), nn.Dropout(config.dropout)]
            narrow = wide
        self.layers = nn.Sequential(*layers)
        plan = recurrent.Config(
            width=config.width, layers=config.layers, bidirectional=config.bidirectional, dropout=config.dropout
        )
        self.stack = recurrent.Stack(narrow, plan, recurrent.fused(config.cell))
        self.width = self.stack.width

    def forward(self, values: Tensor) -> Tensor:
        steps = self.layers(self.front(values)).transpose(1, 2)
        every = steps.new_ones(steps.shape[:2]).bool()
        initial = steps.new_zeros(len(steps), self.stack.states * self.stack.state)
        states: Tensor = self.stack(steps, every, initial)
        return states.transpose(1, 2)


def _spectrum(spec: Spec, frames: Frames, norm: conv.NormName) -> Spectrum:
    most = frames.length // 2 + 1
    if frames.bins > most:
        raise ConfigError(f"a frame of {frames.length} samples has {most} frequencies, and spectrum.bins asks for {frames.bins}")
    return Spectrum(spec.shape[0], frames.length, frames.hop, frames.bins or most, norm)


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for windows "C L".

    Raises ConfigError where a step is no window, the kernel is even, or more frequencies are asked for than a frame has.
    """
    stepwise.refuse_other(spec, "C L")
    conv.refuse_even("kernel", config.kernel)
    net = ConvolvedStates(spec, config)
    output = stepwise.Output(config.pool, config.dropout, inside=config.inside, backward=config.bidirectional)
    return stepwise.Stepwise(net, net.width, spec, output)
