"""The nearest plausible change that flips an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sequela import config, registry
from sequela.contracts import Task
from sequela.errors import UsageError
from sequela.explain.counterfactual import Change, Counterfactual, Judge, Options, counterfactuals
from sequela.types import Array, Ragged, Ruler, Seq, Spec

RULER = Ruler((0.0, 40.0), (-2.0, 2.0), 10.0)  # 10 units a scaled unit
WHOLE = Ruler((0.0, 40.0), (-2.0, 2.0), 10.0, whole=True)
CHART = Spec("measurements", (3,), "days", ("Creatinine", "Urea", "GCS"), rulers=(RULER, RULER, WHOLE))
PERSON = Spec("static", (4,), "index", ("AGE", "AGE.missing", "WARD=a", "WARD=b"), single=True, rulers=(RULER, None, None, None))
CODES = Spec("codes", (3,), "days", ("unknown or rare", "ICD//a", "ICD//b", "ICD//c"), vocabulary=4)


class Sums(nn.Module):
    """Logits that are weighted sums of the means of what was seen; of codes, of how often each stands there."""

    names: tuple[str, ...]

    def __init__(self, weights: Mapping[str, Sequence[float]], bias: float) -> None:
        super().__init__()
        self.weights = {name: torch.tensor(each) for name, each in weights.items()}
        self.bias, self.names = bias, tuple(weights)

    def seen(self, inputs: Mapping[str, Seq]) -> list[dict[str, Seq]]:
        return [dict(inputs)]

    def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
        return sum((self._said(inputs[name], weight) for name, weight in self.weights.items()), torch.tensor(self.bias))[:, None]

    def _said(self, seq: Seq, weight: Tensor) -> Tensor:
        if seq.values.dtype == torch.int64:
            seen = seq.mask if seq.seen is None else seq.seen
            codes: Tensor = (weight[seq.values] * seen).flatten(1).sum(1)
            return codes
        count = seq.seen.sum(1).clamp(min=1)
        means: Tensor = ((seq.values * seq.seen).sum(1) / count * weight).sum(1)
        return means


def judge(weights: Mapping[str, Sequence[float]], bias: float, threshold: float = 0.5) -> Judge:
    name, options = config.options("tasks", "binary", "task")
    task: Task = registry.module("tasks", name).build(options, ("death",))
    return Judge([Sums(weights, bias)], task, [threshold])  # type: ignore[list-item]  # it answers as a Model does


def chart(values: Array, seen: Array | None = None) -> Ragged:
    """Rows "N T F"."""
    rows, steps, features = values.shape
    flat = values.reshape(-1, features).astype(np.float32)
    there = np.ones(flat.shape, bool) if seen is None else seen.reshape(flat.shape)
    return Ragged(np.arange(0, rows * steps + 1, steps), np.where(there, flat, 0), np.tile(np.arange(-steps, 0.0), rows), there)


def alone(asked: Judge, ragged: Ragged, options: Options | None = None, spec: Spec = CHART) -> Counterfactual:
    (found,) = counterfactuals(asked, {"chart": ragged}, ["one"], {"chart": spec}, options)
    return found


def test_the_feature_that_counts_changes_alone_and_no_further_than_it_must() -> None:
    found = alone(judge({"chart": [2.0, 0.1, 0.0]}, -1.0), chart(np.array([[[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]])))
    (change,) = found.changes
    assert found.flips and found.before > 0.5 > found.after
    assert (change.feature, change.before, change.values) == ("Creatinine", 30.0, 2)
    assert change.after == pytest.approx(24.4, abs=0.6), "at 0.45 scaled units both sides weigh the same"
    assert found.distance == pytest.approx((30 - (change.after or 0)) / 10, rel=1e-3)


def test_what_is_told_flips_the_answer_when_the_network_is_asked_again() -> None:
    asked = judge({"chart": [2.0, -1.5, 0.7]}, 0.4, threshold=0.3)
    values = np.random.default_rng(0).uniform(-1.9, 1.9, (12, 3, 3))
    found = counterfactuals(asked, {"chart": chart(values)}, [f"r{k}" for k in range(12)], {"chart": CHART})
    assert all(one.flips for one in found)
    assert all((one.before >= 0.3) != (one.after >= 0.3) for one in found)
    again = counterfactuals(asked, {"chart": chart(values)}, [f"r{k}" for k in range(12)], {"chart": CHART})
    assert found == again


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), kept=st.sampled_from(["Creatinine", "U*", "*C*"]))
def test_what_is_immutable_never_moves_and_values_stay_within_training(seed: int, kept: str) -> None:
    random = np.random.default_rng(seed)
    asked = judge({"chart": random.normal(size=3).tolist()}, float(random.normal()))
    ragged = chart(random.uniform(-1.9, 1.9, (2, 2, 3)), random.random((2, 2, 3)) < 0.7)
    found = counterfactuals(asked, {"chart": ragged}, ["a", "b"], {"chart": CHART}, Options(immutable=(kept,)))
    stay = {"Creatinine": {"Creatinine"}, "U*": {"Urea"}, "*C*": {"Creatinine", "GCS"}}[kept]
    for one in found:
        assert not stay & {change.feature for change in one.changes}
        assert all(0 <= (change.after or 0) <= 40 for change in one.changes)


def test_whole_numbers_stay_whole() -> None:
    (change,) = alone(judge({"chart": [0.0, 0.0, 2.0]}, -1.0), chart(np.array([[[0.0, 0.0, 1.0]]]))).changes
    assert change.feature == "GCS" and change.after is not None and change.after.is_integer()


def test_where_nothing_plausible_flips_the_nearest_is_told() -> None:
    found = alone(judge({"chart": [0.5, 0.0, 0.0]}, 5.0), chart(np.array([[[1.0, 0.0, 0.0]]])))
    assert not found.flips and found.reason == ""
    assert found.after < found.before and found.after > 0.5
    assert found.changes[0].after == pytest.approx(0.0, abs=0.5), "the border of training"


def test_who_a_patient_is_stays_beside_other_inputs_and_time_always() -> None:
    asked = judge({"chart": [1.0, 0.0, 0.0], "person": [5.0, 0.0, 0.0, 4.0]}, -1.0)
    person = Ragged(np.array([0, 1]), np.array([[1.0, 0.0, 0.0, 1.0]], np.float32), np.zeros(1), np.ones((1, 4), bool))
    inputs, specs = {"chart": chart(np.array([[[1.9, 0.0, 0.0]]])), "person": person}, {"chart": CHART, "person": PERSON}
    (held,) = counterfactuals(asked, inputs, ["one"], specs)
    assert {change.input for change in held.changes} == {"chart"} and not held.flips
    (free,) = counterfactuals(asked, inputs, ["one"], specs, Options(free=("WARD*", "AGE")))
    assert free.flips and {change.feature for change in free.changes} <= {"WARD", "AGE", "Creatinine"}
    alone_, ward = {"person": person}, judge({"person": [0.5, 0.0, 0.0, 4.0]}, -2.0)
    (other,) = counterfactuals(ward, alone_, ["one"], {"person": PERSON})
    assert other.changes == (Change("person", "WARD", "category", 1.0, instead="a"),), "age stays by its name"


def coded(values: list[list[int]]) -> Ragged:
    """One row of visits."""
    array = np.array(values)
    return Ragged(np.array([0, len(array)]), array, np.arange(-len(array), 0.0), array > 0)


def test_the_fewest_codes_are_left_out() -> None:
    asked = judge({"history": [0.0, 0.2, 3.0, 0.1]}, -1.0)
    (found,) = counterfactuals(asked, {"history": coded([[1, 2, 3], [1, 2, 0]])}, ["one"], {"history": CODES})
    assert found.flips and found.changes == (Change("history", "ICD//b", "left_out", 1.0),)


def test_an_admission_is_what_a_row_is_about_and_stays() -> None:
    spec = Spec("codes", (3,), "days", ("unknown or rare", "HOSPITAL//ADMISSION", "ICD//b"), vocabulary=3)
    asked = judge({"history": [0.0, 9.0, 0.5]}, -1.0)
    (found,) = counterfactuals(asked, {"history": coded([[1, 2]])}, ["one"], {"history": spec})
    assert not found.flips and found.changes == (Change("history", "ICD//b", "left_out", 1.0),)


@pytest.mark.parametrize("visits", [True, False])
def test_a_frequent_code_is_added_where_one_is_missing(visits: bool) -> None:
    asked = judge({"history": [0.0, 0.2, 3.0, 0.1]}, -1.0)
    ragged = coded([[1, 3, 0]]) if visits else Ragged(np.array([0, 2]), np.array([1, 3]), np.array([-2.0, -1.0]))
    (none,) = counterfactuals(asked, {"history": ragged}, ["one"], {"history": CODES})
    assert not none.flips
    (found,) = counterfactuals(asked, {"history": ragged}, ["one"], {"history": CODES}, frequent={"history": [1, 2]})
    assert found.flips and found.changes == (Change("history", "ICD//b", "added", 1.0),)


def test_codes_and_numbers_change_together_where_neither_is_enough() -> None:
    asked = judge({"chart": [1.0, 0.0, 0.0], "history": [0.0, 0.0, 3.0, 0.0]}, -1.0)
    inputs = {"chart": chart(np.array([[[1.9, 0.0, 0.0]]])), "history": coded([[2, 2, 1]])}
    (found,) = counterfactuals(asked, inputs, ["one"], {"chart": CHART, "history": CODES})
    assert found.flips
    assert {change.way for change in found.changes} <= {"value", "left_out"}


def test_a_row_without_an_answer_or_without_anything_read_has_none() -> None:
    asked = judge({"chart": [1.0, 0.0, 0.0]}, 0.0)
    ragged = chart(np.ones((2, 1, 3)))
    held, told = counterfactuals(asked, {"chart": ragged}, ["a", "b"], {"chart": CHART}, withheld=["unsure", ""])
    assert (held.reason, held.changes, held.flips) == ("unsure", (), False)
    assert told.changes
    empty = Ragged(np.array([0, 0]), np.zeros((0, 3), np.float32), np.zeros(0), np.zeros((0, 3), bool))
    assert "nothing was read of this row" in alone(asked, empty).reason


def test_what_cannot_be_asked_is_refused() -> None:
    asked = judge({"chart": [1.0, 0.0, 0.0]}, 0.0)
    ragged = chart(np.ones((1, 1, 3)))
    with pytest.raises(UsageError, match="no input has the feature 'Creatinin'") as caught:
        alone(asked, ragged, Options(immutable=("Creatinin",)))
    assert "did you mean 'Creatinine'?" in caught.value.hint
    with pytest.raises(UsageError, match="every feature stays"):
        alone(asked, ragged, Options(immutable=("*r*", "GCS")))
    with pytest.raises(UsageError, match="no single change of image is a plausible one"):
        counterfactuals(asked, {}, [], {"xray": Spec("image", (1, 8, 8), "days")})
    name, options = config.options("tasks", "regression", "task")
    with pytest.raises(UsageError, match="no decision"):
        Judge([], registry.module("tasks", name).build(options, ("days",)))
