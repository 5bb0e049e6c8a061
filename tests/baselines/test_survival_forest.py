"""The survival forest: its splits are log-rank's, its leaves Aalen and Johansen's, its rank scikit-survival's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sequela import seed as streams
from sequela.baselines import _incidence, _intervals, _survival_trees, survival_forest
from sequela.baselines._survival_trees import Growing
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Array, Plain, Target, Times

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "survival_baselines.json").read_text())


def on_events(times: Times) -> Times:
    """Rows that left do so at the last event before: those at risk are then the same in intervals as in days."""
    events = np.unique(times.time[times.cause > 0])
    before = np.concatenate([[1e-3], events])[np.searchsorted(events, times.time, "right")]
    return replace(times, time=np.where(times.cause > 0, times.time, before))


def growing(rows: Evidence, leaf: int) -> Growing:
    times: Times = rows.target.dense
    ends = np.unique(times.time[times.cause > 0])
    values = rows.plain.values.astype(np.float64)
    return Growing(_survival_trees.binned(values), _intervals.spells(times, ends), 2, len(ends), leaf, values.shape[1])


def test_a_row_s_scores_sum_over_one_side_to_observed_less_expected_events(watched: Callable[..., Evidence]) -> None:
    rows = watched(120, late=0.0)
    times = on_events(rows.target.dense)
    plan = growing(replace(rows, target=replace(rows.target, dense=times)), 5)
    side = rows.plain.values[:, 0] > 0
    scores = _survival_trees._scores(plan, np.arange(120), np.zeros(120, np.int64), 1)
    for cause, score in enumerate(scores, 1):
        moments = np.unique(times.time[times.cause == cause])
        share = [(times.time[side] >= moment).sum() / (times.time >= moment).sum() for moment in moments]
        observed = ((times.cause == cause) & side).sum()
        assert score[side].sum() == pytest.approx(observed - sum(share))
        assert score.sum() == pytest.approx(0)


def test_one_leaf_of_all_rows_is_the_curve_of_aalen_and_johansen(watched: Callable[..., Evidence]) -> None:
    rows = watched(80, late=0.0)
    times = on_events(rows.target.dense)
    plan = growing(replace(rows, target=replace(rows.target, dense=times)), 5)
    found = _survival_trees._seen(plan, np.arange(80), np.zeros(80, np.int64))[0]
    expected = _incidence.aalen_johansen(times, 2, np.unique(times.time[times.cause > 0]))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_first_split_is_of_the_column_that_tells() -> None:
    random = streams.generator(0, "split")
    values = random.normal(size=(400, 3))
    time = random.exponential(np.where(values[:, 1] > 0.5, 1.0, 10.0))
    spells = _intervals.spells(Times(time, np.ones(400, np.int64), np.zeros(400), ()), np.quantile(time, np.arange(1, 21) / 20))
    plan = Growing(_survival_trees.binned(values), spells, 1, 20, 20, 3)
    split = _survival_trees._splits(plan, np.arange(400), np.zeros(400, np.int64), random)
    assert split.column[0] == 1
    assert plan.rows.edges[1, split.bin[0]] == pytest.approx(0.5, abs=0.15)


def test_rows_reach_when_they_are_asked_the_leaves_that_they_grew(watched: Callable[..., Evidence]) -> None:
    rows = watched(200, missing=0.2)
    plan = growing(rows, 8)
    drawn = np.arange(200)
    tree, leaf = _survival_trees._tree(plan, drawn, streams.generator(0, "tree"))
    reached = _survival_trees._joined([tree]).leaves(rows.plain.values.astype(np.float64))[:, 0]
    np.testing.assert_array_equal(reached, leaf)
    assert np.bincount(leaf).min() >= 8 and leaf.max() > 5


def test_an_absent_value_goes_to_the_side_that_it_is_like() -> None:
    random = streams.generator(1, "absent")
    values = random.normal(size=(400, 1))
    soon = (values[:, 0] > 0) | (random.random(400) < 0.3)
    time = random.exponential(np.where(soon, 1.0, 20.0))
    values[soon & (values[:, 0] < 0)] = np.nan
    spells = _intervals.spells(Times(time, np.ones(400, np.int64), np.zeros(400), ()), np.quantile(time, np.arange(1, 21) / 20))
    plan = Growing(_survival_trees.binned(values), spells, 1, 20, 100, 1)
    forest = _survival_trees.grow(plan, 10, 400, random)
    low, high, absent = forest(np.array([[-2.0], [2.0], [np.nan]]))[:, 0, 9]
    assert absent == pytest.approx(high, abs=0.1) and absent > low + 0.3


def test_each_seed_has_a_forest_of_its_own(watched: Callable[..., Evidence]) -> None:
    train, tune = watched(150), watched(60, 1)

    def said(seed: int) -> Array:
        baseline = survival_forest.build(survival_forest.Config(trees=5, screen_trees=2, leaves=(10,)))
        baseline.fit(train, tune, "survival", seed)
        return baseline.answer(tune).values

    np.testing.assert_array_equal(said(3), said(3))
    assert (said(3) != said(4)).any()


def test_an_exported_forest_answers_alike(watched: Callable[..., Evidence]) -> None:
    rows = watched(150)
    baseline = survival_forest.build(survival_forest.Config(trees=5, screen_trees=2, leaves=(10,)))
    baseline.fit(rows, watched(60, 1), "survival", 0)
    back = survival_forest.from_arrays(baseline.exported(), "survival", rows.target.names, rows.plain.columns)
    np.testing.assert_array_equal(back.answer(rows).values, baseline.answer(rows).values)


def test_inputs_without_plain_columns_are_refused(watched: Callable[..., Evidence]) -> None:
    parts = [replace(rows, plain=Plain(np.zeros((len(rows), 0), np.float32), ())) for rows in (watched(60), watched(40, 1))]
    with pytest.raises(DataError, match="no plain columns"):
        survival_forest.build(survival_forest.Config()).fit(parts[0], parts[1], "survival", 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["metabric", "support"])
def test_its_rank_of_real_patients_is_about_that_of_scikit_survival(name: str, real_data: Callable[[str], Path]) -> None:
    h5py = pytest.importorskip("h5py")
    (file,) = real_data("survival").glob(f"deepsurv_{name}*.h5")
    with h5py.File(file) as held:
        x, time, event = (held["train"][key][:] for key in "xte")
    fifth = np.arange(len(x)) % 5 == 0
    parts = [_evidence(x[rows], time[rows], event[rows]) for rows in (~fifth, fifth)]
    baseline = survival_forest.build(survival_forest.Config(leaves=(15,), screen_trees=1))
    baseline.fit(parts[0], parts[1], "survival", 0)
    curves = baseline.answer(parts[1]).curves
    assert curves is not None
    assert _concordance(curves.incidence.mean((1, 2)), parts[1].target.dense) == pytest.approx(GOLDEN["forest"][name], abs=0.025)


def _evidence(x: Array, time: Array, event: Array) -> Evidence:
    count = len(x)
    times = Times(np.maximum(time.astype(float), 0.01), event.astype(np.int64), np.zeros(count), ())
    target = Target(times.cause[:, None].astype(float), np.ones((count, 1), bool), ("death",), times)
    plain = Plain(x.astype(np.float32), tuple(f"c{column}" for column in range(x.shape[1])))
    return Evidence({}, {}, plain, target, np.arange(count), np.arange(count).astype(str))


def _concordance(risk: Array, times: Times) -> float:
    before = (times.cause[:, None] == 1) & (times.time[:, None] < times.time)
    return float(((risk[:, None] > risk) + 0.5 * (risk[:, None] == risk))[before].mean())
