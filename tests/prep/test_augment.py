"""Augmentation: every change is what it says, replayable, and leaves alone what is not there."""

from __future__ import annotations

import math

import pytest
import torch

from sequela.errors import ConfigError
from sequela.prep import augment
from sequela.types import Seq, Spec

IMAGE = Spec("image", (1, 16, 16), "days", ("grey",), single=True)
COLOUR = Spec("image", (3, 12, 20), "days", ("red", "green", "blue"), single=True)
WAVE = Spec("waveform", (2, 50), "seconds", ("I", "II"))
ALL = {
    "image": ["scale", "rotate", "shift", "flip", "brightness", "contrast", "noise", "erase"],
    "waveform": ["amplitude", "shift", "noise", "channel_drop", "time_warp"],
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(spec, rows=6, steps=1, seed=0):
    values = torch.randn(rows, steps, *spec.shape, generator=generator(seed))
    return Seq(values, torch.ones(rows, steps, dtype=torch.bool), torch.zeros(rows, steps, dtype=torch.float64))


@pytest.mark.parametrize(("spec", "steps"), [(IMAGE, 1), (COLOUR, 2), (WAVE, 3)])
def test_the_same_generator_gives_the_same_change_and_another_another(spec, steps):
    seq = batch(spec, steps=steps)
    change = augment.build(ALL[spec.kind], spec)
    first, again, other = (change(seq, generator(seed)).values for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other) and not torch.allclose(first, seq.values)
    assert first.shape == seq.values.shape and first.dtype == torch.float32 and first.isfinite().all()


@pytest.mark.parametrize("spec", [IMAGE, WAVE])
def test_what_was_drawn_can_be_replayed_and_the_batch_itself_is_untouched(spec):
    seq = batch(spec, steps=2)
    before = seq.values.clone()
    change = augment.build(ALL[spec.kind], spec)
    drawn = change.draw(seq, generator(3))
    assert torch.equal(change.apply(seq, drawn).values, change.apply(seq, drawn).values)
    assert torch.equal(change.apply(seq, drawn).values, change(seq, generator(3)).values)
    assert torch.equal(seq.values, before)


@pytest.mark.parametrize("spec", [IMAGE, COLOUR, WAVE])
def test_amounts_of_nothing_change_nothing(spec):
    options = {
        "rotate": {"degrees": 0.0},
        "flip": {"horizontal": 0.0},
        "noise": {"sd": 0.0},
        "erase": {"often": 0.0},
        "channel_drop": {"often": 0.0},
    }
    named = [{"name": name} | options.get(name, {"by": 0.0}) for name in ALL[spec.kind]]
    seq = batch(spec, steps=2)
    torch.testing.assert_close(augment.build(named, spec)(seq, generator()).values, seq.values, atol=2e-5, rtol=0)


@pytest.mark.parametrize("spec", [IMAGE, WAVE])
def test_padding_and_what_was_not_seen_stay_zero(spec):
    seq = batch(spec, rows=4, steps=3)
    mask = torch.tensor([[True, True, True], [True, False, False], [False, False, False], [True, True, False]])
    seen = torch.rand(4, 3, *spec.shape, generator=generator(9)) > 0.3
    real = mask.reshape(4, 3, *[1] * len(spec.shape)) & seen
    masked = Seq(seq.values * real, mask, seq.position, seen)
    changed = augment.build(ALL[spec.kind], spec)(masked, generator(1)).values
    assert not changed[~mask].any() and not changed[~seen].any()
    assert changed[mask].any()


def test_a_flip_is_a_mirror():
    seq = batch(COLOUR)
    across = augment.build([{"name": "flip", "horizontal": 1.0}], COLOUR)(seq, generator()).values
    torch.testing.assert_close(across, seq.values.flip(-1), atol=1e-4, rtol=0)
    down = augment.build([{"name": "flip", "horizontal": 0.0, "vertical": 1.0}], COLOUR)(seq, generator()).values
    torch.testing.assert_close(down, seq.values.flip(-2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("spec", [IMAGE, COLOUR])
def test_a_quarter_turn_turns_the_image_and_bends_nothing(spec):
    seq = batch(spec)
    change = augment.build(["rotate"], spec)
    c, s = math.cos(math.pi / 2), math.sin(math.pi / 2)
    turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0]]).expand(6, 2, 3)
    turned = change.apply(seq, (turn,)).values
    side = min(spec.shape[1:])
    top, left = (spec.shape[1] - side) // 2, (spec.shape[2] - side) // 2

    def middle(values):
        return values[..., top : top + side, left : left + side]

    torch.testing.assert_close(middle(turned), torch.rot90(middle(seq.values), 1, (-2, -1)), atol=1e-4, rtol=0)


def test_a_shift_of_two_pixels_moves_by_two_pixels_and_repeats_the_edge():
    seq = batch(IMAGE)
    moved = torch.eye(2, 3).repeat(6, 1, 1)
    moved[:, 0, 2] = 2 * 2 / 16
    changed = augment.build(["shift"], IMAGE).apply(seq, (moved,)).values
    torch.testing.assert_close(changed[..., :-2], seq.values[..., 2:], atol=1e-4, rtol=0)
    torch.testing.assert_close(changed[..., -1], seq.values[..., -1], atol=1e-4, rtol=0)


