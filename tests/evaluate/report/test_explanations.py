"""What the report says of explanations: a method never without its score, and plainly where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from sequela import config
from sequela.evaluate.explained import (
    ChecksFacts,
    CompletenessFacts,
    CurveFacts,
    ExampleFacts,
    ExplanationFacts,
    MatterFacts,
    MethodFacts,
    PlantedFacts,
    PointsFacts,
    RandomisedFacts,
    Score,
    mean_score,
)
from sequela.evaluate.facts import RunFacts
from sequela.evaluate.report.heat import Heat, drawn
from sequela.evaluate.report.run import Flow, Run
from sequela.evaluate.report.sections.explanations import explanations
from sequela.evaluate.report.words import speaking
from sequela.evaluate.trusted import Trusted


def score(value: float) -> Score:
    return Score(value=value, low=value - 0.05, high=value + 0.05, rows=64, subjects=60)


METHODS = [
    MethodFacts(method="gradient_shap", auroc=score(0.9), auprc=score(0.612), ms=12.0, points=50),
    MethodFacts(method="integrated_gradients", auroc=score(0.8), auprc=score(0.5), gain=score(-0.1), ms=9.0, points=50),
    MethodFacts(method="kernel_shap", ms=900.0, reason="slow"),
]
FOUND = ExplanationFacts(
    kind="binary",
    method="gradient_shap",
    part="test",
    rows=200,
    subjects=180,
    ms=12.3,
    column="DEATH",
    floor=0.15,
    checks=ChecksFacts(
        completeness=CompletenessFacts(rows=200, median=0.01, largest=0.2, off=0.03, tolerance=0.05),
        curves=CurveFacts(
            shares=[0.1, 0.5],
            deletion=[0.4, 0.6],
            deletion_random=[0.1, 0.3],
            insertion=[0.4, 0.1],
            insertion_random=[0.5, 0.3],
            deletion_gain=score(0.3),
            insertion_gain=score(0.15),
        ),
        randomised=RandomisedFacts(head=score(0.3), all=score(0.1), limit=0.5),
        stability=score(0.97),
        points=PointsFacts(points=64, tried=[(32, 0.9), (64, 0.96)], settled=True, level=0.95),
    ),
    planted=PlantedFacts(
        input="chart",
        plant="window",
        trained=700,
        scored=64,
        steps=160,
        auroc=0.99,
        level=0.9,
        share=0.03,
        chance=0.05,
        methods=METHODS,
    ),
    matters=[MatterFacts(input="chart", name="Lactate", mean_absolute=0.5, mean=0.2, rows=190, bands=[0.1, 0.4])],
    edges=[-2.0, -1.0, 0.0],
    unit="days",
)


def shown(found: ExplanationFacts | None, demo: Path, folder: Path = Path()) -> str:
    run = Run(
        config.load(demo), Flow(), [], [], RunFacts(version="0", date="2026-01-01", seed=0), folder, Trusted(explanation=found)
    )
    return explanations(run).markup


def test_nothing_is_shown_where_the_study_did_not_ask(demo: Path) -> None:
    assert shown(None, demo) == ""


def test_the_method_is_shown_with_its_score_beside_chance_and_the_slow_one_is_named(demo: Path) -> None:
    page = shown(FOUND, demo)
    assert "0.612" in page and "[0.562, 0.662]" in page and "Cells in a random order" in page
    assert "too slow" in page and "DEATH" in page and "Lactate" in page
    assert 'class="warning"' not in page


def test_a_score_below_the_floor_is_warned_of(demo: Path) -> None:
    page = shown(structs.replace(FOUND, floor=0.7), demo)
    assert 'class="warning"' in page and "below the floor of 0.700" in page


@pytest.mark.parametrize("reason", ["unasked", "rows", "input", "task", "unlearnt"])
def test_an_explanation_that_was_not_held_against_anything_says_so(demo: Path, reason: str) -> None:
    page = shown(structs.replace(FOUND, planted=PlantedFacts(reason=reason, auroc=0.6, level=0.9)), demo)  # type: ignore[arg-type]
    assert "Nothing says that it is right." in page and "Known causes" not in page


def test_an_explanation_that_ignores_the_weights_and_attention_are_warned_of(demo: Path) -> None:
    blind = structs.replace(FOUND.checks, randomised=RandomisedFacts(head=score(0.9), all=score(0.8), limit=0.5))
    assert "it shows the inputs" in shown(structs.replace(FOUND, checks=blind), demo)
    assert "explains nothing" in shown(structs.replace(FOUND, method="attention"), demo)


def test_what_is_explained_is_told_where_it_is_not_the_answer_that_is_given(demo: Path) -> None:
    assert "average with baselines" in shown(structs.replace(FOUND, averaged=True), demo)
    assert "mean of 5 networks" in shown(structs.replace(FOUND, members=5), demo)


@pytest.mark.parametrize(
    ("reason", "told"), [("kind", "segment"), ("steps", "steps"), ("rows", "No row"), ("method", "No method")]
)
def test_answers_that_are_not_explained_are_said_to_be_not(demo: Path, reason: str, told: str) -> None:
    page = shown(ExplanationFacts(reason=reason, kind="segment"), demo)  # type: ignore[arg-type]
    assert told in page and "<table" not in page


def test_the_section_speaks_chinese(demo: Path) -> None:
    with speaking("zh"):
        page = shown(FOUND, demo)
    assert "解释及其是否成立" in page and "Completeness" not in page and "Other checks" not in page


def test_a_single_row_is_shown_while_its_drawing_is_there(demo: Path, tmp_path: Path) -> None:
    one = ExampleFacts(file="row.svg", why="wrong", row_id="r17", column="DEATH", told=-2.0, said=0.1, true="yes")
    found = structs.replace(FOUND, examples=[one])
    assert "r17" not in shown(found, demo, tmp_path)
    heat = Heat("chart", ["Lactate", "HR & more"], np.array([[0.5, np.nan, -1.0], [0.0, 0.1, 0.2]]), ("−48 h", "0 h"))
    (tmp_path / "row.svg").write_text(drawn([heat], "a row").markup, encoding="utf-8")
    page = shown(found, demo, tmp_path)
    assert "r17" in page and "HR &amp; more" in page and "true: yes" in page


def test_a_drawing_shades_by_size_and_leaves_out_what_was_not_seen() -> None:
    heat = Heat("x", ["a"], np.array([[1.0, -1.0, np.nan, 0.0]]))
    markup = drawn([heat], "a row").markup
    assert markup.count("z") >= 5  # three cells that were seen, one of them for and one against
    assert markup.count('fill-opacity="1.000"') == 3
    assert drawn([Heat("x", ["a"], np.full((1, 3), np.nan))], "nothing").markup.count("<path") == 0


def test_a_mean_over_rows_resamples_subjects() -> None:
    random = np.random.default_rng(0)
    each = random.standard_normal(40)
    rows, subject = np.repeat(each, 10), np.repeat(np.arange(40), 10)
    clustered, apart = mean_score(rows, subject), mean_score(rows, np.arange(400))
    assert clustered.low is not None and clustered.high is not None and apart.low is not None and apart.high is not None
    assert clustered.high - clustered.low > 2 * (apart.high - apart.low)
    assert clustered.subjects == 40 and clustered.rows == 400
    assert mean_score(np.full(5, np.nan), np.arange(5)) == Score()
    assert mean_score(np.ones(5), np.arange(5)).low is None
    assert mean_score(np.array([1.0, 2.0]), np.zeros(2)).low is None
