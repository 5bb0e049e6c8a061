"""A recurrent net over the shortened time axis of a window: what each part is, and its spectrogram."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sequela.config import convert
from sequela.encoders import crnn
from sequela.errors import ConfigError
from sequela.nn import stepwise
from sequela.types import Seq, Spec

WINDOW = Spec("waveform", (2, 64), "seconds")
SMALL = {"channels": [3, 5], "stride": 2, "kernel": 5, "width": 4}


def built(spec: Spec = WINDOW, **options: object) -> stepwise.Stepwise:
    torch.manual_seed(0)
    return crnn.build(spec, convert(SMALL | options, crnn.Config)).eval()


def windows(rows: int, spec: Spec = WINDOW) -> Seq:
    values = torch.randn(rows, 1, *spec.shape, generator=torch.Generator().manual_seed(1))
    return Seq(values, torch.ones(rows, 1, dtype=torch.bool), torch.zeros(rows, 1, dtype=torch.float64))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_it_is_convolutions_and_then_torch_s_own_recurrent_net_over_what_they_leave(cell: str) -> None:
    encoder, seq = built(cell=cell, bidirectional=False, inside="last"), windows(3)
    shortened = encoder.net.layers(seq.values[:, 0]).transpose(1, 2)
    assert shortened.shape == (3, 16, 5)
    plain = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](5, 4, batch_first=True)
    plain.load_state_dict({name.rpartition(".")[2]: value for name, value in encoder.net.stack.state_dict().items()})
    torch.testing.assert_close(encoder(seq).pooled, plain(shortened)[0][:, -1])


def test_the_last_state_of_what_was_read_backwards_is_that_at_the_first_sample() -> None:
    encoder, seq = built(inside="last"), windows(3)
    states = encoder.net(seq.values[:, 0])
    expected = torch.cat([states[:, :4, -1], states[:, 4:, 0]], 1)
    torch.testing.assert_close(encoder(seq).pooled, expected)


def test_a_later_sample_reaches_the_vector_however_long_the_window() -> None:
    spec = Spec("waveform", (1, 4096), "seconds")
    encoder, seq = built(spec), windows(1, spec)
    changed = seq.values.clone()
    changed[0, 0, 0, -1] += 5
    assert not torch.allclose(encoder(seq).pooled, encoder(Seq(changed, seq.mask, seq.position)).pooled, atol=1e-6)


def test_with_a_spectrum_a_rhythm_is_told_whatever_its_phase() -> None:
    spec = Spec("waveform", (1, 256), "seconds")
    encoder = built(spec, spectrum={"length": 64, "hop": 16, "bins": 20}, stride=1)
    time = torch.arange(256.0)

    def pooled(cycles: float, phase: float) -> torch.Tensor:
        wave = torch.sin(2 * torch.pi * cycles / 64 * time + phase).view(1, 1, 1, -1)
        return encoder(Seq(wave, torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1, dtype=torch.float64))).pooled

    same, other = pooled(8, 0.0) - pooled(8, 1.0), pooled(8, 0.0) - pooled(12, 0.0)
    assert same.abs().max() < 0.1 * other.abs().max()


def test_more_frequencies_than_a_frame_has_and_an_even_kernel_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"a frame of 16 samples has 9 frequencies, and spectrum\.bins asks for 10"):
        built(spectrum={"length": 16, "bins": 10})
    with pytest.raises(ConfigError, match="kernel is 6; expected an odd number"):
        built(kernel=6)
