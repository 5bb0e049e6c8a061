"""The burden of alerts, held against counting by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequela import config
from sequela.evaluate.alerts import episodes, raised
from sequela.evaluate.evaluation import evaluate
from sequela.metrics import alerts as burden
from sequela.types import Answer, Array, Cohort, Target

HOUR = np.timedelta64(1, "h")
EPOCH = np.datetime64("2020-01-01", "us")


def hourly(stays: list[tuple[int, int, int | None]], horizon: int = 4) -> Cohort:
    """Rows each hour of (subject, hours, hour of death or None) stays; positive where death comes within the horizon."""
    rows = [(subject, hour, death) for subject, hours, death in stays for hour in range(hours)]
    subject = np.array([row[0] for row in rows])
    start = np.full(len(rows), EPOCH)
    time = EPOCH + np.array([hour for _, hour, _ in rows]) * HOUR
    soon = np.array([death is not None and hour < death <= hour + horizon for _, hour, death in rows])
    never = np.datetime64("NaT")
    event = np.array(
        [EPOCH + death * HOUR if near else never for near, (_, _, death) in zip(soon, rows, strict=True)], "datetime64[us]"
    )
    names = np.arange(len(rows)).astype(str)
    target = Target(soon[:, None].astype(float), np.ones((len(rows), 1), bool), ("death",))
    return Cohort(subject, names, names, start, time.astype("datetime64[us]"), np.full(len(rows), "test"), target, event=event)


STAYS = hourly([(1, 10, 10), (2, 10, None), (3, 6, 6), (4, 24, None)])


def called(*at: tuple[int, int]) -> Array:
    """Risk 1 at these (subject, hour), 0 elsewhere."""
    hour = (STAYS.time - STAYS.start) // HOUR
    return np.array([(s, h) in at for s, h in zip(STAYS.subject_id.tolist(), hour.tolist(), strict=True)], float)


def found(risk: Array, **settings: object) -> dict[str, float | None]:
    answers = {"model": Answer("probabilities", risk[:, None], ("death",))}
    asked = config.Evaluate(bootstrap=20, **settings)  # type: ignore[arg-type]
    rows = evaluate("binary", STAYS, answers, asked, {"model": 0.5}, part="test", split="s", seed=0).metrics
    return {row.metric: row.value for row in rows}


def test_alerts_are_counted_by_stay_and_by_patient_day() -> None:
    said = found(called((1, 7), (1, 8), (2, 3), (3, 1), (4, 2), (4, 3)))
    assert said["alerts_per_100_patient_days"] == pytest.approx(6 / 50 * 24 * 100)
    assert said["episode_sensitivity"] == 0.5  # stay 3 was alerted at hour 1, five hours before: too early to count
    assert said["number_needed_to_evaluate"] == 4
    assert said["lead_time"] == 3


def test_an_alert_is_followed_by_silence() -> None:
    said = found(called(*((4, hour) for hour in range(12))), silence="6h")
    assert said["alerts_per_100_patient_days"] == pytest.approx(2 / 50 * 24 * 100)
    held = episodes(STAYS, np.arange(len(STAYS)))
    assert held is not None
    every = raised(held, np.ones(len(STAYS), bool), 5 * 3_600_000_000)
    assert (STAYS.time - STAYS.start)[held.row][every].astype("timedelta64[h]").astype(int).tolist() == [
        0,
        5,
        0,
        5,
        0,
        5,
        0,
        5,
        10,
        15,
        20,
    ]


def test_what_no_alert_announced_has_no_number_but_a_reason() -> None:
    said = found(called((2, 3)))
    assert said["episode_sensitivity"] == 0
    assert said["number_needed_to_evaluate"] is None
    assert said["lead_time"] is None


def test_patients_asked_about_once_have_no_burden() -> None:
    _, first = np.unique(STAYS.subject_id, return_index=True)
    assert episodes(STAYS, first) is None
    answers = {"model": Answer("probabilities", np.zeros((len(first), 1)), ("death",))}
    rows = evaluate(
        "binary", STAYS.take(first), answers, config.Evaluate(bootstrap=0), {"model": 0.5}, part="test", split="s", seed=0
    )
    assert not {row.metric for row in rows.metrics} & {"lead_time", "alerts_per_100_patient_days"}


def test_the_order_of_rows_changes_nothing() -> None:
    order = np.random.default_rng(0).permutation(len(STAYS))
    mixed, held = episodes(STAYS.take(order), np.arange(len(STAYS))), episodes(STAYS, np.arange(len(STAYS)))
    assert mixed is not None
    assert held is not None
    assert order[mixed.row].tolist() == held.row.tolist()
    assert mixed.days.tolist() == held.days.tolist()


def test_a_median_of_weights_is_that_of_repeated_values() -> None:
    hours = np.array([5.0, np.nan, 1.0, 3.0, 9.0])
    weights = np.random.default_rng(1).integers(0, 4, (30, 5))
    for row, value in zip(weights, burden.lead_time(hours, weights), strict=True):
        repeated = np.sort(np.repeat(hours, row)[~np.isnan(np.repeat(hours, row))])
        assert np.isnan(value) if not len(repeated) else value == repeated[(len(repeated) - 1) // 2]
    assert burden.lead_time(hours) == 3.0


def test_the_event_stays_with_its_row() -> None:
    assert replace(STAYS).take(np.array([9, 0])).event.astype(str).tolist() == ["2020-01-01T10:00:00.000000", "NaT"]  # type: ignore[union-attr]
