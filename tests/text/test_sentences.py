"""Sentences as places: every word in exactly one, and ended where a reader of notes ends them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from sequela.text.sentences import bounds, sentences
from sequela.text.words import words

LONG = "The patient was admitted from the emergency department to the"
CASES = {
    "one_after_another": "No fever.| Cough!| Pain?| None.",
    "titles": "Seen by Dr. Lee and Mrs. Smith vs. Prof. Wu.| Well.",
    "abbreviations": "Aspirin b.i.d. for pain, approx. 5 mg, e.g. at 3 p.m. daily.| Then rest.",
    "abbreviation_at_the_end": "Given b.i.d.| The pain went.",
    "decimals": "It is 1.5 cm, pH 7.35.| E11.9 was coded.",
    "initials": "J. Smith and Anna B. Smith came.| They left.",
    "letter_at_the_end": "She has hepatitis C.| She has type B.| She is well.",
    "quotes_and_brackets": 'He said "no."| (He left.)| Then [she did.]| Good.',
    "no_space": "She has no pain.|The cough is better.",
    "web_places": "See example.org for it.| Done.",
    "ellipsis": "Well... maybe.| Yes...| No.",
    "numbered_items": "1. Hypertension.| 2. Diabetes, 5 mg.| 3. Gout",
    "lettered_items": "a. Hypertension\n|b. Diabetes\n|",
    "list_of_lines": "no chest pain\n|no cough\n|- rash\n|* fever\n|",
    "wrapped_small": f"{LONG}\nward with chest pain.| He left.",
    "wrapped_at_a_word_that_asks_for_more": f"{LONG}\nICU with chest pain.| He left.",
    "wrapped_at_a_title": f"{LONG[:-4]} for Dr.\nSmith to see.",
    "long_line_that_ends": f"{LONG} ward with chest pain\n|Discharged home",
    "empty_line": f"{LONG}\n\n|ward",
    "windows_lines": f"{LONG}\r\nward.\r\n|Pain\r\n|Cough\r\n\r\n|",
    "old_mac_lines": "Pain\r|Cough\r|",
    "question_mark_before": "?pneumonia on film.| Seen.",
    "no_stop": "No fever",
    "chinese": "患者无发热。|咳嗽3天；|胸痛！|待查？|“好。”|出院",
    "chinese_points": "患者无发热.|体温37.5℃.| 咳嗽",
    "chinese_lines": "咳嗽\n|发热\n|",
    "western_semicolon": "no fever; no cough.",
    "chinese_stop_in_english": "Patient says 好。|Then he left the room.",
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_sentence_ends_where_a_reader_ends_it(case: str) -> None:
    text = case.replace("|", "")
    assert sentences(text).of(text) == [part.strip() for part in case.split("|") if part.strip()]


def test_every_word_of_any_text_lies_in_exactly_one_sentence(unicode_texts: list[str]) -> None:
    for text in unicode_texts:
        for language in ("en", "zh"):
            cuts = words(text)
            found = sentences(text, "en" if language == "en" else "zh", cuts)
            assert (found.begin < found.end).all()
            assert (found.end[:-1] <= found.begin[1:]).all()
            edges = bounds(cuts, found)
            assert edges[0] == 0
            assert edges[-1] == len(cuts)
            assert (np.diff(edges) > 0).all()
            assert (cuts.begin[edges[:-1]] == found.begin).all()
            assert (cuts.end[edges[1:] - 1] == found.end).all()


def test_words_of_jieba_lie_in_the_same_sentences() -> None:
    text = "患者无发热。咳嗽3天；胸痛！\n既往体健"
    assert sentences(text, of=words(text, chinese="jieba")).of(text) == sentences(text).of(text)


def test_a_text_without_words_has_no_sentence() -> None:
    assert len(sentences(" \n ")) == 0
    assert bounds(words(""), sentences("")).tolist() == [0]


@pytest.mark.slow
def test_twenty_megabytes_take_seconds_with_lines_and_without() -> None:
    for text in ("No fever, 1.5 mg b.i.d. was given.\n" * 600_000, "No fever e.g. in " * 1_200_000, "No fever. " * 2_000_000):
        start = time.process_time()
        sentences(text)
        assert time.process_time() - start < 30
