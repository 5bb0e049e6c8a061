"""The measures of CAFA, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sequela.metrics import cafa
from sequela.metrics.cafa import Told

# two rows of three labels; the third is below the second, which says 2 bits, and says 1 more itself
RISK = np.array([[0.9, 0.6, 0.2], [0.3, 0.8, 0.7]])
TRUE = np.array([[True, False, False], [False, True, False]])
KNOWN = np.ones((2, 3), bool)
BITS = np.array([0.5, 2.0, 1.0])


def told(known: np.ndarray = KNOWN) -> Told:
    return cafa.told(RISK, TRUE, known, BITS)


def at(told: Told, cut: float) -> int:
    return int(np.flatnonzero(cut == cafa.CUTS)[0])


def test_fmax_is_the_best_f1_of_mean_precision_and_mean_recall() -> None:
    """From .61 to .70 the first row calls what holds alone, the second one right of two: precision 3/4, recall 1. From .71 to .80
    each calls what holds alone: 1 and 1."""
    found = told()
    assert found.precision[:, at(found, 0.65)].tolist() == [1.0, 0.5]
    assert found.recall[:, at(found, 0.65)].tolist() == [1.0, 1.0]
    assert cafa.fmax(found.precision, found.recall) == 1.0


def test_rows_in_which_nothing_is_called_count_in_recall_alone() -> None:
    found = told()
    one = at(found, 0.85)  # of the second row nothing is called
    assert math.isnan(found.precision[1, one])
    f1 = cafa.fmax(found.precision[:, [one]], found.recall[:, [one]])
    assert f1 == pytest.approx(2 * 1.0 * 0.5 / 1.5)


def test_smin_is_the_least_distance_of_mean_bits_missed_and_wrong() -> None:
    """At .85 the second row misses 2 bits: a mean of 1. At .65 it says 1 bit that is wrong: a mean of .5."""
    found = told()
    assert found.missed[:, at(found, 0.85)].tolist() == [0.0, 2.0]
    assert found.wrong[:, at(found, 0.65)].tolist() == [0.0, 1.0]
    both = [at(found, 0.85), at(found, 0.65)]
    assert cafa.smin(found.missed[:, both], found.wrong[:, both]) == 0.5
    assert cafa.smin(np.array([[3.0]]), np.array([[4.0]])) == 5.0
    assert cafa.smin(found.missed, found.wrong) == 0.0


def test_a_label_that_is_not_known_is_neither_right_nor_wrong() -> None:
    known = KNOWN.copy()
    known[1, 2] = False
    found = told(known)
    assert found.precision[1, at(found, 0.65)] == 1.0
    assert found.wrong[1, at(found, 0.65)] == 0.0


def test_weights_of_rows_are_as_if_rows_stood_there_so_often() -> None:
    found = told()
    weights = np.array([[2.0, 1.0], [0.0, 3.0]])
    for each, weight in enumerate(weights):
        rows = np.repeat([0, 1], weight.astype(int))
        again = cafa.told(RISK[rows], TRUE[rows], KNOWN[rows], BITS)
        for metric, names in ((cafa.fmax, ("precision", "recall")), (cafa.smin, ("missed", "wrong"))):
            weighed = metric(*(getattr(found, name) for name in names), weights=weights)
            assert weighed[each] == pytest.approx(metric(*(getattr(again, name) for name in names)))


def test_where_nothing_right_is_ever_called_fmax_is_zero() -> None:
    found = cafa.told(np.array([[0.0, 0.9]]), np.array([[True, False]]), np.ones((1, 2), bool), np.ones(2))
    assert cafa.fmax(found.precision, found.recall) == 0.0