def test_moves_of_pixels_together_are_close_to_one_after_another():
    smooth = torch.sin(torch.arange(16) / 4)[:, None] * torch.cos(torch.arange(16) / 5)
    seq = Seq(smooth.expand(3, 1, 1, 16, 16), torch.ones(3, 1, dtype=torch.bool), None)
    names = ["flip", "rotate", "shift"]
    together = augment.build(names, IMAGE)
    drawn = together.draw(seq, generator(2))
    apart = seq
    for name, numbers in zip(names, drawn, strict=True):
        apart = augment.build([name], IMAGE).apply(apart, (numbers,))
    inner = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(together.apply(seq, drawn).values[inner], apart.values[inner], atol=0.02, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_of_pixels_change_as_the_image_does(channels):
    names = ("red", "green", "blue")[:channels]
    whole, rows = Spec("image", (channels, 9, 7), "days", names), Spec("image", (7 * channels,), "index", names)
    seq = batch(whole)
    folded = Seq(seq.values[:, 0].permute(0, 2, 3, 1).reshape(6, 9, -1), torch.ones(6, 9, dtype=torch.bool), None)
    expected = augment.build(ALL["image"], whole)(seq, generator(4)).values
    found = augment.build(ALL["image"], rows)(folded, generator(4)).values
    torch.testing.assert_close(found, expected[:, 0].permute(0, 2, 3, 1).reshape(6, 9, -1))


def test_erasing_sets_a_box_to_the_mean_of_the_training_images():
    seq = batch(COLOUR)
    changed = augment.build([{"name": "erase", "often": 1.0, "share": 0.5}], COLOUR)(seq, generator(1)).values
    gone = (changed == 0).all(2)
    assert ((changed == seq.values) | (changed == 0)).all()
    assert 0 < gone.float().mean() < 0.25


def test_contrast_keeps_the_mean_and_brightness_keeps_the_spread():
    seq = batch(IMAGE)
    contrast = augment.build(["contrast"], IMAGE)(seq, generator(1)).values
    torch.testing.assert_close(contrast.mean((2, 3, 4)), seq.values.mean((2, 3, 4)), atol=1e-5, rtol=0)
    brightness = augment.build(["brightness"], IMAGE)(seq, generator(1)).values
    torch.testing.assert_close(brightness.std((2, 3, 4)), seq.values.std((2, 3, 4)))
    assert not torch.allclose(contrast, seq.values) and not torch.allclose(brightness, seq.values)


def test_noise_has_at_most_the_spread_asked_for():
    seq = batch(WAVE, rows=200)
    added = augment.build([{"name": "noise", "sd": 0.5}], WAVE)(seq, generator()).values - seq.values
    spread = added.std((1, 2, 3))
    assert spread.max() < 0.6 and 0.2 < spread.mean() < 0.3


def test_dropping_channels_always_leaves_one():
    seq = batch(WAVE, rows=100)
    for often in (0.5, 1.0):
        changed = augment.build([{"name": "channel_drop", "often": often}], WAVE)(seq, generator()).values
        left = changed.abs().amax(-1) > 0
        assert left.any(-1).all() and not left.all()
    assert (left.sum(-1) == 1).all()


def test_a_waveform_is_shifted_by_whole_samples_exactly():
    seq = batch(WAVE)
    changed = augment.build(["shift"], WAVE).apply(seq, (torch.full((6, 1), 3 / 49),)).values
    torch.testing.assert_close(changed[..., :-3], seq.values[..., 3:], atol=1e-4, rtol=0)
    torch.testing.assert_close(changed[..., -3:], seq.values[..., -1:].expand(6, 1, 2, 3), atol=1e-4, rtol=0)


def test_warped_time_never_runs_backward_and_keeps_its_ends():
    ramp = torch.linspace(0, 1, 50).expand(200, 1, 2, 50)
    seq = Seq(ramp, torch.ones(200, 1, dtype=torch.bool), None)
    changed = augment.build([{"name": "time_warp", "by": 0.2}], WAVE)(seq, generator()).values
    speed = changed.diff(dim=-1) * 49
    assert 0.79 < speed.min() < 0.95 and 1.05 < speed.max() < 1.21
    torch.testing.assert_close(changed[..., [0, -1]], ramp[..., [0, -1]], atol=1e-5, rtol=0)


def test_an_empty_batch_stays_empty():
    for spec in (IMAGE, WAVE):
        assert augment.build(ALL[spec.kind], spec)(batch(spec, rows=0), generator()).values.shape == (0, 1, *spec.shape)


def test_what_cannot_be_meant_names_the_nearest():
    with pytest.raises(ConfigError, match="'rotat'") as refused:
        augment.build(["rotat"], IMAGE)
    assert "did you mean 'rotate'" in refused.value.hint
    with pytest.raises(ConfigError, match="unknown key 'degree'") as refused:
        augment.build([{"name": "rotate", "degree": 3}], IMAGE)
    assert "did you mean 'degrees'" in refused.value.hint
    with pytest.raises(ConfigError, match=r"augment\[1\]"):
        augment.build(["flip", {"name": "scale", "by": 1.5}], IMAGE)
    with pytest.raises(ConfigError, match="no augmentation of waveforms"):
        augment.build(["flip"], WAVE)
    with pytest.raises(ConfigError, match="cannot be augmented"):
        augment.build(["noise"], Spec("measurements", (4,), "days"))
