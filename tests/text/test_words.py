"""Words as places: nothing is lost, nothing is cut through, and what belongs together stays."""

from __future__ import annotations

import logging
import time
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.text import words as module
from sequela.text.words import Chinese, Cuts, Language, lowered, resolved, words, words_of

CASES = {
    "ataxia-telangiectasia": "ataxia - telangiectasia",
    "BRCA1/2-mutated (5mg)": "BRCA1 / 2 - mutated ( 5mg )",
    "the patient's, don’t": "the patient ' s , don ’ t",
    "1.5 cm, E11.9, 2.": "1.5 cm , E11.9 , 2 .",
    "10,000 1,234,567.8 but 1,23 1,2,3 1,2345 1,234a": "10,000 1,234,567.8 but 1 , 23 1 , 2 , 3 1 , 2345 1,234a",
    "120/80 03/12/2020 12.03.2020": "120 / 80 03 / 12 / 2020 12.03.2020",
    "well...____ -- ((APC)) ++": "well ... ____ -- ( ( APC ) ) ++",
    "snake_case a@b.org": "snake _ case a @ b . org",
    "５．５ｍｇ ＣＴ，１０，０００": "５．５ｍｇ ＣＴ ， １０，０００",
    "37℃ ±5% µg m²": "37 ℃ ± 5 % µg m²",
    "无发热3天CT示肺炎": "无 发 热 3 天 CT 示 肺 炎",
    "二〇二〇年 人々 𠮷": "二 〇 二 〇 年 人 々 𠮷",
    "cafe\u0301 naı\u0308ve": "cafe\u0301 naı\u0308ve",
    "葛\U000e0100城": "葛\U000e0100 城",
    "👩\u200d⚕️👍🏽x🇫🇷 3\ufe0f\u20e3": "👩\u200d⚕️ 👍🏽 x 🇫🇷 3\ufe0f\u20e3",
    "😀😀😁": "😀😀 😁",
    "می\u200cخواهم co\u00adop": "می\u200cخواهم co\u00adop",
    "حمى، לא": "حمى ، לא",
    "a\u200bb": "a \u200b b",
    "one\r\ntwo\u3000three\xa0four\u2028five": "one two three four five",
    " \u0301 a": "\u0301 a",
}


@pytest.mark.parametrize(("text", "wanted"), CASES.items())
def test_a_text_is_cut_as_a_reader_of_notes_would(text: str, wanted: str) -> None:
    assert words(text).of(text) == wanted.split(" ")


@pytest.mark.parametrize("text", ["", " ", "\r\n\t"])
def test_a_text_without_a_word_has_none(text: str) -> None:
    cuts = words(text)
    assert len(cuts) == 0
    assert cuts.begin.dtype == cuts.end.dtype == np.int32
    assert words(text, "zh", "jieba").of(text) == []


def covered(text: str, cuts: Cuts) -> None:
    """Every character that is no white space lies in exactly one word, and white space in none but where a mark stands on it."""
    inside = np.zeros(len(text), int)
    for begin, end in zip(cuts.begin.tolist(), cuts.end.tolist(), strict=True):
        assert begin < end
        inside[begin:end] += 1
    assert inside.tolist() == [int(not character.isspace()) for character in text]
    assert "".join(cuts.of(text)) == "".join(text.split())


@pytest.mark.parametrize("chinese", ["characters", "jieba"])
def test_words_hold_every_character_of_any_text_once(unicode_texts: list[str], chinese: Chinese) -> None:
    for text in unicode_texts if chinese == "characters" else unicode_texts[:300]:
        covered(text, words(text, "zh", chinese))


@given(st.text(st.characters()))
def test_words_hold_even_halves_of_characters(text: str) -> None:
    covered(text, words(text))


def test_a_mark_is_never_parted_from_its_character(unicode_texts: list[str]) -> None:
    for text in unicode_texts:
        for begin in words(text).begin.tolist():
            marked = begin > 0 and not text[begin - 1].isspace() and unicodedata.category(text[begin])[0] == "M"
            assert not marked, (text[begin - 1], text[begin])


