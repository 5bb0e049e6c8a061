"""Masks and boxes go where their picture goes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.prep import augment
from sequela.prep.augment import boxes, sampling
from sequela.types import Spec

PICTURE = Spec("image", (1, 64, 96), "days", ("grey",), single=True)
VOLUME = Spec("image", (1, 48, 72, 64), "days", ("t1",), single=True, spacing=(2.0, 1.0, 1.0))
GENTLE = [
    {"name": "scale", "by": 0.2},
    {"name": "rotate", "degrees": 20.0},
    {"name": "shear", "degrees": 8.0},
    {"name": "shift", "by": 0.1},
    {"name": "flip", "vertical": 0.5},
    {"name": "elastic", "by": 0.2},
]
EACH = [*GENTLE, {"name": "crop", "least": 0.7}, {"name": "quarter"}, "brightness"]


def overlap(first, second):
    return (first & second).flatten(1).sum(1) / (first | second).flatten(1).sum(1)


def square(named, spec):
    """The spec, square where a turn by 90° asks for it."""
    side = spec.shape[-1]
    turned = any(one == {"name": "quarter"} for one in named)
    return Spec("image", (1, *spec.shape[1:-2], side, side), "days", ("grey",), single=True) if turned else spec


def alone(one):
    return one if isinstance(one, str) else one["name"]


@pytest.mark.parametrize("spec", [PICTURE, VOLUME], ids=["picture", "volume"])
@pytest.mark.parametrize("named", [*([one] for one in EACH), GENTLE], ids=[*map(alone, EACH), "together"])
def test_the_mask_of_a_shape_follows_its_picture(named, spec, of, blobs, generator):
    spec = square(named, spec)
    inside = blobs(spec.shape[1:], rows=4)
    seq = of(inside[:, None, None].float())
    change = augment.build(named, spec)
    drawn = change.draw(seq, generator(2))
    mask = change.dense(seq, inside.long(), drawn)
    shown = change.apply(seq, drawn).values[:, 0, 0] > 0.5 if named != ["brightness"] else inside
    assert mask.dtype == torch.int64 and set(mask.unique().tolist()) <= {-1, 0, 1}
    least = 0.97 if len(spec.shape) == 3 else 0.93  # half a point of a ball of 12 points across is more than of a wider disc
    assert (overlap(mask == 1, shown) > least).all()
    if named != ["brightness"]:
        assert not torch.equal(mask, inside.long())


@pytest.mark.parametrize("tilt", [0.0, 25.0])
def test_the_mask_of_a_tilted_volume_follows_it(tilt, of, blobs, generator):
    inside = blobs(VOLUME.shape[1:])
    seq = of(inside[:, None, None].float())
    change = augment.build([{"name": "rotate", "degrees": 25.0, "tilt": tilt}], VOLUME)
    drawn = change.draw(seq, generator(5))
    assert (overlap(change.dense(seq, inside.long(), drawn) == 1, change.apply(seq, drawn).values[:, 0, 0] > 0.5) > 0.97).all()


def test_what_comes_from_outside_of_a_mask_is_unknown(of):
    seq = of(torch.zeros(1, 1, *PICTURE.shape))
    moved = torch.zeros(1, 2, 3)
    moved[0, 0, 2] = 10
    mask = augment.build(["shift"], PICTURE).dense(seq, torch.ones(1, 64, 96, dtype=torch.int64), (moved,))
    assert (mask[:, :54] == 1).all() and (mask[:, 54:] == -1).all()


def test_numbers_of_many_things_are_kept_exactly(of, generator):
    numbers = torch.arange(64 * 96).reshape(1, 64, 96) + 20_000_000  # beyond what float32 can count
    seq = of(torch.zeros(1, 1, *PICTURE.shape))
    change = augment.build([{"name": "flip", "horizontal": 1.0, "vertical": 1.0}], PICTURE)
    drawn = change.draw(seq, generator())
    assert torch.equal(change.dense(seq, numbers, drawn), numbers.flip(1, 2))
    turned = augment.build(["rotate"], PICTURE)
    found = turned.dense(seq, numbers, turned.draw(seq, generator(1)))
    assert torch.isin(found[found >= 0], numbers).all() and (found >= 0).float().mean() > 0.7


def test_the_same_numbers_move_a_mask_the_same_before_and_after_the_picture(of, blobs, generator):
    inside = blobs(PICTURE.shape[1:])
    seq = of(inside[:, None, None].float())
    change = augment.build(GENTLE, PICTURE)
    drawn = change.draw(seq, generator(8))
    before = change.dense(seq, inside.long(), drawn)
    assert torch.equal(before, change.dense(change.apply(seq, drawn), inside.long(), drawn))
    assert len(before.flatten(1).unique(dim=0)) == len(before)


def box_of(inside):
    """The box of what is True in each "H W", as top, left, bottom, right."""
    found = []
    for one in inside:
        row, column = one.any(1).nonzero()[:, 0], one.any(0).nonzero()[:, 0]
        found.append([int(row[0]), int(column[0]), int(row[-1]) + 1, int(column[-1]) + 1])
    return torch.tensor(found, dtype=torch.float32)


@pytest.mark.parametrize("named", [*([one] for one in EACH), GENTLE], ids=[*map(alone, EACH), "together"])
def test_the_box_of_a_round_shape_follows_its_picture(named, of, blobs, generator):
    spec = square(named, PICTURE)
    inside = blobs(spec.shape[1:], rows=6)
    seq = of(inside[:, None, None].float())
    change = augment.build(named, spec)
    drawn = change.draw(seq, generator(2))
    given = torch.cat([torch.full((6, 1), 4.0), box_of(inside)], 1)[:, None]
    found = change.dense(seq, given, drawn)
    shown = box_of(change.dense(seq, inside.long(), drawn) == 1)
    assert (found[:, 0, 0] == 4).all()
    assert (found[:, 0, 1:] - shown).abs().max() < (1.1 if len(named) == 1 else 2.1)


@settings(max_examples=40, deadline=None)
@given(
    box=st.tuples(st.integers(0, 40), st.integers(0, 60), st.integers(1, 20), st.integers(1, 30)),
    rows=st.sampled_from([1, -1]),
    columns=st.sampled_from([1, -1]),
    scale=st.floats(0.5, 2),
    away=st.floats(-20, 20),
)
def test_boxes_that_are_mirrored_scaled_and_moved_are_exact(box, rows, columns, scale, away):
    top, left, height, width = box
    given = torch.tensor([[[0.0, top, left, top + height, left + width]]])
    turn = torch.diag(torch.tensor([rows * scale, columns * scale]))[None]
    found = boxes.moved(given, sampling.Warp(turn, torch.full((1, 2), away), None), (64, 96))[0, 0]

    def went(edge, size, sign):
        return (edge - size / 2 - away) / (sign * scale) + size / 2

    expected = [
        sorted((went(top, 64, rows), went(top + height, 64, rows))),
        sorted((went(left, 96, columns), went(left + width, 96, columns))),
    ]
    middle = [sum(pair) / 2 for pair in expected]
    if not all(1e-3 <= at <= size - 1e-3 for at, size in zip(middle, (64, 96), strict=True)):
        assert found[0] == -1 or any(abs(at) < 1e-3 or abs(at - size) < 1e-3 for at, size in zip(middle, (64, 96), strict=True))
        return
    edges = [min(max(pair[end], 0), size) for end in (0, 1) for pair, size in zip(expected, (64, 96), strict=True)]
    torch.testing.assert_close(found, torch.tensor([0.0, *edges]), atol=1e-3, rtol=0)


def test_a_box_whose_centre_leaves_is_no_longer_asked_for_and_padding_stays_padding(of):
    seq = of(torch.zeros(1, 1, *PICTURE.shape))
    moved = torch.zeros(1, 2, 3)
    moved[0, 1, 2] = 30  # 30 columns to the left
    given = torch.tensor([[[2.0, 10, 10, 20, 30], [1.0, 10, 22, 20, 42], [0.0, 10, 50, 20, 60], [-1.0, 0, 0, 0, 0]]])
    found = augment.build(["shift"], PICTURE).dense(seq, given, (moved,))[0]
    assert found[:, 0].tolist() == [-1, 1, 0, -1]
    torch.testing.assert_close(found[1:3, 1:], torch.tensor([[10.0, 0, 20, 12], [10, 20, 20, 30]]))
    assert not found[[0, 3], 1:].any()


def test_a_turned_disc_keeps_the_size_of_its_box():
    given = torch.tensor([[[0.0, 20, 30, 40, 50]]])
    c = 0.5**0.5
    found = boxes.moved(given, sampling.Warp(torch.tensor([[[c, -c], [c, c]]]), torch.zeros(1, 2), None), (64, 96))[0, 0]
    torch.testing.assert_close(found[3:] - found[1:3], torch.tensor([20.0, 20.0]), atol=0.1, rtol=0)


def test_masks_and_boxes_are_of_one_picture_a_row(batch, generator):
    for spec, steps in [(Spec("slices", (1, 8, 8), "millimetres"), 3), (Spec("waveform", (2, 50), "seconds"), 1)]:
        seq = batch(spec, steps=steps)
        change = augment.build(["noise"], spec)
        with pytest.raises(DataError, match="one picture a row"):
            change.dense(seq, torch.zeros(6, 8, 8, dtype=torch.int64), change.draw(seq, generator()))
