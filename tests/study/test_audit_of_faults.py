"""Faults of the data that are no leaks: two units in one column, a dead lead, labels turned round in one group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.study import audit
from sequela.study.audit import of_channels, of_groups, of_units
from sequela.study.cut import SCHEMA
from sequela.types import Cohort, Known, Plain, Target

ROWS = 1200


class NoPayloads:
    def open(self, uri: str) -> None:
        raise AssertionError(uri)


def material(values: np.ndarray, names: tuple[str, ...], modality: str, numbers: np.ndarray) -> audit.Material:
    """Rows whose label the first columns tell, at two hospitals."""
    label = (values[:, 0] > np.median(values[:, 0])).astype(float)
    each, at = np.arange(ROWS).astype(str), np.full(ROWS, np.datetime64("NaT", "us"))
    target = Target(label[:, None], np.ones((ROWS, 1), bool), ("DEATH",))
    groups = {"site": np.where(np.arange(ROWS) % 4 == 0, "B", "A")}
    cohort = Cohort(np.arange(ROWS), each, each, at, at, np.full(ROWS, "train"), target, groups)
    events = pl.DataFrame(
        {"row": np.arange(ROWS), "position": -np.ones(ROWS), "code": "GLUCOSE", "numeric_value": numbers},
        schema_overrides={name: SCHEMA[name] for name in ("row", "position", "code", "numeric_value")},
    ).with_columns(pl.lit(None, SCHEMA[name]).alias(name) for name in ("text_value", "payload", "begin", "end"))
    study = config.convert(
        {
            "name": "t", "question": "?", "data": {"source": "x"}, "cohort": {"index": "SAMPLE"}, "outcome": {"column": "y"},
            "inputs": {"ecg": {"modality": modality, "encoder": "lstm"}}, "task": "binary",
        },
        config.Study,
    )  # fmt: skip
    known = Known(ROWS, events, NoPayloads(), {"GLUCOSE": "measurement"})
    return audit.Material(cohort, Plain(values.astype(np.float32), names), known, study, "binary", cohort)


def ward(seed: int = 0) -> audit.Material:
    random = np.random.default_rng(seed)
    values = random.normal(size=(ROWS, 1)) + 0.5 * random.normal(size=(ROWS, 6))
    return material(values, tuple(f"ecg.c{k}" for k in range(6)), "measurements", np.exp(random.normal(1.8, 0.3, ROWS)))


@pytest.mark.parametrize("seed", range(5))
def test_one_unit_two_hospitals_and_whole_leads_raise_no_alarm(seed):
    clean = ward(seed)
    for check in (of_units.mixed_units, of_groups.turned_labels, of_channels.broken_channel):
        assert check(clean).severity == "ok"


@pytest.mark.parametrize(("share", "pair"), [(0.05, "glucose"), (0.4, "glucose")])
def test_a_quantity_in_two_units_is_named_with_them(share, pair):
    clean = ward()
    numbers = clean.known.events["numeric_value"].to_numpy().copy()
    numbers[: int(share * ROWS)] *= 18.016
    found = of_units.mixed_units(
        replace(clean, known=replace(clean.known, source=clean.known.events.with_columns(numeric_value=numbers)))
    )
    assert found.severity == "warning"
    assert "GLUCOSE" in found.text and pair in found.text
    assert f"{int(share * ROWS)} of {ROWS} values" in found.text


def test_fahrenheit_among_celsius_is_named():
    celsius = np.random.default_rng(0).normal(37, 0.8, ROWS)
    celsius[:60] = celsius[:60] * 1.8 + 32
    found = of_units.lumped("TEMP", celsius)
    assert found is not None
    assert (found.pair, found.high) == ("degrees Fahrenheit for Celsius", 60)


@pytest.mark.parametrize("apart", [4.0, 30.0])
def test_two_lumps_that_no_change_of_units_explains_are_left_alone(apart):
    random = np.random.default_rng(0)
    values = np.exp(random.normal(1, 0.1, ROWS))
    values[:300] = apart * np.exp(random.normal(1, 0.1, 300))
    assert of_units.lumped("FIO2", values) is None


def test_a_hospital_whose_labels_are_turned_round_is_named():
    clean = ward()
    label = clean.cohort.target.values.copy()
    there = clean.cohort.groups["site"] == "B"
    label[there] = 1 - label[there]
    turned = replace(clean, cohort=replace(clean.cohort, target=replace(clean.cohort.target, values=label)))
    found = of_groups.turned_labels(turned)
    assert found.severity == "warning"
    assert "site = B" in found.text and "6 of the 6 columns" in found.text


def leads(flat: np.ndarray) -> audit.Material:
    random = np.random.default_rng(0)
    spread = np.abs(random.normal(1, 0.1, (ROWS, 2)))
    spread[flat, 1] = 0
    return material(spread, ("ecg.I_sd", "ecg.II_sd"), "waveform", np.ones(ROWS))


def test_a_dead_lead_is_named_with_the_hospital_it_is_dead_at():
    found = of_channels.broken_channel(leads(np.flatnonzero(np.arange(ROWS) % 4 == 0)))
    assert found.severity == "warning"
    assert f"ecg.II is flat or unseen in {ROWS // 4} of {ROWS} rows" in found.text and "site = B: 100%" in found.text
    assert of_channels.broken_channel(leads(np.arange(10))).severity == "ok"
