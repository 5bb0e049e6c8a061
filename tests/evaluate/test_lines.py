"""Curves by one pass down the risks: against sums over the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.evaluate.lines import lines
from sequela.metrics.calibration import logit
from sequela.metrics.paired import net_benefit
from sequela.types import Array


def _rows(ties: bool) -> tuple[Array, Array, Array]:
    random = np.random.default_rng(5)
    event = random.random(2000) < 0.2
    risk = 1 / (1 + np.exp(2 - random.normal(size=2000) - 1.5 * event))
    return (np.round(risk, 1).clip(0.05, 0.95) if ties else risk), event, np.sort(random.integers(0, 900, 2000))


@pytest.mark.parametrize("ties", [False, True])
def test_the_smooth_curve_is_the_straight_line_through_the_rows_around_each_risk(ties: bool) -> None:
    risk, event, unit = _rows(ties)
    drawn = lines(risk, event, unit)
    counts = np.random.default_rng(0).integers(0, 3, (2, 900)).astype(np.float64)
    centres, found = logit(drawn.around), drawn.at(counts).smooth
    width = np.ptp(centres) / 6
    for resample, weights in zip(found, counts[:, unit], strict=True):
        for place in (3, 20, 36):
            distance = logit(risk) - centres[place]
            kernel = np.sqrt(weights * np.exp(-0.5 * (distance / width) ** 2))
            sides = np.stack([kernel, kernel * distance], 1)
            height = np.linalg.lstsq(sides, kernel * event, rcond=None)[0][0]
            assert resample[place] == pytest.approx(np.clip(height, 0, 1), abs=3e-4)


@pytest.mark.parametrize("ties", [False, True])
def test_the_decision_curve_is_the_net_benefit_at_each_threshold(ties: bool) -> None:
    risk, event, unit = _rows(ties)
    drawn = lines(risk, event, unit)
    counts = np.random.default_rng(1).integers(0, 3, (2, 900)).astype(np.float64)
    found = drawn.at(counts).decision
    for place, threshold in enumerate(drawn.thresholds):
        expected = net_benefit(risk, event, float(threshold), counts[:, unit])
        np.testing.assert_allclose(found[:, place], expected, atol=1e-12)
