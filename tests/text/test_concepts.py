"""Mentions and the codes of what they name."""

from __future__ import annotations

import pytest

from sequela.text.concepts import Concepts

KNOWN = Concepts.learnt(
    [
        *[("breast cancer", "D001943"), ("Breast cancers", "D001943"), ("breast cancer", "OTHER")],
        *[("ataxia telangiectasia", "D001260"), ("familial adenomatous polyposis", "D011125"), ("unnamed", "")],
    ]
)


@pytest.mark.parametrize(
    ("mention", "code"),
    [
        ("Breast cancer", "D001943"),
        ("cancer of the breast", "D001943"),
        ("breast tumours", "D001943"),
        ("Ataxia-Telangiectasia", "D001260"),
        ("adenomatous polyposis", "D011125"),
        ("polyposis", ""),
        ("unnamed", ""),
        ("---", ""),
    ],
)
def test_a_mention_is_known_by_its_words_then_by_those_alike_then_by_most_of_them(mention: str, code: str) -> None:
    assert KNOWN.code(mention) == code


def test_a_short_form_is_known_by_what_it_stands_for_in_its_document() -> None:
    assert KNOWN.code("A-T") == ""
    assert KNOWN.code("A-T", {"A-T": "ataxia telangiectasia"}) == "D001260"
    assert KNOWN.code("sporadic BC", {"BC": "breast cancer"}) == "D001943"


def test_nothing_learnt_knows_nothing() -> None:
    assert Concepts.learnt([]).code("cancer") == ""
