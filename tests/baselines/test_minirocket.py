"""MiniRocket: the published transform, series of unequal lengths, rows of several windows, measurements on a grid."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sequela import seed as streams
from sequela.baselines import _rocket, _series, minirocket
from sequela.baselines._rocket import Part, Series
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Array, Plain, Ragged, Spec, Target

Make = Callable[..., Evidence]
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "minirocket.json").read_text(encoding="utf-8"))


def nothing(rows: int) -> Plain:
    return Plain(np.zeros((rows, 0), np.float32), ())


def waves(rows: int, seed: int, length: int = 120) -> tuple[Array, Array]:
    """Two channels of noise; the first holds a short slow wave at a random place in half of the rows, else a fast one."""
    random = streams.generator(seed, "waves")
    cause = random.integers(0, 2, rows)
    windows = 0.3 * random.normal(size=(rows, 2, length))
    for row in range(rows):
        at = random.integers(0, length - 40)
        windows[row, 0, at : at + 40] += np.sin(np.arange(40) * (0.9 if cause[row] else 0.45))
    return windows, cause


def test_minirocket_tells_shapes_apart_wherever_they_are(of_windows: Make) -> None:
    train, tune, rows = (of_windows(*waves(n, seed), ("fast",)) for n, seed in ((200, 0), (60, 1), (150, 2)))
    baseline = minirocket.build(minirocket.Config(features=504))
    baseline.fit(train, tune, "binary", 0)
    answered = baseline.answer(rows).values[:, 0]
    assert ((answered > 0.5) == rows.target.values[:, 0]).mean() > 0.93
    assert len(baseline.chosen["fast"]["tried"]) == 3


def test_features_equal_a_plain_convolution() -> None:
    windows = streams.generator(0, "plain").normal(size=(3, 2, 60)).astype(np.float32)
    found = _rocket.parts(Series(windows), 168, seed=0)
    features, column = _rocket.transform(Series(windows), found), 0
    for part in found:
        weights = np.full(9, -1.0)
        weights[_rocket.KERNELS[part.kernel]] = 2
        for row in range(3):
            summed = windows[row, part.channels].sum(0)
            response = [
                sum(
                    weights[tap] * summed[at + (tap - 4) * part.dilation]
                    for tap in range(9)
                    if 0 <= at + (tap - 4) * part.dilation < 60
                )
                for at in range(60)
                if part.padded or 4 * part.dilation <= at < 60 - 4 * part.dilation
            ]
            expected = [np.mean(np.array(response) > threshold) for threshold in part.thresholds]
            np.testing.assert_allclose(features[row, column : column + len(expected)], expected, atol=0.02)
        column += len(part.thresholds)
    assert column == features.shape[1] == 168


def test_a_louder_or_shifted_window_changes_the_features_but_a_neighbour_does_not() -> None:
    windows = waves(6, 0)[0].astype(np.float32)
    found = _rocket.parts(Series(windows), 168, seed=0)
    whole = _rocket.transform(Series(windows), found)
    np.testing.assert_array_equal(_rocket.transform(Series(windows[2:4]), found), whole[2:4])
    assert np.abs(_rocket.transform(Series(3 * windows), found) - whole).max() > 0.05


def test_minirocket_answers_rows_without_a_window_with_finite_numbers(of_windows: Make) -> None:
    train = of_windows(*waves(60, 0), ("fast",))
    baseline = minirocket.build(minirocket.Config(features=84))
    baseline.fit(train, train, "binary", 0)
    ragged = train.inputs["lead"]
    empty = replace(train, inputs={"lead": replace(ragged, offsets=np.append(0, ragged.offsets[:-1]))})
    answered = baseline.answer(empty).values
    assert np.isfinite(answered).all()
    np.testing.assert_allclose(answered[1:], baseline.answer(train).values[:-1], atol=1e-9)


def test_minirocket_without_windows_is_refused(planted: Make) -> None:
    rows = planted("binary", 30)
    with pytest.raises(DataError, match="windows of channels and samples, or measurements"):
        minirocket.build(minirocket.Config()).fit(rows, rows, "binary", 0)


def made(channels: int, count: int, length: int) -> Array:
    """The series of tests/golden/minirocket.py."""
    random = np.random.default_rng(channels)
    time = np.arange(length)
    phase, speed = random.uniform(0, 6, (count, channels, 1)), random.uniform(0.05, 0.9, (count, channels, 1))
    return (np.sin(speed * time + phase) + 0.3 * random.normal(size=(count, channels, length))).astype(np.float32)


def published(told: dict[str, Any], always_padded: bool) -> tuple[Part, ...]:
    """The parts that the authors' code drew."""
    each = told.get("channels_each", [1] * (84 * len(told["dilations"])))
    channels = np.split(np.array(told.get("channels", [0] * len(each))), np.cumsum(each)[:-1])
    thresholds = np.array(told["thresholds"], np.float32)
    found, used = [], 0
    for turn, (dilation, count) in enumerate(zip(told["dilations"], told["thresholds_each"], strict=True)):
        for kernel in range(84):
            padded = always_padded or (turn + kernel) % 2 == 0
            own = channels[turn * 84 + kernel]
            found.append(Part(kernel, dilation, own, padded, thresholds[used : used + count]))
            used += count
    return tuple(found)


