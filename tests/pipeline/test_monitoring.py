"""How a recording that is followed is read: by the study's own options, without what only training and judging read."""

from __future__ import annotations

from pathlib import Path

from sequela import config
from sequela.monitoring.file import Capture
from sequela.pipeline.monitoring import reader_of
from sequela.store.source import open_source

OPTIONS = {"subject": "id", "time": "t", "event": "e", "causes": {"death": 1}, "visit": "day", "unit": "days"}


def test_a_recording_need_not_have_the_outcomes_that_its_study_was_trained_on(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("id,day,hr\n7,0,80\n7,1,90\n")
    reader = reader_of(config.Data(source=".", reader="survival", options=OPTIONS))
    held = Capture()
    reader.read(open_source(tmp_path / "one.csv"), held)
    assert set(held.kinds) == {"START", "VISIT", "hr"} and not held.refused
