"""Every item of a report leads to a value of a file of the run; what people have to say is a blank until they do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
import runs

from sequela import config
from sequela.evaluate.curves import Curves
from sequela.evaluate.facts import FlowStep, RunFacts
from sequela.evaluate.report import documents, evidence, render
from sequela.evaluate.report.items import CURVES, FLOW, HUMAN, ITEMS, METRICS, RUN, STUDY, TRUST, Trace
from sequela.evaluate.report.page import ORDER
from sequela.evaluate.report.run import read
from sequela.evaluate.report.views import VIEWS
from sequela.evaluate.report.views.page import render as render_view
from sequela.evaluate.trusted import Trusted
from sequela.metrics.table import METRICS as KNOWN

ROOTS = {CURVES: Curves, FLOW: FlowStep, STUDY: config.Study, RUN: RunFacts, TRUST: Trusted}
STATED = "A nurse sees the risk at the morning round; | nothing else changes."


def inner(kind: Any) -> Any:
    """The struct in an optional, a list or a mapping."""
    while get_origin(kind) is not None:
        kind = next((one for one in reversed(get_args(kind)) if one is not type(None)), None)
    return kind


def leads(trace: Trace) -> bool:
    if trace.file == METRICS:
        return trace.path in ("against", "group") or trace.path in KNOWN
    at: Any = ROOTS[trace.file]
    for name in trace.path.split("."):
        hints = get_type_hints(at)
        if name not in hints:
            return False
        at = inner(hints[name])
    return True


@pytest.mark.parametrize("item", [item for item in ITEMS.values() if item.traces], ids=lambda item: item.name)
def test_an_item_leads_to_a_field_that_a_run_writes(item: Any) -> None:
    assert [str(one) for one in item.traces if not leads(one)] == []


def test_each_statement_of_a_study_is_an_item_that_only_people_can_give() -> None:
    assert [item.name for item in HUMAN] == list(config.Statements.__struct_fields__)


def test_each_section_has_a_name_of_its_own_and_items_lead_to_sections_that_there_are() -> None:
    names = [section.__name__ for section in ORDER]
    assert len(names) == len(set(names))
    assert {item.section for item in ITEMS.values() if item.section} - set(names) == set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return runs.folder(tmp_path / "run", "binary", [runs.judged("binary", 120)])


def test_what_was_computed_is_done_and_what_nobody_examined_is_not(folder: Path) -> None:
    run = read(folder)
    of = {name: evidence.state(run, item) for name, item in ITEMS.items()}
    assert (of["discrimination"], of["fairness"], of["intended_use"], of["risks"]) == ("done", "not examined", "blank", "blank")
    assert str(evidence.trace(run, ITEMS["discrimination"])) == "metrics.json › auroc"


def test_a_statement_fills_its_blank_and_leaves_the_list_of_those_missing(tmp_path: Path) -> None:
    study = runs.study("binary", statements={"intended_use": STATED})
    folder = runs.folder(tmp_path / "run", "binary", [runs.judged("binary", 120)], as_run=study)
    page = render(folder)
    assert STATED in page and page.count('class="blank"') == len(HUMAN) - 1
    missing = page[page.index("Not stated by anybody yet") : page.index("Contents")]
    assert "Intended use" not in missing and "Known inequalities" in missing
    assert f"{len(HUMAN) - 1} of {len(HUMAN)} statements that only people can make are missing" in page


def test_a_study_whose_statements_are_all_made_has_no_blank(tmp_path: Path) -> None:
    study = runs.study("binary", statements=dict.fromkeys(config.Statements.__struct_fields__, "said"))
    page = render(runs.folder(tmp_path / "run", "binary", [runs.judged("binary", 120)], as_run=study))
    assert 'class="blank"' not in page and "Not stated by anybody yet" not in page


def test_the_first_lines_are_the_question_the_verdict_and_what_speaks_for_trust(folder: Path) -> None:
    page = render(folder)
    head = re.sub(r"<[^>]+>", " ", page[page.index('class="first"') : page.index("Not stated by anybody yet")])
    assert head.index("Will this patient die") < head.index("AUROC") < head.index("had not been looked at before")
    assert "1 of 2 checks for leaks raised an alarm" in head


@pytest.mark.parametrize("states, whole", [
    (["done", "done"], "done"),
    (["done", "blank"], "in part"),
    (["done", "not examined"], "in part"),
    (["blank", "not examined"], "blank"),
    (["not examined"], "not examined"),
    (["stated", "done"], "done"),
    (["stated"], "stated"),
    (["drafted", "done"], "drafted"),
])  # fmt: skip
def test_several_items_together_are_no_better_than_what_is_missing(states: list[Any], whole: str) -> None:
    assert evidence.together(states) == whole


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_a_view_asks_for_items_that_there_are_or_says_why_none_answers(view: Any) -> None:
    assert all(bool(one.items) != bool(one.why) for one in view.asked)
    assert {name for one in view.asked for name in one.items} <= set(ITEMS)
    numbers = [one.number for one in view.asked if one.number]
    assert len(numbers) == len(set(numbers)) and len(numbers) in (0, len(view.asked))


@pytest.mark.parametrize("name, items", [("tripod", 27), ("stard", 30), ("annex-iv", 9)])
def test_the_numbers_of_a_view_run_without_a_gap(name: str, items: int) -> None:
    whole = list(dict.fromkeys(int(re.match(r"\d+", one.number)[0]) for one in VIEWS[name].asked))
    assert whole == list(range(1, items + 1))


def test_a_view_links_each_item_to_its_place_in_the_report(folder: Path) -> None:
    page = render_view(folder, "tripod", "report.html")
    assert '<a href="report.html#data">Sources, hash of the records</a> <code>run.json › data › hash</code>' in page
    assert "Intended use: blank" in page and "<script" not in page


def test_the_model_card_is_made_of_the_same_values_and_marks_what_nobody_said(tmp_path: Path) -> None:
    study = runs.study("binary", statements={"intended_use": STATED})
    folder = runs.folder(tmp_path / "run", "binary", [runs.judged("binary", 120)], as_run=study)
    card, run = documents.card(folder), read(folder)
    row = run.number(run.main, "auroc")
    assert row is not None and f"| AUROC | {row.value:.3f} [{row.low:.3f}, {row.high:.3f}] |" in card
    assert "risk at the morning round; \\| nothing" in card and card.count(documents.BLANK) == len(HUMAN) - 1


def test_a_value_that_is_nought_is_a_value(folder: Path) -> None:
    run = read(folder)
    told = replace(run, facts=msgspec.structs.replace(run.facts, parameters=0))
    assert evidence.held(told, Trace(RUN, "parameters"))
