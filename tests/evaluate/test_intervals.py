"""Intervals against brute force, published numbers, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.evaluate.intervals import bootstrap, delong, delong_difference, draws, percentiles, wilson
from sequela.metrics.discrimination import auroc
from sequela.metrics.probability import brier


def scores(seed: int, count: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    event = random.random(count) < 0.4
    shared = random.normal(size=count)
    return np.round(shared + event, 1), np.round(0.5 * shared + random.normal(size=count) + event, 1), event


def brute_force(risks: list[np.ndarray], event: np.ndarray) -> np.ndarray:
    """DeLong's covariance by every pair of an event and another: the 1988 paper's own definition."""
    above, below = [], []
    for risk in risks:
        kernel = (risk[event][:, None] > risk[~event]) + 0.5 * (risk[event][:, None] == risk[~event])
        above.append(kernel.mean(1))
        below.append(kernel.mean(0))
    return np.atleast_2d(np.cov(above)) / event.sum() + np.atleast_2d(np.cov(below)) / (~event).sum()


@pytest.mark.parametrize("seed", range(3))
def test_delong_is_its_definition_over_all_pairs(seed: int) -> None:
    one, other, event = scores(seed)
    covariance = brute_force([one, other], event)
    half = 1.959963985 * np.sqrt(covariance[0, 0])
    found = delong(one, event)
    assert [found.value, found.low, found.high] == pytest.approx(
        [auroc(one, event), auroc(one, event) - half, auroc(one, event) + half]
    )
    difference = delong_difference(one, other, event)
    half = 1.959963985 * np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert difference.high - difference.low == pytest.approx(2 * half)
    assert difference.value == pytest.approx(auroc(one, event) - auroc(other, event))


def test_rows_written_twice_for_each_subject_leave_the_clustered_interval_as_it_was() -> None:
    one, _, event = scores(4)
    subject, twice = np.repeat(np.arange(len(one)), 2), np.repeat(np.arange(len(one)), 2)
    once, clustered, naive = delong(one, event), delong(one[twice], event[twice], subject), delong(one[twice], event[twice])
    assert clustered.high - clustered.low == pytest.approx(once.high - once.low, rel=1e-9)
    assert naive.high - naive.low < 0.75 * (once.high - once.low)


def test_a_model_does_not_differ_from_itself() -> None:
    one, _, event = scores(5)
    found = delong_difference(one, one, event)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_limits(successes: int, trials: int, low: float, high: float) -> None:
    """Newcombe 1998, table I, method 3."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_the_bootstrap_draws_whole_subjects() -> None:
    subject = np.repeat([7, 3, 9], [1, 4, 2])
    drawn = draws(subject, 50, 0)
    counts = np.concatenate(list(drawn.chunks(len(subject))))
    assert counts.shape == (50, 3)
    assert (counts.sum(1) == 3).all()
    assert len(np.unique(counts, axis=0)) > 3
    assert drawn.subjects[drawn.units(subject)].tolist() == subject.tolist()


def test_the_bootstrap_agrees_with_delong_and_sees_clusters() -> None:
    one, _, event = scores(6, 800)
    values = bootstrap(np.arange(800), [lambda w: auroc(one, event, w), lambda w: brier(np.clip(one, 0, 1), event, w)], 1000, 0)
    low, high = percentiles(values[0]) or (0, 0)
    theirs = delong(one, event)
    assert [low, high] == pytest.approx([theirs.low, theirs.high], abs=0.006)
    twice = np.repeat(np.arange(800), 2)
    clustered = bootstrap(twice, [lambda w: auroc(one[twice], event[twice], w)], 1000, 0)[0]
    assert clustered.std() == pytest.approx(values[0].std(), rel=1e-6)


def test_the_same_seed_gives_the_same_draws_whatever_is_asked() -> None:
    one, other, event = scores(7)
    alone = bootstrap(np.arange(120), [lambda w: auroc(one, event, w)], 100, 3)[0]
    together = bootstrap(np.arange(120), [lambda w: auroc(other, event, w), lambda w: auroc(one, event, w)], 100, 3)[1]
    np.testing.assert_array_equal(alone, together)


@pytest.mark.parametrize("samples", [np.zeros(0), np.array([1.0, *[np.nan] * 9])])
def test_too_few_defined_resamples_give_no_interval(samples: np.ndarray) -> None:
    assert percentiles(samples) is None


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Subjects with several like rows: normal scores one apart, whose AUROC is Phi(1 / sqrt 2) = 0.7602."""
    random = np.random.default_rng(0)
    held = {"bootstrap": 0, "delong": 0}
    trials = 400
    for trial in range(trials):
        subject = np.repeat(np.arange(150), 3)
        event = np.repeat(random.random(150) < 0.4, 3)
        risk = np.repeat(random.normal(size=150), 3) * np.sqrt(0.8) + random.normal(size=450) * np.sqrt(0.2) + event
        found = delong(risk, event, subject)
        held["delong"] += found.low <= 0.7602 <= found.high
        low, high = percentiles(bootstrap(subject, [lambda w, r=risk, e=event: auroc(r, e, w)], 300, trial)[0]) or (1, 0)
        held["bootstrap"] += low <= 0.7602 <= high
    assert held["delong"] / trials == pytest.approx(0.95, abs=0.03)
    assert held["bootstrap"] / trials == pytest.approx(0.95, abs=0.035)
