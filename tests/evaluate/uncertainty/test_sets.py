"""Sets of possible classes keep their promise on exchangeable rows, whatever the prevalence, and say where they cannot."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.evaluate.conformal import guaranteed
from sequela.evaluate.uncertainty import ranges, sets
from sequela.types import Answer, Target


def asked(count: int, seed: int, share: float = 0.2, skill: float = 1.0) -> tuple[Answer, Target]:
    """Risks of a yes-or-no question that tell a little, and the truth."""
    random = np.random.default_rng(seed)
    sick = random.random(count) < share
    risk = 1 / (1 + np.exp(-(random.normal(size=count) + skill * sick - 1.5)))
    target = Target(sick[:, None].astype(float), np.ones((count, 1), bool), ("ill",))
    return Answer("probabilities", risk[:, None], ("ill",)), target


def held(fitted: sets.Sets, answer: Answer, target: Target, levels: np.ndarray | None = None) -> np.ndarray:
    return fitted.possible(answer, levels)[np.arange(len(answer)), sets.true(target)]


def test_each_class_is_covered_as_promised_in_the_mean_of_many_tunes_and_plain_sets_forget_the_rare_one() -> None:
    new, truth = asked(4000, 999)
    sick = truth.values[:, 0] > 0
    own, plain = [], []
    for seed in range(120):
        answer, target = asked(300, seed)
        own.append(held(sets.fit(answer, target, np.arange(300), 0.9, "class"), new, truth)[sick].mean())
        plain.append(held(sets.fit(answer, target, np.arange(300), 0.9, "all"), new, truth)[sick].mean())
    assert np.mean(own) == pytest.approx(0.9, abs=0.02)
    assert np.mean(plain) < 0.8


def test_another_prevalence_breaks_no_promise_made_within_each_class() -> None:
    answer, target = asked(20_000, 1)
    other, truth = asked(20_000, 2, share=0.7)
    found = held(sets.fit(answer, target, np.arange(20_000), 0.9, "class"), other, truth)
    for place in (0, 1):
        assert found[sets.true(truth) == place].mean() == pytest.approx(0.9, abs=0.015)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.55, 0.9), st.floats(0.01, 0.09))
def test_a_higher_coverage_never_makes_a_class_impossible(seed: int, coverage: float, more: float) -> None:
    answer, target = asked(80, seed)
    new, _ = asked(40, seed + 1)
    for by in ("class", "all"):
        less = sets.fit(answer, target, np.arange(80), coverage, by).possible(new)
        wider = sets.fit(answer, target, np.arange(80), coverage + more, by).possible(new)
        assert (wider | ~less).all()


def test_a_class_with_too_few_subjects_is_always_possible_and_named() -> None:
    answer, target = asked(60, 3, share=0.1)
    fitted = sets.fit(answer, target, np.arange(60), 0.9, "class")
    assert [(one.class_, one.limit) for one in fitted.unlimited] == [("yes", None)]
    assert fitted.possible(answer)[:, 1].all()


def test_nine_subjects_are_the_fewest_that_carry_ninety_percent() -> None:
    values = np.arange(9.0)
    assert guaranteed(values, np.arange(9), 0.9) == 8.0
    assert guaranteed(values[:8], np.arange(8), 0.9) == float("inf")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.floats(0.5, 0.99), st.integers(0, 1000))
def test_with_one_row_a_subject_the_limit_is_that_of_split_conformal_prediction(count: int, level: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=count)
    rank = int(np.ceil((count + 1) * level - 1e-9))
    expected = np.sort(values)[rank - 1] if rank <= count else float("inf")
    assert guaranteed(values, np.arange(count), level) == expected


def test_many_rows_of_one_subject_count_as_that_subject() -> None:
    once = guaranteed(np.arange(20.0), np.arange(20), 0.9)
    values = np.concatenate([np.arange(20.0), np.full(500, 3.0)])
    assert guaranteed(values, np.concatenate([np.arange(20), np.full(500, 3)]), 0.9) == once


def test_each_class_of_each_group_has_its_own_limit_and_an_unknown_group_excludes_nothing() -> None:
    answer, target = asked(4000, 5)
    levels = np.where(np.arange(4000) % 2 == 0, "F", "M")
    shifted = Answer("probabilities", np.where(levels == "F", answer.values[:, 0], answer.values[:, 0] ** 2)[:, None], ("ill",))
    fitted = sets.fit(shifted, target, np.arange(4000), 0.9, "group", group="sex", levels=levels)
    found = held(fitted, shifted, target, levels)
    for level in ("F", "M"):
        for place in (0, 1):
            assert found[(levels == level) & (sets.true(target) == place)].mean() == pytest.approx(0.9, abs=0.01)
    assert fitted.possible(shifted, np.full(4000, "X")).all()


def test_of_several_classes_each_is_covered() -> None:
    random = np.random.default_rng(0)
    truth = random.choice(3, 6000, p=[0.7, 0.2, 0.1])
    logits = random.normal(size=(6000, 3)) + 1.5 * (truth[:, None] == np.arange(3))
    answer = Answer("probabilities", np.exp(logits) / np.exp(logits).sum(1, keepdims=True), ("N", "S", "V"))
    target = Target(truth[:, None].astype(float), np.ones((6000, 1), bool), ("N", "S", "V"))
    fitted = sets.fit(answer.take(np.arange(3000)), target.take(np.arange(3000)), np.arange(3000), 0.9, "class")
    later = np.arange(3000, 6000)
    found = held(fitted, answer.take(later), target.take(later))
    for place in range(3):
        assert found[truth[later] == place].mean() == pytest.approx(0.9, abs=0.04)


def test_rows_without_a_label_teach_nothing() -> None:
    answer, target = asked(200, 7)
    unknown = Target(target.values, np.arange(200)[:, None] < 150, target.names)
    assert sets.fit(answer, unknown, np.arange(200), 0.9, "class") == sets.fit(
        answer.take(np.arange(150)), target.take(np.arange(150)), np.arange(150), 0.9, "class"
    )


def test_limits_survive_json() -> None:
    answer, target = asked(200, 8)
    fitted = sets.fit(answer, target, np.arange(200), 0.9, "class")
    assert msgspec.json.decode(msgspec.json.encode(fitted), type=sets.Sets) == fitted


def test_another_tune_covers_within_the_beta_range_as_often_as_it_says() -> None:
    low, high = sets.reach(100, 0.9)
    random = np.random.default_rng(4)
    limits = np.array([guaranteed(random.random(100), np.arange(100), 0.9) for _ in range(2000)])  # uniform: the limit is covered
    assert ((limits >= low) & (limits <= high)).mean() == pytest.approx(0.95, abs=0.015)


def test_ranges_hold_the_truth_as_promised_and_promise_nothing_of_too_few() -> None:
    random = np.random.default_rng(2)
    truth = random.normal(size=(3000, 2))
    said = Answer("values", truth + random.standard_t(3, (3000, 2)) * [1, 5], ("a", "b"))
    target = Target(truth, np.ones((3000, 2), bool), ("a", "b"))
    fitted = ranges.fit(said.take(np.arange(1500)), target.take(np.arange(1500)), np.arange(1500), 0.8)
    low, high = fitted.around(said.take(np.arange(1500, 3000)))
    inside = (truth[1500:] >= low) & (truth[1500:] <= high)
    assert inside.mean(0) == pytest.approx(0.8, abs=0.03)
    assert (fitted.halves[1] or 0) > 3 * (fitted.halves[0] or 1)
    few = ranges.fit(said.take(np.arange(3)), target.take(np.arange(3)), np.arange(3), 0.8)
    assert few.halves == (None, None) and np.isinf(few.around(said)[1]).all()
