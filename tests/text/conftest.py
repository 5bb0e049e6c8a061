"""Texts of every kind of character, in every order: what places have to hold for."""

from __future__ import annotations

import random

import pytest

PIECES = (
    "fever", "BRCA1", "mRNA", "Wilson", "no", "history of", "İstanbul", "ΑΣ", "ß", "1.5", "10,000", "120/80", "E11.9",
    "½", "５．５", "无发热", "咳嗽", "高血压病史", "𠮷", "々", "ＣＴ", "ｆｅｖｅｒ", "かぜ", "감기", "ไข\u0e49", "حمى",
    "می\u200cخواهم", "חום", "\u202eabc\u202c", "e\u0301", "\u0301", "a\u0308\u0323", "葛\U000e0100", "👩\u200d⚕\ufe0f",
    "👍🏽", "🇫🇷🇩🇪", "3\ufe0f\u20e3", "😀😀", "\u200d", "\xad", "\ufeff", "\u200b", ".", "...", ",", "-", "—", "(", ")",
    "((", "'", "’s", "/", "?", "!", ":", ";", "。", "，", "；", "：", "、", "！", "【", "】", "%", "℃", "±", "___", " ",
    " ", "  ", "\n", "\r\n", "\r", "\n\n", "\t", "\u3000", "\xa0", "\u2028", "\x1c", "\x85", "\x0b", "\x00", "\x07",
    "\U0010ffff", "Dr.", "b.i.d.", "1. ", "HISTORY OF PRESENT ILLNESS:", "\nPLAN:\n", "主诉：", "\n现病史：", "[UNK]",
    "##", "[CLS]", "▁", "Ġ",
)  # fmt: skip
RANGES = ((0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x590, 0x700), (0x900, 0xE80), (0x2000, 0x2100), (0x3000, 0x3100),
          (0x4E00, 0xA000), (0xAC00, 0xAD00), (0xFE00, 0xFFF0), (0x1F300, 0x1FA00), (0x20000, 0x20100), (0, 0xD800))  # fmt: skip


@pytest.fixture(scope="session")
def unicode_texts() -> list[str]:
    """1,000 of them, drawn anew alike: of pieces that are told apart hardly, and of any characters. None has half a character."""
    draw = random.Random(20)
    return [_text(draw) for _ in range(1000)]


def _text(draw: random.Random) -> str:
    return "".join(draw.choice(PIECES) if draw.random() < 0.8 else _character(draw) for _ in range(draw.randrange(40)))


def _character(draw: random.Random) -> str:
    return chr(draw.randrange(*draw.choice(RANGES)))
