"""The section on survival: every cause with its curves, its numbers at risk and its calibration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import followed
import pytest
import runs

from sequela import config
from sequela.evaluate.facts import OutlookFacts
from sequela.evaluate.report import render
from sequela.evaluate.report.run import read
from sequela.evaluate.report.verdict import verdict
from sequela.pipeline.summary import lines

STUDY = {"code": ["EVENT//death", "EVENT//transplant"], "horizons": ["1y", "3y"]}


def study(resamples: int = 30) -> config.Study:
    return runs.study("survival", outcome=STUDY, evaluate={"bootstrap": resamples})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs.folder(tmp_path_factory.mktemp("watched"), "survival", [followed.judged(300, grouped=True)], as_run=study())


def test_the_page_shows_each_cause_with_rows_at_risk_and_calibration(folder: Path) -> None:
    page = render(folder)
    assert page.count("Rows at risk") >= 4 and 'aria-label="death by risk"' in page
    for words in ("transplant: observed and foreseen", "Calibration of death by 3y", "death, Model by landmark", "Uno&#x27;s C"):
        assert words in page
    assert "counted at each, and intervals are by subject" in page and "Suppressed: too few rows of the group" in page
    assert "Discrimination</h2>" not in page and "At the threshold</h2>" not in page


def test_the_verdict_is_about_the_time_dependent_concordance_and_counts_events(folder: Path) -> None:
    said = " ".join(verdict(read(folder)))
    assert said.startswith("The model beats cox, the strongest plain baseline: Time-dependent C")
    assert "with an event" in said
    assert any(line.startswith("aalen johansen (baseline)") for line in lines(folder))


def test_of_several_splits_the_curves_of_the_first_are_shown(tmp_path: Path) -> None:
    those = [followed.judged(60, seed, split=f"fold {seed}") for seed in (1, 2)]
    page = render(runs.folder(tmp_path, "survival", those, as_run=study(0)))
    assert "Curves are of the split fold 1." in page


def test_subjects_who_were_asked_about_again_are_shown_prediction_by_prediction(tmp_path: Path) -> None:
    drawn = OutlookFacts(
        row_id="p1#2",
        names=["death", "transplant"],
        unit="years",
        since=[0.0, 365.25],
        days=[0.0, 365.25, 730.5],
        incidence=[[[0.0, 0.2, 0.3], [0.0, 0.0, 0.1]], [[0.0, 0.4, 0.6], [0.0, 0.1, 0.1]]],
        ended=730.5,
        cause="death",
    )
    told = runs.facts(("1",), outlooks=[drawn])
    page = render(runs.folder(tmp_path, "survival", [followed.judged(60)], told, as_run=study(0)))
    for cause in ("death", "transplant"):
        assert f"{cause} of p1#2 as foreseen at each prediction" in page
    assert "foreseen at 1 years" in page and "After 2.0 years: death" in page


def test_few_answers_share_a_plot_those_nearest_to_what_came(tmp_path: Path) -> None:
    one = followed.judged(300)
    more = {f"baseline:other{number}": one.answers["baseline:aalen_johansen"] for number in range(3)}
    page = render(runs.folder(tmp_path, "survival", [replace(one, answers=one.answers | more)], as_run=study(0)))
    plot = page.partition("death: observed and foreseen")[2].partition("</figure>")[0]
    assert "cox (baseline)" in plot and plot.count("(baseline)") == 3
