"""Weights of an ensemble: never negative, in sum 1, drawn to equal shares, away from a member that only hurts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import seed as streams
from sequela.errors import DataError
from sequela.train.ensemble import combine, weigh
from sequela.types import Answer, Array, Curves, Horizon, Target, Times

RANDOM = streams.generator(0, "test", "ensemble")
EVENT = (RANDOM.random(800) < 0.4).astype(float)


def risks(values: Array) -> Answer:
    return Answer("probabilities", np.clip(np.asarray(values, float), 0.01, 0.99).reshape(-1, 1), ("death",))


def binary(values: Array) -> Target:
    return Target(values[:, None], np.ones((len(values), 1), bool), ("death",))


def informed(noise: float, name: str) -> Answer:
    return risks(0.5 + 0.35 * (EVENT - 0.5) + noise * streams.generator(1, name).normal(size=len(EVENT)))


@pytest.mark.parametrize("space", ["logit", "probability"])
def test_weights_are_not_negative_and_sum_to_one(space: str) -> None:
    weights = weigh({"a": informed(0.1, "a"), "b": informed(0.2, "b"), "c": informed(0.3, "c")}, binary(EVENT), space)  # type: ignore[arg-type]
    assert min(weights.values()) >= 0 and sum(weights.values()) == pytest.approx(1)


def test_equally_good_members_get_nearly_equal_shares() -> None:
    weights = weigh({"a": informed(0.15, "a"), "b": informed(0.15, "b")}, binary(EVENT), "logit")
    assert weights["a"] == pytest.approx(0.5, abs=0.15)


def test_a_member_that_says_the_opposite_gets_nothing() -> None:
    good = informed(0.1, "a")
    weights = weigh({"good": good, "bad": risks(1 - good.values)}, binary(EVENT), "logit")
    assert weights["bad"] == pytest.approx(0, abs=1e-6)


def test_the_fewer_rows_the_nearer_to_equal_shares() -> None:
    def away(rows: int) -> float:
        answers = {"a": risks(informed(0.1, "a").values[:rows]), "b": risks(informed(0.35, "b").values[:rows])}
        return abs(weigh(answers, binary(EVENT[:rows]), "logit")["a"] - 0.5)

    assert away(20) < away(800)


def test_rows_without_a_label_have_no_say() -> None:
    known = np.arange(800) < 400
    answers = {"a": informed(0.1, "a"), "b": informed(0.3, "b")}
    half = {name: risks(answer.values[:400]) for name, answer in answers.items()}
    with_unknown = weigh(answers, Target(np.where(known, EVENT, 1 - EVENT)[:, None], known[:, None], ("death",)), "logit")
    assert with_unknown == pytest.approx(weigh(half, binary(EVENT[:400]), "logit"))


def test_no_label_at_all_gives_equal_shares() -> None:
    target = Target(EVENT[:, None], np.zeros((800, 1), bool), ("death",))
    assert weigh({"a": informed(0.1, "a"), "b": informed(0.3, "b")}, target, "logit") == {"a": 0.5, "b": 0.5}


def test_the_weighed_answer_is_no_worse_on_tune_than_equal_shares() -> None:
    answers = {"a": informed(0.1, "a"), "b": informed(0.5, "b")}
    weights = weigh(answers, binary(EVENT), "logit")

    def loss(shares: dict[str, float]) -> float:
        said = combine(answers, shares, "logit").values[:, 0]
        return float(-np.log(np.where(EVENT == 1, said, 1 - said)).mean())

    assert loss(weights) < loss({"a": 0.5, "b": 0.5})


def test_logits_are_averaged_as_the_definition_has_it() -> None:
    combined = combine({"a": risks([0.9]), "b": risks([0.5])}, {"a": 0.5, "b": 0.5}, "logit")
    assert combined.values[0, 0] == pytest.approx(0.75)  # odds 9 and 1: their geometric mean is 3
    plain = combine({"a": risks([0.9]), "b": risks([0.5])}, {"a": 0.25, "b": 0.75}, "probability")
    assert plain.values[0, 0] == pytest.approx(0.6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["logit", "probability"]))
def test_classes_still_sum_to_one_and_quantities_are_averaged(seed: int, space: str) -> None:
    random = streams.generator(seed, "classes")
    answers = {n: Answer("probabilities", random.dirichlet(np.ones(3), 5), ("a", "b", "c")) for n in "xy"}
    np.testing.assert_allclose(combine(answers, {"x": 0.3, "y": 0.7}, space).values.sum(axis=1), 1)  # type: ignore[arg-type]
    values = {n: Answer("values", random.normal(size=(5, 2)), ("p", "q")) for n in "xy"}
    expected = 0.3 * values["x"].values + 0.7 * values["y"].values
    np.testing.assert_allclose(combine(values, {"x": 0.3, "y": 0.7}, space).values, expected)  # type: ignore[arg-type]


def test_the_better_member_for_classes_and_for_quantities_weighs_more() -> None:
    random = streams.generator(0, "kinds")
    truth = random.integers(0, 3, 500)
    sure, blind = np.eye(3)[truth] * 0.7 + 0.1, np.full((500, 3), 1 / 3)
    classes = {"sure": Answer("probabilities", sure, ("a", "b", "c")), "blind": Answer("probabilities", blind, ("a", "b", "c"))}
    target = Target(truth[:, None].astype(float), np.ones((500, 1), bool), ("a", "b", "c"))
    assert weigh(classes, target, "logit")["sure"] > 0.9
    amount = random.normal(size=(500, 1))
    near, far = amount + 0.1 * random.normal(size=(500, 1)), amount + random.normal(size=(500, 1))
    quantities = {"near": Answer("values", near, ("x",)), "far": Answer("values", far, ("x",))}
    assert weigh(quantities, Target(amount, np.ones((500, 1), bool), ("x",)), "logit")["near"] > 0.9


def test_members_that_answer_for_other_rows_are_refused() -> None:
    with pytest.raises(DataError, match="other rows"):
        weigh({"a": risks([0.1, 0.2]), "b": risks([0.1])}, binary(np.array([0.0, 1.0])), "logit")


def test_a_missing_member_is_refused() -> None:
    with pytest.raises(DataError, match="no answer of it"):
        combine({"a": risks([0.1])}, {"a": 0.5, "b": 0.5}, "logit")


# ---------------------------------------------------------------------------------------------------------------------- survival


def curves(rate: Array, grid: Array) -> Answer:
    """Of rows whose one cause comes at a constant rate each."""
    incidence = -np.expm1(-rate[:, None, None] * grid)
    made = Curves(grid, incidence)
    return Answer("curves", made.at(8.0), ("death",), curves=made)


def watched(rows: int) -> tuple[Array, Target]:
    """Rows with a rate each, and what became of them in at most ten days."""
    random = streams.generator(2, "watched")
    rate = random.uniform(0.02, 0.6, rows)
    time = random.exponential(1 / rate)
    times = Times(np.minimum(time, 10.0), (time <= 10).astype(np.int64), np.zeros(rows), (Horizon("8d", 8.0),))
    return rate, Target(times.cause[:, None].astype(float), np.ones((rows, 1), bool), ("death",), times)


def test_curves_of_the_better_member_weigh_more() -> None:
    rate, target = watched(800)
    said = {"sure": curves(rate, np.linspace(0.5, 10, 20)), "blind": curves(np.full(800, 0.2), np.array([4.0, 10.0]))}
    assert weigh(said, target, "logit")["sure"] > 0.8


def test_averaged_curves_stand_on_the_grid_of_the_model_and_stay_curves() -> None:
    rate, _ = watched(20)
    first, second = curves(rate, np.linspace(1, 10, 10)), curves(rate[::-1], np.array([2.0, 4.0, 8.0, 16.0]))
    found = combine({"b": second, "model": first}, {"b": 0.75, "model": 0.25}, "logit")
    assert found.curves is not None and first.curves is not None and second.curves is not None
    np.testing.assert_array_equal(found.curves.times, first.curves.times)
    assert (np.diff(found.curves.incidence) >= 0).all() and found.curves.survival.min() >= 0
    np.testing.assert_allclose(found.curves.at(8.0), 0.25 * first.curves.at(8.0) + 0.75 * second.curves.at(8.0))
    np.testing.assert_allclose(found.values, found.curves.at(8.0))


def test_curves_judged_on_rows_that_are_all_censored_get_equal_shares() -> None:
    rate, target = watched(30)
    censored = replace(target, values=np.zeros((30, 1)), dense=replace(target.dense, cause=np.zeros(30, np.int64)))
    said = {"a": curves(rate, np.array([5.0, 10.0])), "b": curves(rate / 2, np.array([5.0, 10.0]))}
    assert weigh(said, censored, "logit") == {"a": 0.5, "b": 0.5}
