"""Distances from normal rows, held against plain sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequela.baselines import discord, distance
from sequela.contracts import Baseline, Evidence
from sequela.errors import DataError
from sequela.metrics.discrimination import auroc
from sequela.types import Array, Plain, Ragged, Spec, Target

ROWS, LENGTH = 200, 16


def evidence(seed: int, steps: int = 1) -> Evidence:
    """Correlated columns and noisy sines; odd rows (a fifth) break the correlation, and their last window is a square wave."""
    random = np.random.default_rng(seed)
    odd = np.arange(ROWS) % 5 == 0
    first = random.normal(size=ROWS)
    columns = np.stack([first, np.where(odd, -first, first) + 0.1 * random.normal(size=ROWS)], 1).astype(np.float32)
    phase = np.arange(LENGTH) * 0.5 + random.uniform(0, 1, (ROWS, steps, 1, 1))
    waves = np.sin(phase)
    waves[odd, -1] = np.sign(waves[odd, -1])
    values = (waves + 0.05 * random.normal(size=waves.shape)).reshape(-1, 1, LENGTH).astype(np.float32)
    ragged = Ragged(np.arange(ROWS + 1) * steps, values, np.zeros(ROWS * steps))
    target = Target(odd[:, None].astype(float), np.full((ROWS, 1), True), ("odd",))
    names = np.arange(ROWS).astype(str)
    spec = Spec("waveform", (1, LENGTH), "seconds", ("II",))
    return Evidence({"lead": ragged}, {"lead": spec}, Plain(columns, ("a", "b")), target, np.arange(ROWS), names)


def ranked(baseline: Baseline, seed: int = 2, steps: int = 1) -> float:
    rows = evidence(seed, steps)
    return float(auroc(baseline.answer(rows).values[:, 0], rows.target.values[:, 0] > 0))


def fitted(baseline: Baseline, steps: int = 1) -> Baseline:
    baseline.fit(evidence(0, steps), evidence(1, steps), "binary", 0)
    return baseline


def same_order(one: Array, other: Array) -> bool:
    return bool((np.argsort(one) == np.argsort(other)).all())


def test_by_covariance_it_orders_as_mahalanobis_does() -> None:
    train, rows = evidence(0), evidence(2)
    made = fitted(distance.build(distance.Config(over=("columns",), forms=("covariance",))))
    normal = train.plain.values[train.target.values[:, 0] == 0].astype(np.float64)
    z = (rows.plain.values - normal.mean(0)) / normal.std(0)
    from sklearn.covariance import LedoitWolf

    learnt = LedoitWolf(assume_centered=True).fit((normal - normal.mean(0)) / normal.std(0))
    assert same_order(made.answer(rows).values[:, 0], learnt.mahalanobis(z))
    assert ranked(made) > 0.9


def test_by_spread_it_orders_as_the_standardised_distance_does() -> None:
    train, rows = evidence(0), evidence(2)
    made = fitted(distance.build(distance.Config(over=("columns",), forms=("spread",))))
    normal = train.plain.values[train.target.values[:, 0] == 0].astype(np.float64)
    z = (rows.plain.values - normal.mean(0)) / normal.std(0)
    assert same_order(made.answer(rows).values[:, 0], (z**2).sum(1))


def test_tune_chooses_the_way_that_tells_them_apart() -> None:
    told = fitted(distance.build(distance.Config(over=("columns",)))).chosen["odd"]
    assert told["chosen"] == {"over": "columns", "form": "covariance"}
    assert len(told["tried"]) == 2


def test_a_discord_is_far_from_every_normal_window() -> None:
    train, rows = evidence(0), evidence(2)
    made = fitted(discord.build(discord.Config(to=("bank",), scaled=(False,), bank=1000)))
    bank = train.inputs["lead"].values[train.target.values[:, 0] == 0].reshape(-1, LENGTH)
    apart = np.sqrt(((rows.inputs["lead"].values.reshape(-1, 1, LENGTH) - bank) ** 2).sum(2)).min(1)
    assert same_order(made.answer(rows).values[:, 0], apart)
    assert ranked(made) > 0.95


def test_a_window_unlike_the_rows_own_earlier_ones_is_a_discord() -> None:
    made = fitted(discord.build(discord.Config(to=("row",))), steps=4)
    assert ranked(made, steps=4) > 0.8
    with pytest.raises(DataError, match="no input has columns"):  # one step a row: there is none before it
        fitted(discord.build(discord.Config(to=("row",))))


@pytest.mark.parametrize("build", [lambda: distance.build(distance.Config()), lambda: discord.build(discord.Config())])
def test_abnormal_rows_of_train_are_not_seen(build: object) -> None:
    train = evidence(0)
    odd = train.target.values[:, 0] > 0
    columns, values = train.plain.values.copy(), np.array(train.inputs["lead"].values)
    columns[odd], values[odd] = 1e3, 1e3
    other = replace(train, plain=Plain(columns, train.plain.names), inputs={"lead": replace(train.inputs["lead"], values=values)})
    made = [build(), build()]  # type: ignore[operator]
    for one, rows in zip(made, (train, other), strict=True):
        one.fit(rows, evidence(1), "binary", 0)
    np.testing.assert_array_equal(made[0].answer(evidence(2)).values, made[1].answer(evidence(2)).values)


def test_where_nothing_is_normal_there_is_no_distance_from_it() -> None:
    train = evidence(0)
    events = replace(train, target=replace(train.target, values=np.ones((ROWS, 1))))
    with pytest.raises(DataError, match="nothing is normal"):
        distance.build(distance.Config()).fit(events, evidence(1), "binary", 0)
