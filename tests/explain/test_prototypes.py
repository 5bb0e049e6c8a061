"""The training cases most alike to a row."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.explain.prototypes import Encoding, nearest


def encoding(vectors: list[list[float]], subject: list[int]) -> Encoding:
    return Encoding(np.array(vectors), np.array(subject))


def test_the_nearest_training_cases_come_first_and_never_of_the_same_patient() -> None:
    train = encoding([[0.0, 1.0], [1.0, -1.0], [5.0, 1.0], [0.1, 1.0]], [1, 2, 3, 9])
    found = nearest(encoding([[0.1, 1.0]], [9]), train, count=4)
    assert found.place.tolist() == [[0, 1, 2, -1]]
    assert np.all(np.diff(found.distance[0, :3]) > 0) and np.isnan(found.distance[0, 3]) and np.isnan(found.alike[0, 3])


def test_likeness_is_the_share_of_pairs_that_are_further_apart() -> None:
    random = np.random.default_rng(0)
    train = Encoding(random.normal(size=(400, 6)), np.arange(400))
    found = nearest(Encoding(np.concatenate([train.vector[:1] + 1e-9, np.full((1, 6), 50.0)]), np.array([900, 901])), train, 1)
    assert found.place[0, 0] == 0
    assert found.alike[:, 0].tolist() == [1.0, 0.0]
    pairs = Encoding(random.normal(size=(300, 6)), np.arange(1000, 1300))
    usual = nearest(pairs, train, count=400).alike
    assert float(np.nanmean(usual)) == pytest.approx(0.5, abs=0.03), "of all pairs half are further apart than one of them"


def test_what_never_varies_in_training_counts_for_nothing() -> None:
    train = encoding([[0.0, 7.0], [2.0, 7.0], [4.0, 7.0]], [1, 2, 3])
    found = nearest(encoding([[2.1, -900.0]], [4]), train, count=1)
    assert found.place.tolist() == [[1]] and found.distance[0, 0] < 0.1
    again = nearest(encoding([[2.1, -900.0]], [4]), train, count=1)
    assert np.array_equal(found.alike, again.alike)
