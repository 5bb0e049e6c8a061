"""What says little may go; what turns what is said stays."""

from __future__ import annotations

from sequela.text.cues_en import CUES
from sequela.text.cues_zh import CUES as CHINESE_CUES
from sequela.text.stop_words import stop_words


def test_no_word_that_denies_doubts_or_tells_of_the_past_is_a_stop_word() -> None:
    for cues, language in ((CUES, "en"), (CHINESE_CUES, "zh")):
        alone = {phrase for group in cues.groups for phrase in group.phrases if " " not in phrase}
        assert alone
        assert not alone & stop_words("en" if language == "en" else "zh")


def test_negation_is_kept_by_name() -> None:
    assert not {"no", "not", "without", "never", "denies", "if", "may", "before", "after", "her", "his"} & stop_words("en")
    assert not set("无不未没否非曾史可") & stop_words("zh")


def test_stop_words_are_in_lower_case_and_of_their_language() -> None:
    assert {"the", "of", "and"} <= stop_words("en")
    assert {"的", "了"} <= stop_words("zh")
    assert all(word.islower() and word.isascii() for word in stop_words("en"))
    assert all(len(word) == 1 and not word.isascii() for word in stop_words("zh"))