def test_long_texts_are_cut_as_short_ones(unicode_texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(unicode_texts)
    whole = words(text)
    monkeypatch.setattr(module, "BLOCK", 50)
    parts = words(text)
    assert (parts.begin == whole.begin).all()
    assert (parts.end == whole.end).all()


def alike(texts: list[str], language: Language = "auto", chinese: Chinese = "characters") -> None:
    """Cut together, these texts have the words that they have one by one."""
    for text, together in zip(texts, words_of(texts, language, chinese), strict=True):
        alone = words(text, language, chinese)
        assert together.begin.dtype == alone.begin.dtype and together.end.dtype == alone.end.dtype
        assert (together.begin.tolist(), together.end.tolist()) == (alone.begin.tolist(), alone.end.tolist())


@given(st.lists(st.text(st.characters(), max_size=8), max_size=6), st.sampled_from([1, 5, 1 << 20]))
@settings(max_examples=40, deadline=None)
def test_texts_cut_together_have_the_words_that_they_have_alone(texts: list[str], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        alike(texts)


EDGES = [
    "1",
    ",",
    "000",
    ".",
    "5",
    "\u0301",
    "\u200d",
    "👩",
    "👍🏽",
    "🇫",
    "--",
    "-",
    " ",
    "\r",
    "\n",
    "发",
    "a",
    "",
    "\ud83d",
    "\ude00",
]


@given(st.lists(st.lists(st.sampled_from(EDGES), max_size=3).map("".join), max_size=8))
@settings(max_examples=60, deadline=None)
def test_nothing_joins_the_end_of_a_text_to_the_beginning_of_the_next(texts: list[str]) -> None:
    alike(texts)


@pytest.mark.parametrize("language", ["auto", "en", "zh"])
def test_english_chinese_and_mixed_texts_cut_together_keep_the_language_of_each(
    unicode_texts: list[str], language: Language
) -> None:
    alike(unicode_texts, language)
    alike(["患者无发热、咳嗽", "No fever", "Mr. 王 coughs", "CT示肺炎，高血压病史10年", *unicode_texts[:200]], language, "jieba")


@pytest.mark.slow
def test_twenty_megabytes_take_seconds_and_a_text_without_spaces_too() -> None:
    for text in ("No fever, 1.5 mg b.i.d. was given.\n" * 600_000, "患者无发热" * 500_000):
        start = time.process_time()
        cuts = words(text)
        assert time.process_time() - start < 10
        assert cuts.end[-1] == len(text.rstrip())


def test_jieba_puts_han_characters_together_and_leaves_all_else(unicode_texts: list[str]) -> None:
    text = "患者无发热、咳嗽，高血压病史10年，CT示肺炎"
    wanted = "患者 无 发热 、 咳嗽 ， 高血压 病史 10 年 ， CT 示 肺炎"
    assert words(text, chinese="jieba").of(text) == wanted.split()
    for text in unicode_texts[:200]:
        single, together = words(text), words(text, "zh", "jieba")
        assert set(together.begin.tolist()) <= set(single.begin.tolist())
        assert set(together.end.tolist()) <= set(single.end.tolist())


def test_jieba_is_not_asked_for_english(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(module, "segmented", refuse)
    text = "Patient 王 has a cough"
    assert words(text, chinese="jieba").of(text) == text.split()


@pytest.mark.slow
def test_jieba_is_silent(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    from sequela.text.segmentation import _jieba

    _jieba.cache_clear()
    with caplog.at_level(logging.DEBUG):
        words("患者无发热", chinese="jieba")
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("No fever", "en"),
        ("", "en"),
        ("120/80", "en"),
        ("患者无发热", "zh"),
        ("患者行CT检查示WBC升高", "zh"),
        ("Mr. 王 has had a cough", "en"),
    ],
)
def test_a_text_with_a_fifth_of_han_letters_is_chinese(text: str, wanted: Language) -> None:
    assert resolved(text) == wanted
    assert resolved(text, "en") == "en"
    assert resolved(text, "zh") == "zh"


def test_lower_case_keeps_every_place(unicode_texts: list[str]) -> None:
    assert lowered("BRCA1 Σ") == "brca1 σ"
    assert lowered("İSTANBUL") == "İstanbul"  # the small letter would be two characters
    for text in unicode_texts:
        assert len(lowered(text)) == len(text)
