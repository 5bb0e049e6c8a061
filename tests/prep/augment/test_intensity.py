"""Changes of values are what they say, in two dimensions and three."""

from __future__ import annotations

import pytest
import torch
from scipy import ndimage

from sequela.prep import augment
from sequela.types import Spec

IMAGE = Spec("image", (1, 16, 16), "days", ("grey",), single=True)
COLOUR = Spec("image", (3, 12, 20), "days", ("red", "green", "blue"), single=True)
VOLUME = Spec("image", (2, 8, 10, 12), "days", ("t1", "t2"), single=True)


def drawn_of(*numbers):
    return (torch.tensor(numbers),)


def test_erasing_sets_a_box_to_the_mean_of_the_training_images(batch, generator):
    seq = batch(COLOUR)
    changed = augment.build([{"name": "erase", "often": 1.0, "share": 0.5}], COLOUR)(seq, generator(1)).values
    gone = (changed == 0).all(2)
    assert ((changed == seq.values) | (changed == 0)).all()
    assert 0 < gone.float().mean() < 0.25


def test_erasing_a_given_box_of_a_volume_takes_that_box(batch):
    seq = batch(VOLUME, rows=1)
    changed = augment.build(["erase"], VOLUME).apply(seq, (torch.tensor([[0.0, 0.2, 0.5, 0.5, 0.6, 1.0]]),)).values
    assert not changed[0, 0, :, :4, 2:6, 6:].any()
    assert (changed == 0).sum() == 2 * 4 * 4 * 6


def test_contrast_keeps_the_mean_and_brightness_keeps_the_spread(batch, generator):
    seq = batch(IMAGE)
    contrast = augment.build(["contrast"], IMAGE)(seq, generator(1)).values
    torch.testing.assert_close(contrast.mean((2, 3, 4)), seq.values.mean((2, 3, 4)), atol=1e-5, rtol=0)
    brightness = augment.build(["brightness"], IMAGE)(seq, generator(1)).values
    torch.testing.assert_close(brightness.std((2, 3, 4)), seq.values.std((2, 3, 4)))
    assert not torch.allclose(contrast, seq.values) and not torch.allclose(brightness, seq.values)


@pytest.mark.parametrize("spec", [COLOUR, VOLUME])
def test_gamma_keeps_the_range_and_the_order_of_values(spec, batch, generator):
    seq = batch(spec)
    changed = augment.build([{"name": "gamma", "by": 1.0}], spec)(seq, generator(1)).values
    before, after = seq.values.flatten(3), changed.flatten(3)
    torch.testing.assert_close(after.amin(3), before.amin(3))
    torch.testing.assert_close(after.amax(3), before.amax(3))
    assert (after.gather(3, before.argsort(3)).diff(dim=3) >= -1e-6).all()
    assert (after - before).abs().flatten(1).amax(1).min() > 0.01


def test_a_gamma_of_two_squares_the_shares_of_the_range(batch):
    seq = batch(IMAGE, rows=1)
    changed = augment.build(["gamma"], IMAGE).apply(seq, (torch.tensor([2.0]).log(),)).values
    least, most = seq.values.min(), seq.values.max()
    torch.testing.assert_close((changed - least) / (most - least), ((seq.values - least) / (most - least)).square())


@pytest.mark.parametrize("spec", [COLOUR, VOLUME])
def test_blurring_is_a_gaussian_inside(spec, batch):
    seq = batch(spec, rows=2)
    changed = augment.build(["blur"], spec).apply(seq, drawn_of(0.5, 0.9)).values
    for row, sd in enumerate((0.5, 0.9)):
        expected = ndimage.gaussian_filter(seq.values[row, 0].numpy(), [0, *[sd] * (len(spec.shape) - 1)], truncate=6.0)
        inner = (slice(None), *[slice(4, -4)] * (len(spec.shape) - 1))
        torch.testing.assert_close(changed[row, 0][inner], torch.from_numpy(expected)[inner], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["blur", "low_resolution"])
def test_a_flat_picture_stays_flat_where_detail_is_lost(name, of, generator):
    seq = of(torch.full((4, 1, *VOLUME.shape), 3.0))
    torch.testing.assert_close(augment.build([name], VOLUME)(seq, generator()).values, seq.values)


def test_half_the_resolution_is_means_of_two_with_lines_between_them(of):
    ramp = torch.arange(16.0).expand(1, 1, 1, 16, 16)
    changed = augment.build(["low_resolution"], IMAGE).apply(of(ramp), drawn_of(0.5)).values
    torch.testing.assert_close(changed[..., 3:-3], ramp[..., 3:-3])  # a line loses nothing
    comb = (torch.arange(16.0) % 2).expand(1, 1, 1, 16, 16)
    torch.testing.assert_close(
        augment.build(["low_resolution"], IMAGE).apply(of(comb), drawn_of(0.5)).values[..., 4:-4],
        torch.full((1, 1, 1, 16, 8), 0.5),
    )


def test_a_bias_field_is_smooth_and_leaves_the_background(of, generator):
    lit = torch.zeros(3, 1, 1, 16, 16)
    lit[..., 4:12, 4:12] = 2.0
    changed = augment.build([{"name": "bias", "by": 0.5}], IMAGE)(of(lit - 1), generator(2)).values + 1
    assert not changed[lit == 0].any()
    field = changed[..., 4:12, 4:12] / 2
    assert (field > 1 / 1.5 - 1e-5).all() and (field < 1.5 + 1e-5).all() and field.std() > 0.01
    assert field.diff(dim=-1).abs().max() < 0.1


def test_noise_of_a_picture_has_at_most_the_spread_asked_for(batch, generator):
    seq = batch(VOLUME, rows=40)
    added = augment.build([{"name": "noise", "sd": 0.5}], VOLUME)(seq, generator()).values - seq.values
    spread = added.flatten(1).std(1)
    assert spread.max() < 0.55 and 0.17 < spread.mean() < 0.33
