"""Decisions of two answers: against statsmodels, and what must hold of net benefit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sequela.metrics.paired import mcnemar, net_benefit

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "fairness.json").read_text(encoding="utf-8"))


def test_mcnemar_is_that_of_statsmodels() -> None:
    risk, other, event = (np.array(GOLDEN[name]) for name in ("risk", "other", "event"))
    found = mcnemar(risk >= GOLDEN["cut"], other >= GOLDEN["cut"], event > 0)
    table = GOLDEN["mcnemar"]["table"]
    assert (found.first, found.second) == (table[0][1], table[1][0])
    assert found.p == pytest.approx(GOLDEN["mcnemar"]["exact_p"])


def test_an_answer_is_right_as_often_as_itself() -> None:
    decision = np.array([True, False, True])
    assert mcnemar(decision, decision, np.array([True, True, False])).p == 1


def test_net_benefit_of_calling_everybody_and_nobody_is_that_of_the_definition() -> None:
    event = np.arange(100) < 30
    everybody, nobody = np.ones(100), np.zeros(100)
    assert float(net_benefit(everybody, event, 0.2)) == pytest.approx(0.3 - 0.7 * 0.25)
    assert float(net_benefit(nobody, event, 0.2)) == 0
    assert float(net_benefit(event.astype(float), event, 0.2)) == pytest.approx(0.3)


def test_a_row_of_twice_the_weight_counts_as_two() -> None:
    random = np.random.default_rng(0)
    risk, event, weight = random.random(50), random.random(50) < 0.4, random.integers(0, 3, 50)
    twice = np.repeat(np.arange(50), weight)
    assert float(net_benefit(risk, event, 0.3, weight.astype(float))) == pytest.approx(
        float(net_benefit(risk[twice], event[twice], 0.3))
    )
