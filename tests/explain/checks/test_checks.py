"""The checks of explanations, on networks that are linear, so that the true parts are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from sequela.contracts import Evidence
from sequela.explain.checks import agreement, cells, completeness, curves, finding, points, stability
from sequela.types import Array, Attribution, Plain, Ragged, Spec, Target

FEATURES = 4
WEIGHT = np.array([3.0, -2.0, 0.5, 0.0])


def rows_of(count: int = 12, seed: int = 0, hidden: float = 0.2) -> Evidence:
    """Series of 3 to 6 steps of four numbers, some of them not seen."""
    random = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(random.integers(3, 7, count))])
    seen = random.random((offsets[-1], FEATURES)) >= hidden
    values = np.where(seen, random.standard_normal(seen.shape), 0).astype(np.float32)
    ragged = Ragged(offsets, values, np.arange(float(offsets[-1])), seen)
    spec = Spec("measurements", (FEATURES,), "days", tuple("abcd"))
    target = Target(np.zeros((count, 1)), np.ones((count, 1), bool), ("event",))
    names = np.array([f"row{k}" for k in range(count)])
    return Evidence({"chart": ragged}, {"chart": spec}, Plain(np.zeros((count, 0)), ()), target, np.arange(count), names)


def coded(count: int = 6) -> Evidence:
    """Visits of up to three codes of nine."""
    random = np.random.default_rng(1)
    offsets = np.arange(0, 3 * count + 1, 3)
    values = random.integers(1, 9, (3 * count, 3))
    seen = random.random(values.shape) < 0.8
    ragged = Ragged(offsets, values, np.arange(3.0 * count), seen)
    spec = Spec("codes", (3,), "days", tuple("?abcdefgh"), vocabulary=9)
    target = Target(np.zeros((count, 1)), np.ones((count, 1), bool), ("event",))
    return Evidence(
        {"codes": ragged}, {"codes": spec}, Plain(np.zeros((count, 0)), ()), target, np.arange(count), np.arange(count)
    )


def linear(rows: Evidence, column: Array | None = None) -> Array:
    """A linear network's answer to each row."""
    ragged = rows.inputs["chart"]
    each = (np.asarray(ragged.values, np.float64) * WEIGHT).sum(1)
    return np.add.reduceat(each, ragged.offsets[:-1])


def exact(rows: Evidence) -> Attribution:
    """The true parts of it."""
    parts = np.asarray(rows.inputs["chart"].values, np.float64) * WEIGHT
    return said_of(rows, parts)


def said_of(rows: Evidence, parts: Array) -> Attribution:
    count = len(rows)
    return Attribution({"chart": parts}, np.zeros(count, np.int64), linear(rows), np.zeros(count), "exact", complete=True)


def random_parts(rows: Evidence, seed: int = 5) -> Attribution:
    return said_of(rows, np.random.default_rng(seed).standard_normal((int(rows.inputs["chart"].offsets[-1]), FEATURES)))


def test_only_cells_that_were_seen_are_laid_flat_and_spread_back() -> None:
    rows = rows_of()
    laid = cells.seen(rows)
    seen = np.asarray(rows.inputs["chart"].seen)
    assert len(laid) == seen.sum() and laid.offsets[-1] == len(laid)
    assert np.array_equal(laid.spread(np.ones(len(laid), bool))["chart"], seen)
    values = np.asarray(rows.inputs["chart"].values)
    assert np.array_equal(laid.read({"chart": values}), values[seen])
    assert np.array_equal(laid.row, np.repeat(np.arange(len(rows)), rows.inputs["chart"].lengths)[np.nonzero(seen)[0]])


def test_a_row_without_cells_has_none() -> None:
    rows = rows_of(hidden=1.1)
    assert len(cells.seen(rows)) == 0
    assert np.isnan(agreement.rank_correlations(exact(rows), exact(rows), cells.seen(rows))).all()


def test_laying_out_changes_no_value() -> None:
    rows = rows_of()
    ragged = rows.inputs["chart"]
    order = np.arange(ragged.offsets[-1])[::-1]
    shuffled = Ragged(ragged.offsets, ragged.values[order], ragged.position, ragged.seen[order], take=order.copy())
    laid = cells.laid(Evidence({"chart": shuffled}, rows.specs, rows.plain, rows.target, rows.subject, rows.row_id))
    assert np.array_equal(laid.inputs["chart"].values, ragged.values) and laid.inputs["chart"].take is None


@pytest.mark.parametrize("make", [rows_of, coded])
def test_cells_that_are_taken_away_are_no_longer_seen_and_the_rows_given_stay(make: object) -> None:
    rows = make()  # type: ignore[operator]
    (name,) = rows.inputs
    before = np.array(rows.inputs[name].seen)
    gone = before & (np.random.default_rng(0).random(before.shape) < 0.5)
    left = cells.without(rows, {name: gone}).inputs[name]
    assert np.array_equal(left.seen, before & ~gone)
    assert np.array_equal(rows.inputs[name].seen, before)
    if not rows.specs[name].vocabulary:
        assert not np.asarray(left.values)[gone].any()


def test_rows_that_are_drawn_hold_no_more_cells_than_allowed() -> None:
    rows, random = rows_of(40), np.random.default_rng(0)
    chosen = cells.drawn(rows, 30, 100, random)
    assert (np.diff(chosen) > 0).all() and cells.cells_of(rows)[chosen].sum() <= 100
    assert len(cells.drawn(rows, 5, 10**9, random)) == 5
    assert len(cells.drawn(rows, 5, 1, random)) == 1


