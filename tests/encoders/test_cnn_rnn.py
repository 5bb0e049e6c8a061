"""A network over each step, then a recurrent one over the steps: what each part is, and the step in focus."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from sequela.config import convert
from sequela.encoders import cnn_rnn, resnet1d
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

BEATS = Spec("waveform", (2, 40), "seconds", side=2)
STEP = {"name": "resnet1d", "width": 3, "blocks": [1], "kernel": 3}


def built(spec: Spec = BEATS, **options: object) -> cnn_rnn.StepsThenStates:
    torch.manual_seed(0)
    return cnn_rnn.build(spec, convert({"step": STEP, "width": 6} | options, cnn_rnn.Config)).eval()


def beats(spec: Spec = BEATS, lengths: tuple[int, ...] = (5, 3, 0), steps: int = 5) -> Seq:
    """Rows of that many beats, 0.8 s apart, the last 0.4 s before the prediction."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(steps) < torch.tensor(lengths)[:, None]
    back = (torch.tensor(lengths)[:, None] - 1 - torch.arange(steps)).double()
    side = torch.randn(len(lengths), steps, spec.side, generator=generator) if spec.side else None
    values = torch.randn(len(lengths), steps, *spec.shape, generator=generator)
    return Seq(values, mask, (-0.4 - 0.8 * back).where(mask, 0.0), side=side)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_it_is_the_step_encoder_and_then_torch_s_own_recurrent_net(cell: str) -> None:
    encoder = built(cell=cell)
    seq = beats()
    vectors = encoder.each(seq).steps
    kind = nn.GRU if cell == "gru" else nn.LSTM
    plain = kind(vectors.shape[2], 6, batch_first=True)
    plain.load_state_dict({name.rpartition(".")[2]: value for name, value in encoder.stack.state_dict().items()})
    encoded = encoder(seq)
    for row, length in enumerate((5, 3)):
        states = plain(vectors[row : row + 1, :length])[0][0]
        torch.testing.assert_close(encoded.steps[row, :length], states)
        torch.testing.assert_close(encoded.pooled[row], states[-1])
    assert (encoded.pooled[2] == 0).all()


def test_its_step_encoder_is_the_registered_one() -> None:
    options = {key: value for key, value in STEP.items() if key != "name"}
    alone = resnet1d.build(BEATS, convert(options, resnet1d.Config)).eval()
    encoder = built()
    alone.load_state_dict(encoder.each.state_dict())
    torch.testing.assert_close(alone(beats()).steps, encoder.each(beats()).steps)


@pytest.mark.parametrize(
    ("focus", "steps"), [("0s", (4, 2)), ("400ms", (4, 2)), ("1.1s", (3, 1)), ("2s", (2, 0)), ("1h", (0, 0))]
)
def test_focus_is_the_state_at_the_step_nearest_to_that_time(focus: str, steps: tuple[int, int]) -> None:
    encoder = built(pool="focus", focus=focus, bidirectional=True)
    encoded = encoder(beats())
    for row, step in enumerate(steps):
        torch.testing.assert_close(encoded.pooled[row], encoded.steps[row, step], rtol=0, atol=0)
    assert (encoded.pooled[2] == 0).all()
    assert encoder.width == 12


def test_focus_in_days_is_the_same_moment() -> None:
    days = Spec("waveform", (2, 40), "days", side=2)
    seq = beats()
    in_days = Seq(seq.values, seq.mask, seq.position / 86_400, side=seq.side)
    one, other = built(pool="focus", focus="1.1s"), built(days, pool="focus", focus="1.1s")
    torch.testing.assert_close(one(seq).pooled, other(in_days).pooled)


def test_focus_stands_before_other_poolings() -> None:
    encoder = built(pool="focus+mean", focus="2s")
    encoded = encoder(beats())
    torch.testing.assert_close(encoded.pooled[0], torch.cat([encoded.steps[0, 2], encoded.steps[0].mean(0)]))
    assert encoder.width == 12


