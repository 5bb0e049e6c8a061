"""The looks of words."""

from __future__ import annotations

import pytest

from sequela.text.shapes import NAMES, SHAPES, shape
from sequela.text.words import words

CASES = {
    "lower": ["fever", "a", "αβ", "e\u0301", "ｆｅｖｅｒ", "µg"],
    "capitalised": ["Wilson", "De", "Ärzte"],
    "upper": ["DNA", "A", "ＣＴ", "É"],
    "mixed": ["mRNA", "McCune", "pH", "DNAs"],
    "digits": ["7", "2020", "５", "½", "٣"],
    "number": ["1.5", "10,000", "12.03.2020", "3\ufe0f\u20e3"],
    "letters and digits": ["BRCA1", "5mg", "E11.9", "p53", "m²"],
    "letters": ["حمى", "かぜ", "می\u200cخواهم", "감기"],
    "han": ["热", "发热", "々", "𠮷"],
    "sign": ["-", "(", "%", "℃", "\u0301", "，", "😀"],
    "signs": ["...", "____", "👩\u200d⚕️"],
    "other": [""],
}


@pytest.mark.parametrize(("name", "some"), CASES.items())
def test_words_of_one_look_have_one_shape(name: str, some: list[str]) -> None:
    assert {NAMES[shape(word)] for word in some} == {name}


def test_every_shape_has_a_case() -> None:
    assert set(CASES) == set(NAMES)
    assert len(NAMES) == SHAPES


def test_any_word_has_a_shape(unicode_texts: list[str]) -> None:
    found = {shape(word) for text in unicode_texts for word in words(text).of(text)}
    assert found == set(range(SHAPES)) - {NAMES.index("other")}
