"""Raw files of which some records cannot be read: the others are answered, and what was not read is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from sequela import config, pipeline
from sequela.errors import ConfigError, DataError
from sequela.pipeline.data import other_records
from sequela.pipeline.progress import silent
from sequela.pipeline.refusals import passed_over
from sequela.store.schema import Refusal
from sequela.store.store import Store

FASTA = config.Data(source=".", reader="fasta", options={"sequence": "dna"})


def records(path: Path, *letters: str) -> Path:
    path.write_text("".join(f">s{number}\n{one}\n" for number, one in enumerate(letters)))
    return path


def test_what_can_be_read_is_answered_however_much_else_is_refused(tmp_path: Path) -> None:
    file = records(tmp_path / "new.fa", "ACGT", "AC5T", "", "AC7T")
    store = other_records(FASTA, file, "", silent, labelled=False)
    assert store.events(["SEQUENCE//dna"])["text_value"].to_list() == ["ACGT"]
    with pytest.raises(DataError, match="3 of 4 records were refused"):
        other_records(FASTA, file, "", silent, labelled=True)


def test_files_of_which_nothing_can_be_read_are_refused_with_the_commonest_reason(tmp_path: Path) -> None:
    file = records(tmp_path / "new.fa", "AC5T", "", "AC7T")
    with pytest.raises(DataError, match=r"all 3 records were refused, most for this reason: a sequence with a character.*\(2;"):
        other_records(FASTA, file, "", silent, labelled=False)


def test_a_reader_that_needs_options_is_answered_with_an_import(tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("id,dna\na,ACGT\n")
    with pytest.raises(ConfigError, match="no option says which column is a sequence") as error:
        other_records(FASTA, file, "sequences", silent, labelled=False)
    assert "sequela import sequences SOURCE STORE --option KEY=VALUE" in error.value.hint


def test_reasons_are_told_with_their_count_and_the_first_records(
    ward_run, ward: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert passed_over(ward_run.bundle, ward.path) == []
    refused = [
        Refusal(reason="no time", count=5, first=["a", "b", "c", "d", "e"]),
        Refusal(reason="a twin", count=1, first=["f"]),
    ]

    class Read:
        flow = type("Flow", (), {"refused": refused})

    monkeypatch.setattr("sequela.pipeline.refusals.other_records", lambda *_, **__: Read())
    assert passed_over(ward_run.bundle, tmp_path) == [
        "5 records not read: no time (a, b, c, …)",
        "1 record not read: a twin (f)",
    ]


def test_a_verb_is_called_as_often_as_one_likes(ward_run, ward: Store) -> None:
    for _ in range(2):
        assert pipeline.passed_over(ward_run.bundle, ward.path) == []
