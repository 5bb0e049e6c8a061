from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sequela.batch import collate
from sequela.contracts import Evidence
from sequela.train.rows import join, take
from sequela.types import Array, Boxes, Piece, Places, Ragged, Target


def dressed(rows: Evidence, shared: bool) -> Evidence:
    """With every part that a Ragged may have."""
    ragged, random = rows.inputs["chart"], np.random.default_rng(len(rows))
    steps = int(ragged.offsets[-1])
    entry = random.integers(0, steps, steps) if shared else None
    context, side = random.random((len(rows), 2), np.float32), random.random((steps, 2), np.float32)
    full = Ragged(ragged.offsets, ragged.values, ragged.position, random.random((steps, 3)) < 0.5, side, context, entry)
    return replace(rows, inputs={"chart": full})


def padded(rows: Evidence, chosen: np.ndarray) -> list[np.ndarray]:
    seq = collate(rows.inputs, chosen).inputs["chart"]
    return [seq.values, seq.mask, seq.position, seq.seen, seq.side, seq.context]


@pytest.mark.parametrize("shared", [False, True])
def test_taken_rows_are_the_rows(shared: bool, evidence: Callable[..., Evidence]) -> None:
    rows, chosen = dressed(evidence(20, 0), shared), np.array([7, 3, 19, 3])
    part = take(rows, chosen)
    for one, other in zip(padded(part, np.arange(4)), padded(rows, chosen), strict=True):
        assert np.array_equal(one, other)
    assert part.row_id.tolist() == ["row7", "row3", "row19", "row3"]
    assert np.array_equal(part.target.values, rows.target.values[chosen])


@pytest.mark.parametrize("shared", [(False, False), (True, False)])
def test_joined_rows_are_the_rows_of_both(shared: tuple[bool, bool], evidence: Callable[..., Evidence]) -> None:
    first, second = dressed(evidence(20, 0), shared[0]), dressed(evidence(9, 1), shared[1])
    both = join(first, second)
    assert len(both) == 29 and both.target.values.shape == (29, 1)
    for part, chosen in ((first, np.arange(20)), (second, np.arange(20, 29))):
        for one, other in zip(padded(both, chosen), padded(part, np.arange(len(part))), strict=True):
            assert np.array_equal(one, other)


def test_a_part_of_joined_rows_is_the_joined_parts(evidence: Callable[..., Evidence]) -> None:
    both = join(dressed(evidence(20, 0), True), dressed(evidence(9, 1), False))
    chosen = np.array([25, 2, 28])
    for one, other in zip(padded(take(both, chosen), np.arange(3)), padded(both, chosen), strict=True):
        assert np.array_equal(one, other)


@dataclass(frozen=True)
class Painted:
    """Masks of one point each (types.Masks)."""

    points: Array
    instances: bool = False

    def __len__(self) -> int:
        return len(self.points)

    def take(self, rows: Array) -> Painted:
        return replace(self, points=self.points[rows])

    def whole(self, row: int) -> Array:
        return self.points[row].reshape(1, 1)

    def space(self, row: int) -> None:
        return None


def test_joined_rows_keep_what_was_marked_on_their_pictures(evidence: Callable[..., Evidence]) -> None:
    first, second = (
        replace(
            rows, marks={"SECOND": Target(np.zeros((len(rows), 1)), known, ("vessel",), Painted(np.arange(len(rows)) + base))}
        )
        for rows, known, base in (
            (evidence(20, 0), np.arange(20)[:, None] < 18, 100),
            (evidence(9, 1), np.arange(9)[:, None] >= 0, 200),
        )
    )
    marked = join(first, second).marks["SECOND"]
    assert marked.names == ("vessel",) and len(marked.dense) == 29
    assert marked.known[:, 0].tolist() == [True] * 18 + [False] * 2 + [True] * 9
    chosen = take(join(first, second), np.array([25, 2, 28])).marks["SECOND"].dense
    assert [int(chosen.whole(row)[0, 0]) for row in range(3)] == [205, 102, 208]


def test_joined_rows_keep_labels_between_0_and_1(evidence: Callable[..., Evidence]) -> None:
    first, second = evidence(20, 0), evidence(9, 1)
    soft = np.full((20, 1), np.nan)
    soft[4] = 0.6
    known = first.target.known & np.isnan(soft)
    between = replace(first, target=replace(first.target, soft=soft, known=known))
    learnt = join(second, between).target.learnt
    assert learnt.values[13, 0] == 0.6 and learnt.known.all()
    assert join(second, second).target.soft is None


def test_joined_rows_keep_their_boxes(evidence: Callable[..., Evidence]) -> None:
    def boxed(rows: Evidence, count: int) -> Evidence:
        offsets = np.minimum(np.arange(len(rows) + 1), count)
        boxes = Boxes(offsets, np.full((count, 4), count, np.float32), np.arange(count))
        return replace(rows, target=replace(rows.target, dense=boxes))

    both = join(boxed(evidence(20, 0), 3), boxed(evidence(9, 1), 5)).target.dense
    assert len(both) == 29
    assert [len(both.of(row)[1]) for row in (2, 3, 19, 20, 24, 25)] == [1, 0, 0, 1, 1, 0]
    assert both.of(24)[1].tolist() == [4] and both.of(24)[0].tolist() == [[5.0] * 4]


def noted(rows: Evidence, name: str) -> Evidence:
    """With a text for each row, in which its steps stand."""
    ragged = rows.inputs["chart"]
    step = (np.arange(ragged.offsets[-1]) - np.repeat(ragged.offsets[:-1], ragged.lengths)).astype(np.int32)
    texts = tuple(f"{name}{row} " + "x" * length for row, length in enumerate(ragged.lengths.tolist()))
    pieces = tuple((Piece(0, f"{name}{row}", "NOTE"),) for row in range(len(rows)))
    return replace(rows, inputs={"chart": replace(ragged, places=Places(ragged.offsets, step, step + 1, texts, pieces))})


def places(rows: Evidence) -> Places:
    found = rows.inputs["chart"].places
    assert found is not None
    return found


def test_texts_go_with_their_rows_taken_joined_and_taken_again(evidence: Callable[..., Evidence]) -> None:
    first, second = noted(evidence(5, 0), "a"), noted(evidence(4, 1), "b")
    both = take(join(take(first, np.array([4, 1])), second), np.array([5, 0, 1, 2]))
    wanted = [places(second).texts[3], places(first).texts[4], places(first).texts[1], places(second).texts[0]]
    assert list(places(both).texts) == wanted == [places(both).texts[row] for row in range(len(both))]
    assert [piece.key for (piece,) in places(both).pieces] == ["b3", "a4", "a1", "b0"]
    assert np.diff(places(both).offsets).tolist() == both.inputs["chart"].lengths.tolist()
    with pytest.raises(IndexError):
        places(both).texts[4]
    with pytest.raises(IndexError):
        places(join(first, second)).texts[9]