def assert_shares(found: Array, told: dict[str, Any]) -> None:
    """Equal but for a sample or two of a response that lies at a threshold, where the last bit of a sum decides."""
    expected = np.array(told["shares"])
    assert np.abs(found - expected).max() <= 2 / min(told["lengths"]) and np.mean(np.abs(found - expected) > 1e-5) < 0.01


@pytest.mark.parametrize(("case", "channels"), [("one_channel", 1), ("several_channels", 3)])
def test_the_transform_is_the_published_one(case: str, channels: int) -> None:
    told = GOLDEN[case]
    assert_shares(_rocket.transform(Series(made(channels, 3, 97)), published(told, always_padded=False)), told)


def test_of_a_single_series_the_parts_are_the_published_ones() -> None:
    told = GOLDEN["one_channel"]
    found = _rocket.parts(Series(made(1, 3, 97)[:1]), 252, seed=5)
    for mine, theirs in zip(found, published(told, always_padded=False), strict=True):
        assert (mine.kernel, mine.dilation, mine.padded) == (theirs.kernel, theirs.dilation, theirs.padded)
        np.testing.assert_allclose(mine.thresholds, theirs.thresholds, atol=2e-4)


def test_series_of_unequal_lengths_are_transformed_as_published() -> None:
    told = GOLDEN["unequal_lengths"]
    known = np.arange(max(told["lengths"])) < np.array(told["lengths"])[:, None]
    series = Series(np.where(known[:, None], made(2, 3, max(told["lengths"])), 0), known)
    assert_shares(_rocket.transform(series, published(told, always_padded=True)), told)


@pytest.mark.parametrize("before", [0, 7])
def test_where_a_short_series_lies_among_what_is_not_known_changes_nothing(before: int) -> None:
    values = made(2, 4, 60)
    found = _rocket.parts(Series(values), 252, seed=0)
    laid, known = np.zeros((4, 2, 90), np.float32), np.zeros((4, 90), bool)
    laid[:, :, before : before + 60], known[:, before : before + 60] = values, True
    alone = _rocket.transform(Series(values), found)
    np.testing.assert_allclose(_rocket.transform(Series(laid, known), found), alone, atol=1e-6)


def several(rows: int, seed: int) -> Evidence:
    """Rows of one to four windows; a slow or fast wave is in the first of them alone, the rest is noise."""
    windows, cause = waves(rows, seed)
    random = streams.generator(seed, "several")
    count = random.integers(1, 5, rows)
    offsets = np.concatenate([[0], np.cumsum(count)])
    values = 0.3 * random.normal(size=(offsets[-1], *windows.shape[1:]))
    values[offsets[:-1]] = windows
    ragged = Ragged(offsets, values.astype(np.float32), np.zeros(offsets[-1]))
    target = Target(cause[:, None].astype(np.float64), np.ones((rows, 1), bool), ("fast",))
    bare = np.arange(rows)
    return Evidence({"lead": ragged}, {"lead": Spec("waveform", windows.shape[1:], "seconds")}, nothing(rows), target, bare, bare)


