"""Words, sentences, sections and scopes of clinical text per CPU-second, in English and Chinese.

    SEQUELA_DATA=… python bench/text_words.py

English: the sections of notes in MTS-Dialog's training set, laid end to end, and one by one. Chinese: sentences made here from a
grammar of a few turns of speech. Texts have 400,000 characters; each is read for a CPU-second at least.
"""

from __future__ import annotations

import csv
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import record

from sequela.text.scope import scopes_of
from sequela.text.sections import sections
from sequela.text.sentences import sentences
from sequela.text.subwords import train
from sequela.text.words import words, words_of

CHARACTERS = 400_000
OPENINGS = ("患者无", "否认", "患者3天前出现", "既往有", "母亲患", "考虑", "查体未见")
FINDINGS = ("发热、咳嗽", "胸闷、气促", "高血压病史10年", "糖尿病", "肺炎可能", "双下肢水肿", "淋巴结肿大")


def main() -> None:
    path = Path(os.environ["SEQUELA_DATA"]) / "mts_dialog" / "MTS-Dialog-TrainingSet.csv"
    with path.open(encoding="utf-8", newline="") as file:
        notes = [row["section_text"] for row in csv.DictReader(file)]
    english = _repeated("\n".join(notes))
    chinese = _repeated("".join(f"{opening}{finding}。" for opening, finding in itertools.product(OPENINGS, FINDINGS)))
    words(english), words(chinese, "zh", "jieba"), scopes_of("none", words("none"))  # tables and dictionaries are made once
    of_english, of_chinese = words(english), words(chinese)
    subwords = train(notes, size=4000)
    rows = {
        "English, words of one long text": _rate(lambda: len(words(english))),
        "English, words of short texts, one by one": _rate(lambda: sum(len(words(note)) for note in notes)),
        "English, words of short texts, many at once": _rate(lambda: sum(map(len, words_of(notes)))),
        "English, sentences": _rate(lambda: _of(sentences(english, "en", of_english), len(of_english))),
        "English, sections": _rate(lambda: _of(sections(english), len(of_english))),
        "English, scopes with sentences and sections": _rate(lambda: len(scopes_of(english, of_english))),
        "English, subwords of short texts": _rate(lambda: _of(subwords.encode(notes), sum(len(words(note)) for note in notes))),
        "Chinese, words of one character": _rate(lambda: len(words(chinese))),
        "Chinese, words by jieba": _rate(lambda: len(words(chinese, "zh", "jieba"))),
        "Chinese, sentences": _rate(lambda: _of(sentences(chinese, "zh", of_chinese), len(of_chinese))),
        "Chinese, scopes with sentences and sections": _rate(lambda: len(scopes_of(chinese, of_chinese))),
    }
    record("text_words", {"characters": CHARACTERS, "rates": rows}, ("sequela", "numpy", "tokenizers", "jieba"))


def _repeated(text: str) -> str:
    return (text * (CHARACTERS // len(text) + 1))[:CHARACTERS]


def _of(_: Any, count: int) -> int:
    """The count, whatever else was made."""
    return count


def _rate(made: Callable[[], int]) -> dict[str, int]:
    """Words a CPU-second, over as many runs as take a second."""
    start, count, runs = time.process_time(), 0, 0
    while time.process_time() - start < 1:
        count += made()
        runs += 1
    return {"words": count // runs, "words_per_cpu_second": round(count / (time.process_time() - start))}


if __name__ == "__main__":
    main()
