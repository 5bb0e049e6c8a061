"""A class for every point: losses that leave out what is unknown, and answers in the stored picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.config import convert
from sequela.contracts import Painter
from sequela.errors import ConfigError, DataError
from sequela.nn import pointwise
from sequela.nn.pointwise import Maps
from sequela.prep import grid as grids
from sequela.tasks import segment
from sequela.types import Array, Encoded, Seq, Space, Target

NAMES = ("tumour", "oedema")
OPTIONS: list[dict[str, Any]] = [
    {},
    {"loss": "cross_entropy"},
    {"loss": "focal", "gamma": 1.0},
    {"overlap": True},
    {"overlap": True, "loss": "focal"},
    {"rare": 0.5, "weights": {"oedema": 3.0}},
    {"instances": True},
]
with_options = pytest.mark.parametrize("options", OPTIONS, ids=str)


@dataclass(frozen=True)
class Held:
    """Masks in memory."""

    each: tuple[Array, ...]
    instances: bool = False

    def __len__(self) -> int:
        return len(self.each)

    def take(self, rows: Array) -> Held:
        return Held(tuple(self.each[i] for i in rows))

    def whole(self, row: int) -> Array:
        return self.each[row]

    def space(self, row: int) -> Space | None:
        return None


def made(options: dict[str, Any], names: tuple[str, ...] = NAMES) -> segment.Segment:
    names = names[:1] if options.get("instances") else names
    return segment.build(convert(options, segment.Config, "task"), names)


def masks(rows: int = 6, size: tuple[int, ...] = (12, 10), highest: int = 2) -> Held:
    random = np.random.default_rng(0)
    coarse = [random.integers(0, highest + 1, [-(-n // 3) for n in size]) for _ in range(rows)]
    return Held(tuple(np.kron(one, np.ones([3] * len(size)))[tuple(map(slice, size))].astype(np.int32) for one in coarse))


def target(held: Held, known: Sequence[bool] | None = None, names: tuple[str, ...] = NAMES) -> Target:
    seen = np.array([True] * len(held) if known is None else known)[:, None]
    return Target(np.zeros((len(held), 1)), seen, names, held)


def batch(held: Held, known: Sequence[bool] | None = None) -> Target:
    of = target(held, known)
    dense = torch.from_numpy(np.stack(held.each).astype(np.int64))
    return Target(torch.zeros(len(held), 1), torch.from_numpy(of.known), of.names, dense)


def logits(task: segment.Segment, rows: int = 6, size: tuple[int, ...] = (12, 10)) -> Maps:
    columns = len(task.parts) + (not task.config.overlap)
    drawn = torch.randn(rows, columns, *size, generator=torch.Generator().manual_seed(1))
    return Maps(drawn, (), torch.ones(columns))


def right(task: segment.Segment, held: Held, sure: float) -> Maps:
    """Logits that say the truth, with that much certainty."""
    classes = task._classes(batch(held).dense)
    truth = task._truth(classes)
    said = 2 * truth - 1 if task.config.overlap else torch.cat([1 - truth.sum(1, keepdim=True), truth], 1)
    return Maps(sure * said, (), torch.ones(said.shape[1]))


@with_options
def test_a_picture_without_a_mask_and_points_not_known_add_no_loss_and_no_gradient(options: dict[str, Any]) -> None:
    task, held = made(options), masks()
    known = [True, False, True, True, False, True]
    hidden = replace(held, each=tuple(np.where(np.arange(10) < 4, -1, one) for one in held.each))
    out = logits(task)
    leaf = out.logits.requires_grad_()
    loss = task.loss(out, batch(hidden, known))
    loss.sum().backward()
    assert loss.shape == (6,)
    assert (loss[~np.array(known)] == 0).all() and (loss[np.array(known)] > 0).all()
    assert leaf.grad is not None
    assert (leaf.grad[~np.array(known)] == 0).all()
    assert (leaf.grad[..., :4] == 0).all() and (leaf.grad[np.array(known)][..., 4:] != 0).any()


@with_options
def test_the_nearer_the_truth_of_points_the_smaller_the_loss(options: dict[str, Any]) -> None:
    task, held = made(options), masks()
    found = [task.loss(right(task, held, sure), batch(held)) for sure in (-4.0, 0.0, 4.0, 30.0)]
    for worse, better in pairwise(found):
        assert (better < worse).all()
    assert (found[-1] < 1e-3).all()


@with_options
def test_the_order_of_pictures_changes_no_loss(options: dict[str, Any]) -> None:
    task, held = made(options), masks()
    order, out = np.random.default_rng(2).permutation(6), logits(task)
    turned = task.loss(Maps(out.logits[order], (), out.weight), batch(held.take(order)))
    torch.testing.assert_close(turned, task.loss(out, batch(held))[order])


@with_options
def test_volumes_are_asked_as_pictures_are(options: dict[str, Any]) -> None:
    task, size = made(options), (4, 6, 5)
    loss = task.loss(logits(task, 2, size), batch(masks(2, size)))
    assert loss.shape == (2,) and bool(loss.isfinite().all())


def test_the_dice_of_the_batch_is_that_of_all_its_points() -> None:
    chance, truth = torch.tensor([[[0.5, 1.0]], [[0.0, 1.0]]]), torch.tensor([[[1.0, 1.0]], [[0.0, 0.0]]])
    both, known = 2 * 1.5, torch.ones(2, 1, 2, dtype=torch.bool)
    assert float(pointwise.soft_dice(chance, truth, known)) == pytest.approx(1 - (both + 1) / (2.5 + 2 + 1))
    known[1, 0, 1] = False
    assert float(pointwise.soft_dice(chance, truth, known)) == pytest.approx(1 - (both + 1) / (1.5 + 2 + 1))


def test_coarser_maps_count_half_as_much_each_against_the_class_in_their_middle() -> None:
    task, held = made({"loss": "cross_entropy"}), masks(2, (8, 8))
    fine, coarse = logits(task, 2, (8, 8)), logits(task, 2, (4, 4))
    both = task.loss(Maps(fine.logits, (coarse.logits,), fine.weight), batch(held))
    smaller = Held(tuple(one[1::2, 1::2] for one in held.each))
    torch.testing.assert_close(both, (task.loss(fine, batch(held)) + task.loss(coarse, batch(smaller)) / 2) / 1.5)


def test_borders_are_the_points_beside_another_number() -> None:
    number = torch.tensor([[[1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, -1], [1, 1, 1, 0, 0, -1]]])
    expected = [[1, 1, 2, 2, 1, 1], [1, 1, 2, 2, 1, 1], [1, 1, 2, 2, 2, -1], [1, 1, 2, 0, 0, -1]]
    assert pointwise.borders(number)[0].tolist() == expected
    assert pointwise.borders(number * 40_000_000 // 40_000_000 + (number > 0) * (1 << 25))[0].tolist() == expected


def test_a_started_head_answers_the_shares_of_the_classes() -> None:
    held = masks()
    share = np.bincount(np.stack(held.each).ravel()) / np.stack(held.each).size
    for options in ({}, {"overlap": True}):
        task = made(options)
        head = task.head(4)
        task.start(head, target(held))
        answer = task.answer(head(Encoded(torch.zeros(1, 1, 4, 3, 3), torch.ones(1, 1, dtype=torch.bool), None)))
        assert answer.kind == "masks" and answer.names == NAMES
        np.testing.assert_allclose(answer.values[0], share[1:], atol=2e-3)


def test_rare_classes_count_by_their_inverse_share_and_the_mean_point_counts_one() -> None:
    each = np.repeat([0, 1, 2], [9000, 900, 100]).reshape(1, 100, 100).astype(np.int32)
    task = made({"rare": 1.0})
    head = task.head(4)
    task.start(head, target(Held((each[0],))))
    weight = head.weight.numpy()
    np.testing.assert_allclose(weight / weight[0], [1, 10, 90], rtol=0.05)
    np.testing.assert_allclose((weight * [0.9, 0.09, 0.01]).sum(), 1, rtol=1e-2)


def test_a_coarser_map_is_brought_to_the_size_of_the_picture() -> None:
    head = made({}).head(4)
    mask = torch.ones(2, 1, dtype=torch.bool)
    seq = Seq(torch.zeros(2, 1, 3, 9, 8), mask, torch.zeros(2, 1))
    assert head(Encoded(torch.randn(2, 1, 4, 3, 2), mask, None, seq)).logits.shape == (2, 3, 9, 8)


def test_a_head_without_a_map_says_so() -> None:
    with pytest.raises(ValueError, match="needs a map"):
        made({}).head(4)(Encoded(torch.zeros(2, 1, 4), torch.ones(2, 1, dtype=torch.bool), None))


# --------------------------------------------------------------------------------------------------------------------- painting


def slabs(chance: Array, planes: int = 3):
    yield from ((first, chance[:, first : first + planes]) for first in range(0, chance.shape[1], planes))


@settings(max_examples=30, deadline=None)
@given(planes=st.integers(1, 9), seed=st.integers(0, 99))
def test_the_likeliest_class_is_painted_whatever_the_slabs(planes: int, seed: int) -> None:
    task = made({})
    assert isinstance(task, Painter)
    drawn = torch.softmax(torch.randn(1, 3, 7, 6, generator=torch.Generator().manual_seed(seed)) * 3, 1)
    painted, mean = task.painted(slabs(drawn[0, 1:].numpy(), planes), grids.plain((7, 6)))
    sure = (drawn.sort(1).values[0, -1] - drawn.sort(1).values[0, -2]).numpy() > 0.01
    assert painted.label.dtype == np.uint8 and painted.chance.shape == (2, 7, 6)
    np.testing.assert_array_equal(painted.label[sure], drawn[0].argmax(0).numpy()[sure])
    np.testing.assert_allclose(mean, drawn[0, 1:].mean((1, 2)).numpy(), atol=3e-3)


def test_names_that_overlap_are_painted_by_the_likelier() -> None:
    chance = np.array([[[0.9, 0.6, 0.2, 0.7]], [[0.8, 0.7, 0.3, 0.1]]], np.float32)
    painted, _ = made({"overlap": True}).painted(slabs(chance), grids.plain((1, 4)))
    assert painted.label.tolist() == [[1, 2, 0, 1]]


def test_an_answer_comes_back_to_the_stored_picture() -> None:
    stored = np.zeros((40, 30), np.float32)
    stored[8:20, 6:20] = 1
    grid = grids.stretched((40, 30), (20, 15))
    painted, _ = made({}, ("tumour",)).painted(slabs(stored[None, ::2, ::2]), grid)
    assert painted.label.shape == (40, 30)
    assert (painted.label != stored).mean() < 0.05
    np.testing.assert_array_equal(painted.label, painted.chance[0] >= 128)


def test_small_components_are_left_out_and_only_the_largest_kept() -> None:
    chance = np.zeros((1, 8, 12), np.float32)
    chance[0, 1:3, 1:3], chance[0, 4:7, 1:5], chance[0, 1:4, 8:10] = 0.9, 0.8, 0.7
    every, _ = made({}, ("tumour",)).painted(slabs(chance), grids.plain((8, 12)))
    some, _ = made({"smallest": 5}, ("tumour",)).painted(slabs(chance), grids.plain((8, 12)))
    one, _ = made({"largest": True}, ("tumour",)).painted(slabs(chance), grids.plain((8, 12)))
    assert [(painted.label > 0).sum() for painted in (every, some, one)] == [22, 18, 12]
    for painted in (every, some, one):
        np.testing.assert_array_equal(painted.label > 0, painted.chance[0] >= 128)


def discs(centres: Sequence[tuple[int, int]], radius: int, size: tuple[int, int]) -> Array:
    """Numbered discs; where two meet, the nearer has the point."""
    row, column = np.mgrid[: size[0], : size[1]]
    away = np.stack([np.hypot(row - r, column - c) for r, c in centres])
    return np.where(away.min(0) <= radius, away.argmin(0) + 1, 0)


def test_touching_things_are_told_apart_and_keep_their_points() -> None:
    number = discs([(10, 10), (10, 22), (25, 14), (36, 36)], 7, (45, 45))
    task = made({"instances": True})
    classes = pointwise.borders(torch.from_numpy(number)[None])
    chance = torch.stack([classes[0] == 1, classes[0] == 2]).float() * 0.9
    painted, mean = task.painted(slabs(chance.numpy()), grids.plain((45, 45)))
    assert painted.label.dtype == np.uint16 and painted.label.max() == 4
    np.testing.assert_array_equal(painted.label > 0, number > 0)
    for one in range(1, 5):
        said = painted.label == np.bincount(painted.label[number == one]).argmax()
        assert (said & (number == one)).sum() / (said | (number == one)).sum() > 0.9
    assert mean[0] == pytest.approx((number > 0).mean() * 0.9, abs=0.01)


def test_small_things_are_left_out_and_the_others_numbered_anew() -> None:
    number = discs([(5, 5)], 2, (30, 30)) + 2 * discs([(18, 18)], 6, (30, 30))
    classes = pointwise.borders(torch.from_numpy(number)[None])
    chance = torch.stack([classes[0] == 1, classes[0] == 2]).float().numpy()
    painted, _ = made({"instances": True, "smallest": 40}).painted(slabs(chance), grids.plain((30, 30)))
    np.testing.assert_array_equal(painted.label, number == 2)
    np.testing.assert_array_equal(painted.chance[0] >= 128, number == 2)


def test_a_thing_of_borders_alone_is_still_one() -> None:
    chance = np.zeros((2, 6, 6), np.float32)
    chance[1, 2:4, 2:4] = 0.9
    painted, _ = made({"instances": True}).painted(slabs(chance), grids.plain((6, 6)))
    assert painted.label.max() == 1 and (painted.label > 0).sum() == 4


def test_chances_of_exclusive_names_leave_room_for_nothing() -> None:
    for options in OPTIONS:
        task = made(options)
        chance = task.chances(logits(task))
        assert chance.dtype == torch.float32 and chance.shape == (6, len(task.parts), 12, 10)
        assert bool((chance >= 0).all()) and (options.get("overlap") or bool((chance.sum(1) <= 1 + 1e-6).all()))


# --------------------------------------------------------------------------------------------------------------------- refusals


def test_masks_that_nothing_can_be_learnt_from_are_refused() -> None:
    task, held = made({}), masks()
    task.check(target(held))
    with pytest.raises(DataError, match="none of 6 training pictures has a mask of tumour, oedema"):
        task.check(target(held, [False] * 6))
    with pytest.raises(DataError, match="all masks of the 6 training pictures are empty"):
        task.check(target(Held((np.zeros((4, 4), np.int32),) * 6)))
    with pytest.raises(DataError, match="training picture 5 has the value 3; known are 0 to 2"):
        task.check(target(Held((*held.each[:5], held.each[5] + 1))))
    made({"instances": True}).check(target(Held((held.each[0] * 40,))))


def test_options_that_contradict_each_other_are_refused() -> None:
    for options in ({"instances": True, "overlap": True}, {"instances": True, "largest": True}):
        with pytest.raises(ConfigError, match="of one kind"):
            made(options)
    with pytest.raises(ConfigError, match="of one kind"):
        segment.build(segment.Config(instances=True), NAMES)
    with pytest.raises(ConfigError, match="'edema', which is no class"):
        made({"weights": {"edema": 2.0}})
    with pytest.raises(ConfigError, match="no classes of pictures"):
        made({}).balance(target(masks()))
