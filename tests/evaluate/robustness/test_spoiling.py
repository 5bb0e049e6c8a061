"""Spoiling: nothing at level zero, more at a higher level, the same for one seed, and never an input that is not spoilt."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from sequela.errors import ConfigError
from sequela.evaluate.robustness import kinds, letters, numbers, payloads, swapped
from sequela.modalities._synthetic import Held, events
from sequela.types import Answer, Known, Payload, Spec, Target

ROWS, EACH = 6, 8


@pytest.fixture
def known() -> Known:
    """Eight moments of two codes a row, a sex, a text and a signal."""
    random = np.random.default_rng(0)
    row = np.repeat(np.arange(ROWS), EACH * 2)
    series = {
        "row": row,
        "position": np.tile(np.repeat(np.linspace(-2, 0, EACH), 2), ROWS),
        "code": ["Glucose", "HR"] * (ROWS * EACH),
        "numeric_value": random.normal(100, 10, len(row)),
    }
    still = {"row": np.arange(ROWS), "position": np.full(ROWS, np.nan)}
    frame = pl.concat(
        [
            events({**still, "code": ["SEX"] * ROWS, "text_value": ["F"] * ROWS}),
            events({**still, "code": ["NOTE"] * ROWS, "text_value": [f"one two three four five {k}" for k in range(ROWS)]}),
            events({**still, "code": ["ECG"] * ROWS, "payload": ["signal"] * ROWS}),
            events(series),
        ]
    ).sort("row", maintain_order=True)
    signal = Payload(random.normal(size=(2, 400)).astype(np.float32), 100.0, ("I", "II"), "mV")
    said = {"SEX": "static", "NOTE": "text", "ECG": "payload", "Glucose": "measurement", "HR": "measurement"}
    return Known(ROWS, frame, Held({"signal": signal}), said)


def of(known: Known, code: str) -> np.ndarray:
    return known.events.filter(pl.col("code") == code)["numeric_value"].to_numpy()


def test_a_higher_share_left_out_leaves_out_what_a_lower_one_does(known: Known) -> None:
    frames = [numbers.hidden(known, share, 1).events for share in (0.0, 0.3, 0.6)]
    assert frames[0].equals(known.events)
    assert len(frames[1].join(frames[2], on=known.events.columns, how="semi", nulls_equal=True)) == len(frames[2])
    assert len(frames[2]) < len(frames[1]) < len(frames[0])
    assert frames[1].equals(numbers.hidden(known, 0.3, 1).events)


def test_what_is_no_number_or_static_is_not_left_out(known: Known) -> None:
    kept = numbers.hidden(known, 1.0, 0).events["code"].unique().to_list()
    assert sorted(kept) == ["ECG", "NOTE"]


def test_noise_is_in_spreads_of_each_code(known: Known) -> None:
    moved = numbers.noisy(known, {"HR": 5.0}, 2.0, 0)
    assert of(moved, "Glucose").tolist() == of(known, "Glucose").tolist()
    assert 5 < (of(moved, "HR") - of(known, "HR")).std() < 15


def test_every_second_moment_is_kept_and_always_the_last(known: Known) -> None:
    kept = numbers.thinned(known, 2).events.filter(pl.col("code") == "HR", pl.col("row") == 0)["position"]
    assert len(kept) == EACH // 2
    assert kept.max() == 0


@pytest.mark.parametrize(("end", "inside"), [(True, (-1.0, 0.0)), (False, (-2.0, -1.0))])
def test_half_of_the_time_is_its_beginning_or_its_end(known: Known, end: bool, inside: tuple[float, float]) -> None:
    kept = numbers.cut_short(known, 0.5, end=end).events
    position = kept.filter(pl.col("code") == "HR")["position"]
    assert position.min() >= inside[0]
    assert position.max() <= inside[1]
    assert len(position) == ROWS * EACH // 2
    assert len(kept.filter(pl.col("code") == "SEX")) == ROWS


def test_a_unit_that_is_mixed_up_is_one_that_its_quantity_comes_in(known: Known) -> None:
    named = {one.name: one for one in numbers.mix_ups("Glucose")}
    assert set(named) >= {"recorded in mmol/L", "recorded in mg/L", "×1000"}
    mixed = of(numbers.mixed_up(known, "Glucose", named["recorded in mmol/L"]), "Glucose")
    assert mixed == pytest.approx(of(known, "Glucose") / 18.0156, rel=1e-5)
    (fahrenheit,) = [one for one in numbers.mix_ups("Temp") if one.name == "recorded in degF"]
    assert 37 * fahrenheit.factor + fahrenheit.offset == pytest.approx(98.6)


def test_garbled_numbers_are_none_infinite_huge_or_words(known: Known) -> None:
    spoilt = numbers.garbled(known, 1.0, 0).events.filter(pl.col("code") == "HR")
    value = spoilt["numeric_value"].to_numpy()
    assert (np.isnan(value) | np.isinf(value) | (value > 1e29)).all()
    assert set(spoilt["text_value"].drop_nulls()) == {"#VALUE!"}


@pytest.mark.parametrize("how", [payloads.missing(0.0), payloads.noise(0.0), payloads.coarse(1), payloads.garbled(0.0)])
def test_a_signal_that_is_not_spoilt_is_as_it_was(known: Known, how: payloads.How) -> None:
    spoilt = payloads.spoilt(known, how, 0).payloads.open("signal")
    assert spoilt.values == pytest.approx(known.payloads.open("signal").values, abs=1e-6)


def test_a_signal_is_spoilt_alike_whenever_it_is_opened(known: Known) -> None:
    first, second = (payloads.spoilt(known, payloads.noise(1.0), 4).payloads.open("signal").values for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, known.payloads.open("signal").values)


def test_one_channel_alone_is_flat(known: Known) -> None:
    spoilt = payloads.spoilt(known, payloads.flat(1), 0).payloads.open("signal").values
    assert not spoilt[1].any()
    assert np.array_equal(spoilt[0], known.payloads.open("signal").values[0])


@pytest.mark.parametrize("how", [payloads.garbled(0.5), payloads.noise(3.0), payloads.missing(0.5), payloads.coarse(4)])
def test_a_picture_stays_in_the_range_of_its_type(how: payloads.How) -> None:
    picture = Payload(np.random.default_rng(0).integers(0, 256, (1, 20, 30)).astype(np.uint8))
    held = Known(1, events({"row": [0], "code": ["IMAGE"], "payload": ["p"]}), Held({"p": picture}), {"IMAGE": "payload"})
    spoilt = payloads.spoilt(held, how, 0).payloads.open("p").values
    assert spoilt.dtype == np.uint8
    assert spoilt.shape == (1, 20, 30)
    assert not np.array_equal(spoilt, picture.values)


def test_texts_lose_words_and_nothing_else_changes(known: Known) -> None:
    spoilt = letters.hidden(known, 0.5, 0).events
    words = spoilt.filter(pl.col("code") == "NOTE")["text_value"].str.split(" ").list.len()
    assert 0 < words.mean() < 6  # type: ignore[operator]
    assert spoilt.filter(pl.col("code") != "NOTE").equals(known.events.filter(pl.col("code") != "NOTE"))
    assert letters.hidden(known, 0.0, 0).events.equals(known.events)


def test_one_word_of_a_text_is_put_for_another(known: Known) -> None:
    before = known.events.filter(pl.col("code") == "NOTE")["text_value"]
    after = swapped.put(known, 1, 0).events.filter(pl.col("code") == "NOTE")["text_value"]
    assert all(sum(a != b for a, b in zip(x.split(), y.split(), strict=False)) <= 1 for x, y in zip(before, after, strict=True))


def test_an_answer_hurts_the_more_the_less_it_says_of_the_truth() -> None:
    target = Target(np.array([[1.0], [1.0], [0.0]]), np.array([[True], [True], [False]]), ("d",))
    hurt = swapped.hurt("binary", Answer("probabilities", np.array([[0.9], [0.2], [0.9]]), ("d",)), target)
    assert hurt[1] > hurt[0] > hurt[2] == 0


def test_only_what_suits_the_inputs_is_done_and_the_rest_is_told() -> None:
    text = {"note": Spec("text", (), "index", vocabulary=10)}
    done, skipped = kinds.chosen(["missing", "units"], text)
    assert [kind.name for kind in done] == ["missing"]
    assert "text" in skipped["units"]


def test_a_kind_of_spoiling_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="missin") as refused:
        kinds.chosen(["missin"], {"chart": Spec("measurements", (2,), "days")})
    assert "missing" in refused.value.hint


def test_spoilt_answers_of_a_task_that_is_not_judged_are_refused_by_its_name() -> None:
    kinds.check_task("survival")
    with pytest.raises(ConfigError, match="tagging"):
        kinds.check_task("tagging")
