"""Sections as places: end to end over the whole note, each under its heading."""

from __future__ import annotations

import time

import pytest

from sequela.text.sections import normalised, sections

NOTE = """Admitted on Monday.

CHIEF COMPLAINT:  Cough

History of Present Illness:
The patient has had cough: dry, at night.
BP: 120/80 and WBC: 9.
LUNGS: clear
Assessment / Plan:
1. Rest
DISPOSITION
Home
"""


def told(text: str) -> list[tuple[str, str]]:
    return [(part.title, text[part.body : part.end].strip()) for part in sections(text)]


def test_headings_part_a_note() -> None:
    assert told(NOTE) == [
        ("", "Admitted on Monday."),
        ("chief complaint", "Cough"),
        ("history of present illness", "The patient has had cough: dry, at night.\nBP: 120/80 and WBC: 9."),
        ("lungs", "clear"),
        ("assessment/plan", "1. Rest"),
        ("disposition", "Home"),
    ]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_lines_may_end_as_they_will(newline: str) -> None:
    assert [title for title, _ in told(NOTE.replace("\n", newline))] == [title for title, _ in told(NOTE)]


def test_a_title_alone_on_its_line_needs_no_list() -> None:
    text = "Pertinent Results:\nnone\nMedications on Admission :\naspirin\nHe takes the following:\naspirin"
    assert told(text) == [
        ("pertinent results", "none"),
        ("medications on admission", "aspirin\nHe takes the following:\naspirin"),
    ]


def test_chinese_headings_begin_lines_or_follow_stops() -> None:
    assert told(
        "患者张某。主诉：咳嗽3天。现病史：无明显诱因咳嗽；既往史:体健\n【家族史】无\n1、诊断：肺炎\n体格检查\n体温37℃"
    ) == [
        ("", "患者张某。"),
        ("主诉", "咳嗽3天。"),
        ("现病史", "无明显诱因咳嗽；"),
        ("既往史", "体健"),
        ("家族史", "无"),
        ("诊断", "肺炎"),
        ("体格检查", "体温37℃"),
    ]


def test_usual_titles_in_capitals_may_follow_a_stop() -> None:
    assert told("Seen today. ALLERGIES: none. PLAN: rest.") == [("", "Seen today."), ("allergies", "none."), ("plan", "rest.")]


@pytest.mark.parametrize(
    "text",
    [
        "Doctor: What brings you here?\nPatient: A cough.",
        "BP: 120/80\nHR: 70",
        "She has a history of: asthma",
        "The plan: rest",
        "患者诊断：肺炎",
        "No heading here",
        "NO ACUTE DISTRESS.",
    ],
)
def test_what_is_no_heading_is_none(text: str) -> None:
    assert told(text) == [("", text)]


def test_a_note_that_begins_with_a_heading_has_nothing_before_it() -> None:
    assert [part.begin for part in sections("PLAN: rest\nLABS: none")] == [0, 11]


def test_a_section_may_be_empty_and_a_note_too() -> None:
    assert told("PLAN:\nLABS:") == [("plan", ""), ("labs", "")]
    assert sections("") == []


def test_titles_are_compared_without_regard_to_spaces_width_and_case() -> None:
    assert normalised(" History  of Present\tIllness") == "history of present illness"
    assert normalised("Ａ ／ Ｐ") == "a/p"


def test_sections_lie_end_to_end_over_any_text(unicode_texts: list[str]) -> None:
    titles = set()
    for text in unicode_texts:
        found = sections(text)
        assert "".join(text[part.begin : part.end] for part in found) == text
        assert all(part.begin <= part.body <= part.end for part in found)
        assert all(part.title == normalised(part.title) for part in found)
        titles.update(part.title for part in found)
    assert {"", "plan", "现病史"} <= titles


@pytest.mark.slow
def test_twenty_megabytes_take_seconds() -> None:
    for text in ("No fever, 1.5 mg b.i.d. was given.\n" * 600_000, "A" * 20_000_000, "NO FEVER. " * 2_000_000, " " * 20_000_000):
        start = time.process_time()
        sections(text)
        assert time.process_time() - start < 30
