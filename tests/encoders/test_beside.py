"""The encoder of the numbers beside steps: the windows are not read, numbers are left out by row, in training alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sequela.config import convert
from sequela.encoders import beside, cnn_rnn
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

SPEC = Spec("waveform", (2, 30), "seconds", side=5)


def built(spec: Spec = SPEC, **options: object) -> beside.Beside:
    torch.manual_seed(0)
    return beside.build(spec, convert(options, beside.Config))


def sequence(rows: int = 3, steps: int = 4) -> Seq:
    generator = torch.Generator().manual_seed(0)
    mask = torch.ones(rows, steps, dtype=torch.bool)
    mask[-1, 2:] = False
    side = torch.randn(rows, steps, 5, generator=generator) * mask.unsqueeze(2)
    values = torch.randn(rows, steps, 2, 30, generator=generator)
    return Seq(values, mask, torch.zeros(rows, steps, dtype=torch.float64), side=side)


def test_the_windows_change_nothing_and_each_number_does() -> None:
    encoder, seq = built().eval(), sequence()
    told = encoder(seq)
    torch.testing.assert_close(encoder(replace(seq, values=seq.values + 1)).steps, told.steps)
    for place in range(5):
        other = seq.side.clone()
        other[..., place] += 3
        assert not torch.equal(encoder(replace(seq, side=other)).steps, told.steps)


def test_a_step_is_a_linear_map_and_relu_of_its_numbers() -> None:
    encoder, seq = built(width=7).eval(), sequence()
    layer = encoder.layer[0]
    expected = (seq.side @ layer.weight.T + layer.bias).clamp_min(0) * seq.mask.unsqueeze(2)
    torch.testing.assert_close(encoder(seq).steps, expected)
    torch.testing.assert_close(encoder(seq).pooled[2], expected[2, :2].mean(0))


def test_numbers_are_left_out_of_whole_rows_in_training_alone() -> None:
    encoder, seq = built(side_dropout=0.5), sequence()
    read: list[torch.Tensor] = []
    encoder.layer.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    encoder(seq)
    share = (read[0] / seq.side)[:2]
    assert (share == share[:, :1]).all() and set(share.unique().tolist()) == {0.0, 2.0}
    encoder.eval()(seq)
    torch.testing.assert_close(read[1], seq.side)


def test_noise_is_added_in_training_alone() -> None:
    encoder, seq = built(noise=0.5), sequence()
    assert not torch.equal(encoder(seq).steps, encoder(seq).steps)
    torch.testing.assert_close(encoder.eval()(seq).steps, built().eval()(seq).steps)


def test_steps_without_numbers_are_refused() -> None:
    with pytest.raises(ConfigError, match="no numbers stand beside"):
        built(replace(SPEC, side=0))


def test_it_stands_under_a_recurrent_net_as_any_network_of_steps() -> None:
    config = convert(
        {"step": {"name": "beside", "width": 6}, "over": {"name": "gru", "width": 4, "bidirectional": True}}, cnn_rnn.Config
    )
    assert cnn_rnn.build(SPEC, config).eval()(sequence()).steps.shape == (3, 4, 8)
