"""Where waves begin and end: only what is marked whole is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from sequela import simulate
from sequela.pipeline import import_data
from sequela.readers._wfdb_waves import waves

BEATS = frozenset("NV")


def told(marks: str) -> list[tuple[float, str]]:
    """The labels of marks a second apart."""
    found = waves(np.arange(len(marks)), list(marks), BEATS)
    assert set(found.column.tolist()) <= {"wave"}
    return list(zip(found.seconds.tolist(), found.symbol.tolist(), strict=True))


def test_whole_waves_last_from_their_onset_to_their_offset():
    assert told("(p)(N)(t)") == [
        (0, "P"), (2, "none"), (3, "QRS"), (5, "none"), (6, "T"), (8, "none"),
    ]  # fmt: skip
    assert told("(V)(u)") == [(0, "QRS"), (2, "none"), (3, "U"), (5, "none")]


def test_a_wave_of_which_one_end_is_not_marked_is_unknown_until_the_next():
    assert told("N)(t)") == [(0, "unknown"), (1, "unknown"), (2, "T"), (4, "none")]
    assert told("(p(N)") == [(0, "unknown"), (1, "unknown"), (2, "QRS"), (4, "none")]
    assert told("(p)(") == [(0, "P"), (2, "none"), (3, "unknown")]


def test_other_marks_say_nothing_of_waves():
    assert told('+(~p")') == [(1, "P"), (5, "none")]
    assert told("") == told("+~") == []


def test_waves_of_a_record_are_labels_of_it(tmp_path: Path):
    raw = simulate.write("ecg", tmp_path / "raw", 2, 0)
    store = import_data("wfdb", raw, tmp_path / "store", options={"waves": ["waves", "absent"]})
    labels = store.events(["LABEL//wave"])
    beats = store.events(["LABEL//beat"])
    complexes = labels.filter(pl.col("text_value") == "QRS")
    assert abs(len(complexes) - len(beats)) <= 2 and set(labels["text_value"]) == {"P", "QRS", "T", "none"}
    assert labels["time"].is_sorted() or labels["subject_id"].n_unique() == 2
