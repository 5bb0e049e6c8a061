"""Notes copied from one patient's record into another's, across the parts of a split."""

from __future__ import annotations

import numpy as np
import polars as pl

from sequela.study import copied_text
from sequela.study.cut import SCHEMA
from sequela.types import Cohort, Known, Payload, Target

WORDS = np.array(["fever", "cough", "asthma", "denies", "pain", "since", "monday", "chest", "stable", "mild", "left", "right"])


def note(seed: int, words: int = 80) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words)) + "."


def asked(*rows: tuple[str, str, str]) -> tuple[Known, Cohort]:
    """Rows of (subject, part, text)."""
    subject, part, text = (list(column) for column in zip(*rows, strict=True))
    count = len(rows)
    columns = {"row": range(count), "position": [float("nan")] * count, "code": ["NOTE"] * count, "text_value": text}
    frame = pl.DataFrame(columns | {name: [None] * count for name in SCHEMA if name not in columns}, schema=SCHEMA)
    number = np.unique(subject, return_inverse=True)[1]
    names, never = np.array(subject), np.full(count, np.datetime64("NaT"), "datetime64[us]")
    target = Target(np.zeros((count, 1)), np.ones((count, 1), bool), ("y",))
    cohort = Cohort(number, names, names, never, never, np.array(part), target)
    return Known(count, frame, Nothing(), {"NOTE": "text"}), cohort


class Nothing:
    """No payloads."""

    def open(self, uri: str) -> Payload:
        raise KeyError(uri)


def found(*rows: tuple[str, str, str]) -> list[tuple[int, int]]:
    return [(pair.row, pair.other) for pair in copied_text.copies(*asked(*rows))]


def test_a_copy_is_found_whatever_its_case_blanks_and_punctuation() -> None:
    copy = note(1).upper().replace(" ", "\n  ")
    assert found(("a", "train", note(1)), ("b", "test", copy), ("c", "test", note(2))) == [(1, 0)]


def test_half_of_a_note_within_a_longer_one_is_a_copy_and_a_quarter_is_none() -> None:
    half, quarter = f"{note(1, 60)} {note(3, 40)}", f"{note(1, 25)} {note(4, 75)}"
    assert found(("a", "train", f"{note(5)} {note(1, 60)}"), ("b", "test", half), ("c", "tune", quarter)) == [(1, 0)]


def test_notes_of_one_patient_and_notes_of_one_part_are_their_own_affair() -> None:
    assert found(("a", "train", note(1)), ("a", "test", note(1))) == []
    assert found(("a", "train", note(1)), ("b", "train", note(1))) == []
    assert found(("a", "tune", note(1)), ("b", "test", note(1))) == []


def test_a_form_that_many_patients_have_recognises_nobody() -> None:
    form = note(9, 100)
    rows = [(f"s{k}", "train" if k % 2 else "test", f"{form} {note(20 + k, 60)}") for k in range(12)]
    assert found(*rows) == []


def test_short_notes_that_are_alike_are_no_copies() -> None:
    assert found(("a", "train", "No fever, no cough."), ("b", "test", "No fever, no cough.")) == []


def test_chinese_notes_are_compared_as_well() -> None:
    letters = np.array(list("患者发热咳嗽三天无胸痛既往高血压糖尿病否认过敏史查体正常建议复诊服药"))
    first, second = ("".join(np.random.default_rng(seed).choice(letters, 120)) for seed in (1, 2))
    assert found(("a", "train", first), ("b", "test", first[:60] + "。" + first[60:]), ("c", "test", second)) == [(1, 0)]


def test_records_without_notes_have_none() -> None:
    known, cohort = asked(("a", "train", note(1)), ("b", "test", note(1)))
    assert copied_text.copies(Known(2, known.source, Nothing(), {"NOTE": "event"}), cohort) == []
