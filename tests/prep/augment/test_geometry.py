"""Changes of where points come from: each against the same done with plain tensor operations, in two dimensions and three."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from sequela.prep import augment
from sequela.prep.augment import geometry, sampling, splines
from sequela.types import Spec

IMAGE = Spec("image", (1, 16, 16), "days", ("grey",), single=True)
COLOUR = Spec("image", (3, 12, 20), "days", ("red", "green", "blue"), single=True)
VOLUME = Spec("image", (2, 6, 10, 8), "days", ("t1", "t2"), single=True, spacing=(3.0, 1.0, 1.5))
CUBE = Spec("image", (1, 9, 9, 9), "days", ("t1",), single=True)


def plain_warp(values, warp):
    """Values "N C *S" by torch's own grid, one row at a time, whatever the row needs."""
    shape = torch.tensor(values.shape[2:])
    turn = (warp.turn * shape / shape[:, None]).flip(1, 2)
    theta = torch.cat([turn, (2 * warp.moved / shape).flip(1)[..., None]], 2)
    grid = functional.affine_grid(theta, list(values.shape), align_corners=False)
    return functional.grid_sample(values, grid, "bilinear", "border", align_corners=False)


def warp_of(kind, axes, rows=5):
    """Warps of the kinds that are read in ways of their own."""
    still = torch.eye(axes).repeat(rows, 1, 1)
    away = torch.zeros(rows, axes)
    if kind == "flat":
        still[:, -2, -1], still[:, 0, 0], away = 0.2, 1.1, torch.linspace(-3, 2, rows)[:, None].repeat(1, axes)
    if kind == "free":
        still, away = still + 0.3 * torch.randn(rows, axes, axes, generator=torch.Generator().manual_seed(1)), away + 0.7
    return sampling.Warp(still, away, None)


@pytest.mark.parametrize("flag", ["horizontal", "vertical", "depth"])
def test_a_flip_is_a_mirror_to_the_bit_and_undoes_itself(flag, batch, generator):
    seq = batch(VOLUME)
    change = augment.build([{"name": "flip", "horizontal": 0.0, flag: 1.0}], VOLUME)
    once = change(seq, generator())
    assert torch.equal(once.values, seq.values.flip({"horizontal": -1, "vertical": -2, "depth": -3}[flag]))
    assert torch.equal(change(once, generator()).values, seq.values)


def test_flips_of_single_rows_leave_the_others_as_they_are(batch, generator):
    seq = batch(COLOUR, rows=30)
    changed = augment.build(["flip"], COLOUR)(seq, generator()).values
    flipped = (changed == seq.values.flip(-1)).flatten(1).all(1)
    assert (flipped | (changed == seq.values).flatten(1).all(1)).all()
    assert 5 < flipped.sum() < 25


@pytest.mark.parametrize("tilt", [False, True])
def test_quarter_turns_are_exact_and_four_are_none(tilt, batch, generator):
    seq = batch(CUBE, rows=40)
    change = augment.build([{"name": "quarter", "tilt": tilt}], CUBE)
    drawn = change.draw(seq, generator())
    turned = change.apply(seq, drawn)
    assert torch.equal(turned.values.flatten(1).sort(1).values, seq.values.flatten(1).sort(1).values)
    if not tilt:
        candidates = [torch.rot90(seq.values, k, (-2, -1)) for k in range(4)]
        hits = torch.stack([(turned.values == one).flatten(1).all(1) for one in candidates])
        assert hits.any(0).all() and hits.any(1).all()
    again = seq
    for _ in range(12):  # the order of each turn of a cube divides twelve
        again = change.apply(again, drawn)
    assert torch.equal(again.values, seq.values)


@pytest.mark.parametrize("spec", [IMAGE, COLOUR])
def test_a_right_angle_of_rotation_turns_the_image_and_bends_nothing(spec, batch):
    seq = batch(spec)
    turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]) - torch.eye(2, 3)
    turned = augment.build(["rotate"], spec).apply(seq, (turn.expand(6, 2, 3),)).values
    side = min(spec.shape[1:])
    top, left = (spec.shape[1] - side) // 2, (spec.shape[2] - side) // 2

    def middle(values):
        return values[..., top : top + side, left : left + side]

    torch.testing.assert_close(middle(turned), torch.rot90(middle(seq.values), -1, (-2, -1)), atol=1e-4, rtol=0)


def test_a_shift_of_two_pixels_moves_by_two_pixels_and_repeats_the_edge(batch):
    seq = batch(IMAGE)
    moved = torch.zeros(6, 2, 3)
    moved[:, 1, 2] = 2
    changed = augment.build(["shift"], IMAGE).apply(seq, (moved,)).values
    torch.testing.assert_close(changed[..., :-2], seq.values[..., 2:], atol=1e-4, rtol=0)
    torch.testing.assert_close(changed[..., -1], seq.values[..., -1], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("kind", "shape"), list(product(["free", "flat", "still"], [(7, 9), (5, 7, 9)])))
def test_every_way_of_reading_gives_what_torch_gives_point_by_point(kind, shape):
    values = torch.randn(5, 2, *shape, generator=torch.Generator().manual_seed(3))
    warp = warp_of(kind, len(shape))
    torch.testing.assert_close(sampling.values_at(values, warp), plain_warp(values, warp), atol=1e-4, rtol=0)


def test_rows_that_are_read_in_different_ways_share_a_batch():
    values = torch.randn(15, 1, 5, 7, 9, generator=torch.Generator().manual_seed(3))
    parts = [warp_of(kind, 3) for kind in ("free", "still", "flat")]
    warp = sampling.Warp(torch.cat([p.turn for p in parts]), torch.cat([p.moved for p in parts]), None)
    mixed = torch.randperm(15, generator=torch.Generator().manual_seed(0))
    assert len(set(warp.ways((5, 7, 9)))) == 3
    torch.testing.assert_close(
        sampling.values_at(values, warp.take(mixed)), plain_warp(values, warp.take(mixed)), atol=1e-4, rtol=0
    )