def test_parts_that_sum_are_complete_and_a_part_that_is_lost_is_told() -> None:
    rows = rows_of()
    assert completeness.gaps(exact(rows), rows).max() < 1e-6
    parts = np.array(exact(rows).cells["chart"])
    parts[0] += 2.0
    gaps = completeness.gaps(said_of(rows, parts), rows)
    assert gaps[0] > completeness.TOLERANCE and gaps[1:].max() < 1e-6


def test_numbers_beside_steps_and_of_the_row_count_towards_the_sum() -> None:
    rows = rows_of()
    whole = exact(rows)
    beside = Attribution(
        {"chart": np.asarray(whole.cells["chart"]) * 0},
        whole.column,
        whole.told,
        whole.rest,
        "exact",
        side={"chart": np.asarray(whole.cells["chart"]) * 0.5},
        context={"chart": np.stack([whole.told * 0.25, whole.told * 0.25], 1)},
    )
    assert completeness.gaps(beside, rows).max() < 1e-6


def test_true_parts_move_the_answer_more_than_chance_and_random_ones_do_not() -> None:
    rows = rows_of(60)
    laid, random = cells.seen(rows), np.random.default_rng(2)
    true = curves.moved(exact(rows), rows, laid, linear, random)
    chance = curves.moved(random_parts(rows), rows, laid, linear, random)
    assert true.deletion_gain.mean() > 0.5 and true.insertion_gain.mean() > 0.5
    assert abs(chance.deletion_gain.mean()) < 0.25 and abs(chance.insertion_gain.mean()) < 0.25


def test_the_same_order_agrees_wholly_and_another_one_does_not() -> None:
    rows = rows_of(60)
    laid = cells.seen(rows)
    twice = said_of(rows, 2 * np.asarray(exact(rows).cells["chart"]))
    turned = said_of(rows, -np.asarray(exact(rows).cells["chart"]))
    assert np.allclose(agreement.rank_correlations(exact(rows), twice, laid), 1)
    assert np.allclose(agreement.rank_correlations(exact(rows), turned, laid, signed=True), 1)
    assert abs(np.nanmean(agreement.rank_correlations(exact(rows), random_parts(rows), laid))) < 0.15


def test_disturbed_rows_keep_their_steps_and_their_order_of_cells() -> None:
    rows = rows_of(30)
    near = stability.disturbed(rows, 0)
    assert np.array_equal(near.inputs["chart"].seen, rows.inputs["chart"].seen)
    moved = np.abs(np.asarray(near.inputs["chart"].values) - np.asarray(rows.inputs["chart"].values))
    assert 0 < moved.max() < 0.5 and not moved[~np.asarray(rows.inputs["chart"].seen)].any()
    assert np.nanmean(agreement.rank_correlations(exact(rows), exact(near), cells.seen(rows))) > 0.9


def test_disturbed_codes_lose_a_few_and_gain_none() -> None:
    rows = coded(200)
    before, after = (np.asarray(one.inputs["codes"].seen) for one in (rows, stability.disturbed(rows, 0)))
    assert 0 < (before & ~after).mean() < 0.05 and not (after & ~before).any()


def noisy(rows: Evidence, count: int) -> Attribution:
    """The true parts with noise that falls with the number of points."""
    noise = random_parts(rows, seed=count).cells["chart"]
    return said_of(rows, np.asarray(exact(rows).cells["chart"]) + noise * 8 / count)


def test_points_are_doubled_until_the_order_settles() -> None:
    rows = rows_of(20)
    found = points.settled(lambda count: lambda some: noisy(some, count), rows, cells.seen(rows))
    assert found.settled and found.points > 16
    assert [same for _, same in found.tried][-1] >= points.LEVEL > found.tried[-2][1]


def test_points_that_never_settle_are_told_to_have_not() -> None:
    rows = rows_of(20)
    found = points.settled(lambda count: lambda some: random_parts(some, count), rows, cells.seen(rows), most=32)
    assert not found.settled and found.points == 32


def planted_truth(rows: Evidence) -> Mapping[str, Array]:
    seen = np.asarray(rows.inputs["chart"].seen)
    truth = np.zeros(seen.shape, bool)
    for begin in rows.inputs["chart"].offsets[:-1]:
        truth[begin, :2] = seen[begin, :2]
    return {"chart": truth}


def test_a_perfect_explanation_finds_every_planted_cell_and_a_random_one_none_beyond_chance() -> None:
    rows = rows_of(80)
    laid, truth = cells.seen(rows), planted_truth(rows)
    perfect = finding.found(said_of(rows, truth["chart"] * -1.0), laid, truth)
    assert np.nanmin(perfect.auprc) == 1 and np.nanmin(perfect.auroc) == 1
    by_chance = finding.by_chance(laid, truth, np.random.default_rng(0))
    random = finding.found(random_parts(rows), laid, truth)
    assert abs(np.nanmean(random.auroc) - 0.5) < 0.06
    assert abs(np.nanmean(random.auprc) - by_chance) < 0.05
    silent = finding.found(said_of(rows, truth["chart"] * 0.0), laid, truth)
    assert np.allclose(silent.auroc[~np.isnan(silent.auroc)], 0.5)
    assert np.allclose(silent.auprc[~np.isnan(silent.auprc)], silent.planted[~np.isnan(silent.auprc)])