def test_of_several_windows_tune_chooses_between_the_last_and_all() -> None:
    train, tune, rows = several(300, 0), several(100, 1), several(150, 2)
    baseline = minirocket.build(minirocket.Config(features=252))
    baseline.fit(train, tune, "binary", 0)
    told = baseline.chosen["fast"]
    assert {trial["windows"] for trial in told["tried"]} == {"last", "mean"} and told["chosen"]["windows"] == "mean"
    right = (baseline.answer(rows).values[:, 0] > 0.5) == rows.target.values[:, 0]
    assert right.mean() > 0.75


def test_windows_that_rows_share_are_read_as_if_each_had_its_own() -> None:
    shared = several(20, 3)
    ragged = shared.inputs["lead"]
    order = np.random.default_rng(0).permutation(len(ragged.values))
    other = replace(ragged, values=ragged.values[order], take=np.argsort(order))
    found = [_series.of(replace(shared, inputs={"lead": one}), "lead", np.arange(20), 3) for one in (ragged, other)]
    first, second = (several_.mean(several_.series.values.mean(2)) for several_ in found)
    np.testing.assert_allclose(first, second, rtol=1e-5)
    assert np.diff(found[0].offsets).max() == 3


def on_a_grid(rows: int, seed: int) -> Evidence:
    """Two measured features in 6 to 24 steps, half of them unseen; the first goes up and down, slowly or fast."""
    random = streams.generator(seed, "grid")
    cause, count = random.integers(0, 2, rows), random.integers(6, 25, rows)
    offsets = np.concatenate([[0], np.cumsum(count)])
    time = np.arange(offsets[-1]) - np.repeat(offsets[:-1], count)
    speed = np.repeat(np.where(cause, 1.4, 0.5), count)
    values = np.stack([np.sin(speed * time + np.repeat(random.uniform(0, 6, rows), count)), random.normal(size=offsets[-1])], 1)
    seen = random.random(values.shape) < 0.8
    ragged = Ragged(offsets, np.where(seen, values, 9).astype(np.float32), time.astype(float), seen)
    spec = Spec("measurements", (2,), "days", ("HR", "K"))
    target = Target(cause[:, None].astype(np.float64), np.ones((rows, 1), bool), ("fast",))
    bare = np.arange(rows)
    return Evidence({"chart": ragged}, {"chart": spec}, nothing(rows), target, bare, bare)


def test_measurements_on_a_grid_are_a_series() -> None:
    train, tune, rows = on_a_grid(400, 0), on_a_grid(100, 1), on_a_grid(200, 2)
    baseline = minirocket.build(minirocket.Config(features=252))
    baseline.fit(train, tune, "binary", 0)
    right = (baseline.answer(rows).values[:, 0] > 0.5) == rows.target.values[:, 0]
    assert right.mean() > 0.8


def test_a_measurement_holds_until_the_next_is_seen_and_what_was_never_seen_is_zero() -> None:
    values = np.array([[5, 1], [7, 2], [8, 3], [6, 4]], np.float32)
    seen = np.array([[False, True], [True, False], [False, False], [True, True]])
    ragged = Ragged(np.array([0, 3, 3, 4]), values, np.zeros(4), seen)
    found = _series._measured(ragged, np.arange(3), 2)
    np.testing.assert_array_equal(found.offsets, [0, 1, 1, 2])
    np.testing.assert_array_equal(found.series.values, [[[0, 7, 7], [1, 1, 1]], [[0, 0, 6], [0, 0, 4]]])
    np.testing.assert_array_equal(found.series.known, [[True] * 3, [False, False, True]])
