"""Bytes are read as what they are, or refused with the byte that says otherwise."""

from __future__ import annotations

import pytest

from sequela.errors import ConfigError, DataError
from sequela.text.encoding import decoded

TEXT = "Fièvre 38.5 ℃\r\n患者无发热 👩\u200d⚕️\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_says_itself_how_it_is_written_is_read_to_the_character(encoding: str) -> None:
    assert decoded(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be", "UTF8"])
def test_what_somebody_says_is_believed(encoding: str) -> None:
    assert decoded(TEXT.encode(encoding), encoding) == TEXT


def test_the_mark_of_utf_8_is_no_character_even_where_the_encoding_is_given() -> None:
    assert decoded(b"\xef\xbb\xbffever", "utf-8") == "fever"


def test_no_byte_is_an_empty_text() -> None:
    assert decoded(b"") == ""


def test_a_byte_of_latin_1_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match=r"byte 0xe9 at 8 \(line 2\) is not UTF-8") as found:
        decoded(b"none\ncaf\xe9 au lait")
    assert '"latin-1"' in found.value.hint
    assert "gb18030" not in found.value.hint  # a letter and a space are no Chinese character
    assert "caf" not in str(found.value)


def test_places_count_from_the_start_of_the_file_also_behind_a_mark() -> None:
    with pytest.raises(DataError, match=r"byte 0xe9 at 6 "):
        decoded(b"\xef\xbb\xbfcaf\xe9")


def test_chinese_of_before_unicode_is_told_from_nothing_but_by_trial() -> None:
    with pytest.raises(DataError, match="is not UTF-8") as found:
        decoded("患者无发热".encode("gbk"))
    assert found.value.hint.startswith('if that is what it is, say so: encoding = "gb18030"')
    assert decoded("患者无发热".encode("gbk"), "gb18030") == "患者无发热"


def test_utf_16_without_its_mark_is_refused() -> None:
    with pytest.raises(DataError, match=r"byte 0x00 at 1 .*UTF-16") as found:
        decoded("fever".encode("utf-16-le"))
    assert "utf-16-le" in found.value.hint
    assert decoded(b"a\0b", "utf-8") == "a\0b"


def test_half_of_utf_16_is_refused() -> None:
    with pytest.raises(DataError, match="is not UTF-16"):
        decoded("fever".encode("utf-16")[:-1])


@pytest.mark.parametrize("name", ["klingon", "hex"])
def test_an_encoding_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"no encoding is called '{name}'"):
        decoded(b"fever", name)
