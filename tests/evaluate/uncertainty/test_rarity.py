"""An input unlike those of tune is told as unusual, with the rule, and those of tune are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from sequela.evaluate.uncertainty import rarity
from sequela.evaluate.uncertainty.rarity import LEVELS, Rarity, State, Tail


def fitted(pooled: np.ndarray, group: np.ndarray) -> Rarity:
    return rarity._of_vectors(pooled, group, {})


def test_the_distance_is_that_of_mahalanobis_from_the_nearest_class() -> None:
    random = np.random.default_rng(0)
    group = np.arange(20_000) % 2
    pooled = random.normal(size=(20_000, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 3.0]]) + group[:, None] * [4, 0, 0]
    own = fitted(pooled, group)
    means = [pooled[group == one].mean(0) for one in (0, 1)]
    inverse = np.linalg.inv(np.cov((pooled - np.stack(means)[group]).T))
    new = random.normal(size=(5, 3)) * 4
    expected = [min(mahalanobis(row, mean, inverse) for mean in means) for row in new]
    assert own.distance(new) == pytest.approx(expected, rel=0.02)


def test_a_direction_in_which_training_never_varies_makes_no_distance_undefined() -> None:
    pooled = np.concatenate([np.random.default_rng(0).normal(size=(50, 2)), np.full((50, 1), 2.0)], 1)
    assert np.isfinite(fitted(pooled, np.zeros(50, int)).distance(pooled + 1)).all()


def test_energy_is_high_where_the_head_speaks_for_no_class() -> None:
    assert np.argmax(rarity.energy(np.array([[0.0], [4.0], [-4.0]]), "binary")) == 0
    assert rarity.energy(np.array([[4.0], [-4.0]]), "binary").std() == pytest.approx(0)
    assert np.argmax(rarity.energy(np.array([[0.1, 0.0, 0.0], [9.0, 0.0, 0.0]]), "multiclass")) == 0


def test_a_share_of_tune_is_as_unusual_as_it_is_said_to_be() -> None:
    random = np.random.default_rng(1)
    tail = rarity._tail("distance", "", random.normal(size=5000), np.arange(5000))
    share = tail.share(random.normal(size=5000))
    for asked in (0.01, 0.05, 0.5):
        assert (share <= asked).mean() == pytest.approx(asked, abs=0.02)
    assert tail.share(np.array([99.0]))[0] == pytest.approx(1 / 5001)
    assert tail.share(np.array([-99.0]))[0] == 1.0


def test_asking_by_many_rules_makes_nobody_of_tune_unusual_more_often() -> None:
    random = np.random.default_rng(2)
    measured = {("distance", ""): random.normal(size=3000), ("missing", "chart"): random.normal(size=3000)}
    measured |= {("outside", "chart"): random.normal(size=3000), ("few", "chart"): np.zeros(3000)}
    own = rarity._referred(Rarity(State((), Tail("together", ()), {}), *np.zeros((3, 1, 1))), measured, np.arange(3000))
    each = np.stack([tail.share(measured[tail.measure, tail.input]) for tail in own.state.tails], 1)
    assert (own.state.together.share(-each.min(1)) <= 0.05).mean() == pytest.approx(0.05, abs=0.01)
    assert (each.min(1) <= 0.05).mean() > 0.1


def test_what_is_kept_of_tune_are_quantiles() -> None:
    tail = rarity._tail("distance", "", np.random.default_rng(0).normal(size=5000), np.arange(5000))
    assert len(tail.values) == len(LEVELS) < 100
