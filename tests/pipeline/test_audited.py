"""What is told of a study before it is trained."""

from __future__ import annotations

from typing import Any

import pytest

from sequela import config
from sequela.config import Study
from sequela.pipeline import check, import_data
from sequela.store.store import Store


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """48 notes, of which every fourth is of six words and the others of two."""
    raw = tmp_path_factory.mktemp("notes")
    said = ["no fever or cough or rash" if row % 4 == 0 else ("fever", "cough")[row % 2] + " today" for row in range(48)]
    part = [("train", "tune", "test")[max(0, row - 24) // 8] for row in range(48)]
    rows = [f"{text},{int('no' not in text)},{of}" for text, of in zip(said, part, strict=True)]
    (raw / "notes.csv").write_text("\n".join(["text,ill,part", *rows]))
    return import_data("text", raw, raw / "notes.store", options={"text": "text", "labels": ["ill"], "part": "part"})


def study(**modality: Any) -> Study:
    plain = {
        "name": "notes",
        "question": "Is anything found?",
        "data": {"source": ".", "reader": "text"},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "ill"},
        "inputs": {"note": {"modality": {"name": "text", **modality}, "encoder": {"name": "gru", "width": 4}}},
        "task": "binary",
        "split": {"by": "list"},
    }
    return config.convert(plain, Study)


@pytest.mark.parametrize(("most", "told"), [(0, []), (6, []), (3, ["note reads 8 of 32 training rows in part (max_steps)"])])
def test_rows_of_which_a_part_alone_is_read_are_told(notes: Store, most: int, told: list[str]) -> None:
    found = check(study(max_steps=most), data=notes)
    assert [alarm.text for alarm in found.alarms if alarm.check == "left out"] == told
