"""How many patients a study needs: as the authors of the method and their papers have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import UsageError
from sequela.evaluate.size import developing, validating, variance

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "sample_size.json").read_text())


def rows(needed: list[developing.Needed]) -> list[int]:
    return [one.rows for one in needed]


@pytest.mark.parametrize("case", GOLDEN["binary"], ids=str)
def test_a_yes_or_no_model_needs_what_its_authors_say(case: list[Any]) -> None:
    prevalence, parameters, explained, said = case
    assert rows(developing.binary(prevalence, parameters, explained).needed) == said


@pytest.mark.parametrize("case", GOLDEN["continuous"], ids=str)
def test_a_model_of_a_quantity_needs_what_its_authors_say(case: list[Any]) -> None:
    mean, spread, parameters, explained, said = case
    assert rows(developing.continuous(mean, spread, parameters, explained).needed)[:3] == said[:3]


@pytest.mark.parametrize("case", GOLDEN["survival"], ids=str)
def test_a_model_of_times_needs_what_its_authors_say(case: list[Any]) -> None:
    rate, follow_up, horizon, parameters, explained, said = case
    found = rows(developing.survival(rate, follow_up, horizon, parameters, explained).needed)
    assert found[:2] == said[:2]  # the third of theirs is the greater of these


@pytest.mark.parametrize("case", GOLDEN["validation"], ids=str)
def test_a_validation_needs_what_its_authors_say(case: list[Any]) -> None:
    prevalence, c, mean, spread, width, said = case
    found = validating.binary(prevalence, c, mean, spread, validating.Widths(observed_expected=width))
    assert rows(found.needed) == pytest.approx(said, rel=0.01)  # they draw the linear predictors, and step the standard error


@pytest.mark.parametrize("case", GOLDEN["explained"], ids=str)
def test_a_c_statistic_tells_how_much_is_explained(case: list[Any]) -> None:
    c, prevalence, said = case
    assert variance.from_c(c, prevalence) == pytest.approx(said, abs=0.002)  # theirs is a simulation


def test_the_worked_examples_of_the_paper_come_out() -> None:
    """Riley 2020: pre-eclampsia (figure 2), recurrent thrombosis (figure 3)."""
    preeclampsia = developing.binary(0.05, 30, 0.05)
    assert (preeclampsia.rows, round(preeclampsia.events or 0)) == (5249, 262)
    assert developing.survival(0.065, 2.07, 2, 30, 0.051).rows == 5143


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(0.55, 0.95), st.integers(1, 60))
def test_more_parameters_and_weaker_models_need_more_patients(prevalence: float, c: float, parameters: int) -> None:
    explained = variance.from_c(c, prevalence)
    one = developing.binary(prevalence, parameters, explained).needed[0].rows
    assert developing.binary(prevalence, parameters + 1, explained).needed[0].rows > one
    assert developing.binary(prevalence, parameters, explained / 2).needed[0].rows > one


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 0.98), st.floats(0.55, 0.95), st.floats(0.05, 0.3))
def test_the_rows_for_a_width_are_the_fewest_that_give_it(prevalence: float, c: float, width: float) -> None:
    found = validating.c(c, prevalence, width)
    reached = [2 * developing.NORMAL * validating.c_error(c, prevalence, n) for n in (found - 1, found)]
    assert reached[1] <= width < reached[0] or found <= 3


def test_what_is_explained_does_not_depend_on_which_outcome_is_the_event() -> None:
    assert variance.from_c(0.8, 0.1) == pytest.approx(variance.from_c(0.8, 0.9), abs=1e-9)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: developing.binary(0.0, 10, 0.1), "prevalence"),
        (lambda: developing.binary(0.05, 10, 0.4), "between 0 and 0.328"),
        (lambda: developing.binary(0.05, 0, 0.1), "at least one"),
        (lambda: developing.binary(0.4, 10, 0.1, shrinkage=1.2), "shrinkage"),
        (lambda: developing.continuous(0, 1, 10, 0.5), "mean not 0"),
        (lambda: developing.continuous(1e-7, 1, 10, 0.5), "more than"),
        (lambda: developing.survival(-1, 2, 2, 10, 0.1), "above 0"),
        (lambda: validating.binary(0.2, 0.4, 0, 1), "C statistic"),
        (lambda: validating.binary(0.2, 0.8, -1, 0), "do not differ"),
        (lambda: validating.binary(0.2, 0.8, -1, 1, validating.Widths(slope=0)), "no width"),
    ],
)
def test_numbers_that_cannot_be_are_refused(call: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        call()
