"""Names compared by their words, and found in texts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.text.mentions import Names, content, loose, name, singular


def said(text: str, *those: str) -> list[str]:
    """What is found in a text, as it stands there."""
    return [text[begin:end] for begin, end, _ in Names.of({name(one) for one in those}).found(content(text))]


def test_case_and_signs_between_words_change_nothing() -> None:
    assert name("Ataxia - Telangiectasia") == name("ataxia-telangiectasia") == name("ATAXIA telangiectasia,")


def test_a_short_word_of_capitals_is_not_the_small_word_of_the_same_letters() -> None:
    assert said("AS patients, as we saw", "AS") == ["AS"]
    assert said("as we saw", "AS") == []


def test_what_holds_no_letter_has_no_name() -> None:
    assert name(" - ()") == ()


def test_the_longest_name_is_found_and_none_over_another() -> None:
    text = "Familial breast cancer, breast and lung cancer."
    assert said(text, "cancer", "breast cancer", "breast", "familial") == ["Familial", "breast cancer", "breast", "cancer"]


def test_a_name_never_goes_on_after_a_sentence_or_a_clause() -> None:
    assert said("It was breast. Cancer is rare; breast-cancer too", "breast cancer") == ["breast-cancer"]


def test_chinese_names_are_found_character_by_character() -> None:
    assert said("患者有糖尿病史，无高血压。", "糖尿病", "高血压", "高血") == ["糖尿病", "高血压"]


@pytest.mark.parametrize(
    ("plural", "one"),
    [("cancers", "cancer"), ("dystrophies", "dystrophy"), ("illness", "illness"), ("virus", "virus"), ("diagnosis", "diagnosis")],
)
def test_plurals_are_brought_to_their_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_order_and_little_words_change_no_loose_name() -> None:
    assert loose(name("cancers of the breast")) == loose(name("breast cancer")) == ("breast", "cancer")


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="aAbB .-漢\n", max_size=30), st.lists(st.text(alphabet="aAb-漢", min_size=1, max_size=4), max_size=4))
def test_what_is_found_has_the_name_looked_for_and_rising_places(text: str, those: list[str]) -> None:
    known = {name(one) for one in those} - {()}
    found = list(Names.of(known).found(content(text)))
    assert all(one in known and name(text[begin:end]) == one for begin, end, one in found)
    assert all(left[1] <= right[0] for left, right in pairwise(found))
