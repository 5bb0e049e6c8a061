"""The curve that knows no input: scikit-survival's incidence, lifelines' survival with late entries, and groups."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sequela.baselines import _incidence, aalen_johansen
from sequela.contracts import Evidence
from sequela.types import Times

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "survival_baselines.json").read_text())


def tied(*, late: bool) -> Times:
    held = {key: np.array(value) for key, value in GOLDEN["data"]["tied"].items()}
    return Times(held["time"], held["cause"], held["entry"] * late, ())


def test_the_incidence_of_causes_that_compete_is_that_of_scikit_survival() -> None:
    said = GOLDEN["incidence"]
    found = _incidence.aalen_johansen(tied(late=False), 2, np.array(said["at"]))
    np.testing.assert_allclose(found, said["incidence"], atol=1e-12)


def test_the_survival_of_rows_that_came_late_is_that_of_lifelines() -> None:
    said = GOLDEN["late_survival"]
    found = _incidence.aalen_johansen(tied(late=True), 2, np.array(said["at"]))
    np.testing.assert_allclose(1 - found.sum(0), said["survival"], atol=1e-12)


def test_groups_have_curves_of_their_own_and_strangers_that_of_all(watched: Callable[..., Evidence]) -> None:
    rows = watched(300)
    drug = (rows.plain.values[:, 0] > 0).astype(np.float32)
    held = replace(rows, plain=replace(rows.plain, values=drug[:, None], names=("patient.drug",)))
    baseline = aalen_johansen.build(aalen_johansen.Config(by=("*.drug",)))
    baseline.fit(held, held, "survival", 0)
    asked = replace(held, plain=replace(held.plain, values=np.array([[0.0], [1.0], [7.0]], np.float32)))
    found = baseline.answer(asked).curves
    assert found is not None
    days = np.array([10.0, 30.0])
    for row, members in enumerate((drug == 0, drug == 1, drug > -1)):
        own = _incidence.aalen_johansen(rows.target.dense.take(members), 2, found.times)
        np.testing.assert_allclose(found.incidence[row], own)
    assert (found.at(days)[1, 0] > found.at(days)[0, 0]).all()
    back = aalen_johansen.from_arrays(baseline.exported(), "survival", rows.target.names, held.plain.columns)
    np.testing.assert_array_equal(back.answer(asked).values, baseline.answer(asked).values)


def test_the_horizons_stand_on_the_grid_and_a_late_one_holds_the_last_value(watched: Callable[..., Evidence]) -> None:
    rows = watched(300)
    baseline = aalen_johansen.build(aalen_johansen.Config())
    baseline.fit(rows, rows, "survival", 0)
    answer = baseline.answer(rows)
    assert answer.curves is not None and {10.0, 30.0} <= set(answer.curves.times.tolist())
    np.testing.assert_allclose(answer.values[0], _incidence.aalen_johansen(rows.target.dense, 2, np.array([30.0]))[:, 0])