def test_a_turn_of_thick_slices_is_a_turn_in_millimetres(generator):
    """Two points as far apart in millimetres after a turn as before, though the axes have different spacing."""
    change = augment.build([{"name": "rotate", "degrees": 40.0, "tilt": 40.0}], VOLUME)
    seq_shape = torch.zeros(3, 1, *VOLUME.shape)
    drawn = change.draw(augment.change.Seq(seq_shape, None, None), generator(1))
    turn = drawn[0][:, :, :3] + torch.eye(3)
    torch.testing.assert_close(turn @ turn.mT, torch.eye(3).expand(3, 3, 3), atol=1e-5, rtol=0)
    warp = sampling.composed(drawn, [], VOLUME.spacing)
    spacing = torch.tensor(VOLUME.spacing)
    torch.testing.assert_close(warp.turn * spacing[:, None] / spacing, turn, atol=1e-5, rtol=0)


def test_moves_of_pixels_together_are_close_to_one_after_another(of, generator):
    smooth = torch.sin(torch.arange(16) / 4)[:, None] * torch.cos(torch.arange(16) / 5)
    seq = of(smooth.expand(3, 1, 1, 16, 16))
    names = ["flip", "rotate", "shift"]
    together = augment.build(names, IMAGE)
    drawn = together.draw(seq, generator(2))
    apart = seq
    for name, numbers in zip(names, drawn, strict=True):
        apart = augment.build([name], IMAGE).apply(apart, (numbers,))
    inner = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(together.apply(seq, drawn).values[inner], apart.values[inner], atol=0.02, rtol=0)


@settings(max_examples=30, deadline=None)
@given(least=st.floats(0.05, 1), stretch=st.floats(0, 0.9), axes=st.integers(2, 3), seed=st.integers(0, 999))
def test_a_crop_lies_inside_the_picture_and_holds_its_share(least, stretch, axes, seed):
    rows = geometry.Rows(1, (20, 30, 40)[-axes:], (1.0, 2.0, 0.5)[-axes:], torch.ones(50))
    options = geometry.Crop(least=least, stretch=stretch)
    drawn = geometry.KINDS["crop"].draw(options, rows, torch.Generator().manual_seed(seed))
    side = (drawn[:, :, :axes] + torch.eye(axes)).diagonal(dim1=1, dim2=2)
    middle = drawn[:, :, axes] / rows.extent
    assert (middle.abs() + side / 2 <= 0.5 + 1e-5).all()
    uncut = (side < 1).all(1)
    assert (side.prod(1)[uncut] >= least - 1e-4).all()
    ratio = side.amax(1) / side.amin(1)
    assert (ratio <= 1 + stretch + 1e-4).all()


def test_scaling_makes_larger_by_at_most_what_is_asked(generator):
    rows = geometry.Rows(1, (20, 30), (1.0, 1.0), torch.ones(500))
    drawn = geometry.KINDS["scale"].draw(geometry.Scale(by=0.2), rows, generator())
    factor = 1 / (drawn[:, 0, 0] + 1)
    assert 0.8 <= factor.min() < 0.82 and 1.18 < factor.max() <= 1.2
    assert torch.equal(drawn[:, 0, 0], drawn[:, 1, 1])


def test_shear_leans_and_keeps_lengths_along_an_axis(generator):
    rows = geometry.Rows(1, (20, 30), (1.0, 1.0), torch.ones(500))
    drawn = geometry.KINDS["shear"].draw(geometry.Shear(degrees=20.0), rows, generator())
    assert not drawn.diagonal(dim1=1, dim2=2).any()
    most = math.tan(math.radians(20))
    assert most * 0.95 < drawn.abs().max() <= most


@settings(max_examples=20, deadline=None)
@given(cells=st.integers(1, 5), by=st.floats(0, 0.4), axes=st.integers(2, 3), seed=st.integers(0, 999))
def test_an_elastic_bend_is_smooth_and_never_folds(cells, by, axes, seed):
    shape = (24, 30, 18)[-axes:]
    rows = geometry.Rows(1, shape, (1.0,) * axes, torch.ones(2))
    drawn = geometry.KINDS["elastic"].draw(geometry.Elastic(by=by, cells=cells), rows, torch.Generator().manual_seed(seed))
    field = splines.spread(drawn, shape)
    slopes = torch.stack(torch.gradient(field, dim=tuple(range(2, 2 + axes))), 2)  # "N n n *S"
    jacobian = torch.linalg.det(slopes.flatten(3).permute(0, 3, 1, 2) + torch.eye(axes))
    assert (jacobian > 0).all()


def test_a_field_is_the_same_at_its_points_as_asked_for_one_by_one(generator):
    numbers = torch.randn(2, 2, 6, 6, generator=generator())
    field = splines.spread(numbers, (5, 8))
    row, column = torch.meshgrid((torch.arange(5) + 0.5) / 5, (torch.arange(8) + 0.5) / 8, indexing="ij")
    places = torch.stack([row, column], -1).reshape(1, 40, 2).expand(2, 40, 2)
    torch.testing.assert_close(splines.at(numbers, places), field.flatten(2).mT, atol=1e-5, rtol=0)


def test_the_numbers_of_a_field_add_up_to_one_everywhere():
    weights = splines.weights(torch.linspace(0, 1, 101), 4)
    torch.testing.assert_close(weights.sum(1), torch.ones(101))
    assert (weights >= 0).all()