def test_both_directions_reach_the_focus_and_one_does_not() -> None:
    seq = beats()
    changed = Seq(seq.values.clone(), seq.mask, seq.position, side=seq.side)
    changed.values[0, 4] += 1.0  # the last beat, after the focus
    one = built(pool="focus", focus="2s")
    both = built(pool="focus", focus="2s", bidirectional=True)
    assert one.causal
    assert not both.causal
    torch.testing.assert_close(one(seq).pooled[0], one(changed).pooled[0])
    assert not torch.allclose(both(seq).pooled[0], both(changed).pooled[0])


def test_slices_are_read_by_an_image_encoder_and_the_row_s_numbers_follow() -> None:
    slices = Spec("slices", (1, 8, 8), "millimetres", context=2)
    seq = beats(slices)
    context = torch.arange(6.0).view(3, 2)
    encoder = built(slices, step={"name": "cnn", "channels": [2], "width": 4}, pool="mean")
    pooled = encoder(Seq(seq.values, seq.mask, seq.position, context=context)).pooled
    assert pooled.shape == (3, encoder.width) == (3, 8)
    torch.testing.assert_close(pooled[:, 6:], context)


def test_a_focus_without_times_an_unknown_pooling_and_a_wrong_step_encoder_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs steps with times"):
        built(Spec("waveform", (2, 40), "index"), pool="focus")
    with pytest.raises(ConfigError, match="there is no pooling 'center'"):
        built(pool="center")
    with pytest.raises(ConfigError, match="at most once"):
        built(pool="focus+focus")
    with pytest.raises(ConfigError, match="does not give one vector for each step"):
        built(Spec("image", (1, 8, 8), "index"), step={"name": "resnet", "width": 2, "blocks": [1], "map": True})
    with pytest.raises(ConfigError, match="no encoder is called 'resnet2d'"):
        built(step="resnet2d")


SLICES = Spec("slices", (1, 8, 8), "millimetres", context=2)
SMALL_CNN = {"name": "cnn", "channels": [2], "width": 4}


def slices(lengths: tuple[int, ...] = (5, 3, 0)) -> Seq:
    seq = beats(SLICES, lengths)
    return Seq(seq.values, seq.mask, seq.position, context=torch.arange(6.0).view(3, 2))


@pytest.mark.parametrize("over", ["lstm", "gru", "rnn", "mingru", "tcn", "transformer", "mlp"])
def test_any_encoder_of_vectors_reads_the_steps(over: str) -> None:
    encoder = built(SLICES, step=SMALL_CNN, width=64, over={"name": over, "width": 8})
    seq = slices()
    vectors = encoder.each(replace(seq, context=None)).steps
    alone = encoder.over(replace(seq, values=vectors.unsqueeze(2)))
    encoded = encoder(seq)
    torch.testing.assert_close(encoded.pooled, alone.pooled)
    torch.testing.assert_close(encoded.steps, alone.steps)
    assert encoded.pooled.shape == (3, encoder.width)
    assert (encoder.causal, encoder.steps_width) == (over != "transformer", 8)


def test_a_transformer_over_slices_sees_how_far_apart_they_lie() -> None:
    encoder = built(SLICES, step=SMALL_CNN, width=64, over={"name": "transformer", "width": 8})
    seq = slices()
    assert not torch.allclose(encoder(seq).pooled[0], encoder(replace(seq, position=seq.position * 5)).pooled[0], atol=1e-5)


def test_the_step_in_focus_stands_before_what_the_encoder_over_the_steps_gives() -> None:
    encoder = built(pool="focus", focus="2s", width=64, over={"name": "tcn", "width": 6})
    encoded = encoder(beats())
    alone = encoder.over(replace(beats(), values=encoder.each(beats()).steps.unsqueeze(2), side=None)).pooled
    torch.testing.assert_close(encoded.pooled[0], torch.cat([encoded.steps[0, 2], alone[0]]))
    assert encoder.width == 12


def test_options_of_the_encoder_over_the_steps_belong_to_it() -> None:
    with pytest.raises(ConfigError, match="beside it layers, which belongs to the encoder over the steps"):
        built(layers=2, width=64, over="lstm")
    with pytest.raises(ConfigError, match="beside it pool"):
        built(pool="mean", width=64, over="lstm")
    with pytest.raises(ConfigError, match=r"numbers of shape \(1, 4\); this encoder reads \(C, H, W\)"):
        built(SLICES, step=SMALL_CNN, width=64, over="resnet")
