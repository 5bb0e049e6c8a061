"""Average precision held against COCO's own code; FROC, counts and thresholds against their definitions."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.evaluate.detection import tally
from sequela.metrics import detection
from sequela.metrics.detection import Ranked
from sequela.types import Answer, Array, Boxed, Boxes, Target

FOLDER = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((FOLDER / "detection.json").read_text())
NAMES = ("RBC", "WBC", "Platelets")


def load() -> ModuleType:
    found = importlib.util.spec_from_file_location("golden_detection", FOLDER / "detection.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


golden = load()


def ranked_of(pictures: list[tuple[Array, Array]]) -> list[Ranked]:
    """Each class of what golden.pictures gives."""
    truth = [rows for rows, _ in pictures]
    boxes = Boxes(
        np.cumsum([0, *map(len, truth)]),
        np.concatenate(truth)[:, 1:].astype(np.float32),
        np.concatenate(truth)[:, 0].astype(np.int64),
    )
    boxed = tuple(Boxed(said[:, 1:5].astype(np.float32), said[:, 0].astype(np.int64), said[:, 5]) for _, said in pictures)
    rows = len(pictures)
    target = Target(np.zeros((rows, 1)), np.full((rows, 1), True), NAMES, boxes)
    found = tally(Answer("boxes", np.zeros((rows, 3)), NAMES, boxed=boxed), target)
    return [found.ranked(k) for k in range(3)]


def held_against(expected: dict[str, list[float | None]], ranked: list[Ranked]) -> None:
    for metric, function in (("ap50", detection.ap50), ("ap", detection.ap)):
        given = [np.nan if value is None else value for value in expected[metric]]
        np.testing.assert_allclose([function(one) for one in ranked], given, rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", golden.EVERY)
def test_average_precision_is_that_of_coco(case: str) -> None:
    held_against(EXPECTED[case], ranked_of(golden.pictures(case)))


def test_average_precision_on_blood_smears_is_that_of_coco(real_data: Callable[[str], Path]) -> None:
    held_against(EXPECTED["smears"], ranked_of(golden.smears(real_data("bccd"))))


def some(seed: int, rows: int = 6) -> Ranked:
    """Boxes without ties."""
    random = np.random.default_rng(seed)
    truth, count = random.integers(0, 4, rows), random.integers(0, 6, rows)
    row = np.repeat(np.arange(rows), count)
    hit = np.zeros((len(row), 10), bool)
    for one in range(rows):
        here = np.flatnonzero(row == one)
        for limit in range(10):
            hit[random.permutation(here)[: random.integers(0, min(len(here), truth[one]) + 1)], limit] = True
    order = random.permutation(len(row))
    return Ranked(np.sort(random.random(len(row)))[::-1], hit[order], row[order], truth.astype(float))


def repeated(ranked: Ranked, times: Array) -> Ranked:
    """The same of pictures that are there so many times."""
    first = np.concatenate([[0], np.cumsum(times)])
    parts = [
        (score, hit, first[row] + copy)
        for score, hit, row in zip(ranked.score, ranked.hit, ranked.row, strict=True)
        for copy in range(times[row])
    ]
    score = np.array([score for score, _, _ in parts])
    hit = np.array([hit for _, hit, _ in parts], bool).reshape(len(parts), 10)
    return Ranked(score, hit, np.array([row for _, _, row in parts], np.int64), np.repeat(ranked.truth, times))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
@pytest.mark.parametrize("metric", [detection.ap50, detection.ap, detection.froc], ids=lambda one: one.__name__)
def test_a_weighed_picture_counts_as_often_as_it_weighs(metric: Callable[..., Array], seed: int) -> None:
    ranked = some(seed)
    times = np.random.default_rng(seed + 1).integers(0, 4, (3, len(ranked.truth)))
    written_out = [metric(repeated(ranked, row)) for row in times]
    np.testing.assert_allclose(metric(ranked, times.astype(float)), written_out, atol=1e-12)
    np.testing.assert_allclose(metric(ranked, times[0].astype(float)), written_out[0], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_average_precision_written_out(seed: int) -> None:
    ranked = some(seed)
    hits, there = np.cumsum(ranked.hit[:, 0]), ranked.truth.sum()
    precision = hits / np.arange(1, len(hits) + 1)
    found = []
    for recall in np.linspace(0, 1, 101):
        reaching = [p for p, h in zip(precision, hits, strict=True) if there and h / there >= recall]
        found.append(max(reaching, default=0.0))
    np.testing.assert_allclose(detection.ap50(ranked), np.mean(found) if there else np.nan, atol=1e-12)


def test_many_resamples_are_worked_on_in_parts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    ranked = some(3)
    weights = np.random.default_rng(0).integers(0, 3, (50, len(ranked.truth))).astype(float)
    whole = detection.ap(ranked, weights), detection.froc(ranked, weights)
    monkeypatch.setattr(detection, "ELEMENTS", 3 * len(ranked.row))
    np.testing.assert_array_equal((detection.ap(ranked, weights), detection.froc(ranked, weights)), whole)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), tied=st.booleans())
def test_froc_is_the_best_sensitivity_that_a_threshold_reaches(seed: int, tied: bool) -> None:
    ranked = some(seed)
    score = np.ceil(ranked.score * 3) if tied else ranked.score
    ranked = Ranked(score, ranked.hit, ranked.row, ranked.truth)
    best = []
    for rate in detection.RATES:
        reached = [0.0]
        for cut in [*score, np.inf]:
            called = score >= cut
            if (called & ~ranked.hit[:, 0]).sum() / len(ranked.truth) <= rate and ranked.truth.any():
                reached.append((called & ranked.hit[:, 0]).sum() / ranked.truth.sum())
        best.append(max(reached))
    np.testing.assert_allclose(detection.froc(ranked), np.mean(best) if ranked.truth.any() else np.nan)


def test_nothing_said_is_0_and_nothing_there_is_undefined() -> None:
    nothing = np.zeros(0)
    unsaid = Ranked(nothing, np.zeros((0, 10), bool), nothing.astype(np.int64), np.array([2.0, 0.0]))
    assert detection.ap50(unsaid) == detection.ap(unsaid) == detection.froc(unsaid) == 0
    there = np.array([[1.0, 0.0], [0.0, 1.0]])  # the second resample has nothing to find
    np.testing.assert_array_equal(detection.ap(unsaid, there), [0, np.nan])
    np.testing.assert_array_equal(detection.froc(unsaid, there), [0, np.nan])


def test_a_thing_is_found_once_and_by_the_surest_box() -> None:
    truth = np.array([[0, 0, 10, 10], [0, 20, 10, 30]])
    said = np.array([[0, 1, 10, 11], [0, 0, 10, 10], [0, 20, 10, 30], [50, 50, 60, 60]])
    assert detection.matched(said, truth)[:, 0].tolist() == [True, False, True, False]
    assert detection.matched(said, truth)[:, 9].tolist() == [False, True, True, False]
    assert detection.matched(said[:0], truth).shape == (0, 10)
    assert not detection.matched(said, truth[:0]).any()


def test_cuts_lie_between_scores_and_tell_what_each_calls() -> None:
    hit = np.repeat(np.array([[True], [False], [True], [False]]), 10, 1)
    ranked = Ranked(np.array([0.9, 0.7, 0.7, 0.2]), hit, np.zeros(4, np.int64), np.array([4.0]))
    falling, sensitivity, f1 = detection.cuts(ranked)
    np.testing.assert_allclose(falling, [np.nextafter(0.9, 1), 0.8, 0.45, 0.2])
    np.testing.assert_allclose(sensitivity, [0, 1 / 4, 2 / 4, 2 / 4])
    np.testing.assert_allclose(f1, [0, 2 / 5, 4 / 7, 4 / 8])


def test_counts_and_shares_of_pictures_that_are_weighed() -> None:
    called, hits, there = np.array([3.0, 0, 2]), np.array([2.0, 0, 1]), np.array([2.0, 1, 4])
    weights = np.array([[1.0, 1, 1], [2, 0, 1]])
    np.testing.assert_allclose(detection.found_share(hits, there, weights), [3 / 7, 5 / 8])
    np.testing.assert_allclose(detection.true_share(hits, called, weights), [3 / 5, 5 / 8])
    np.testing.assert_allclose(detection.both_shares(hits, called, there, weights), [6 / 12, 10 / 16])
    np.testing.assert_allclose(detection.count_mae(called, there, weights), [4 / 3, 4 / 3])
    np.testing.assert_allclose(detection.count_bias(called, there, weights), [-2 / 3, 0])
