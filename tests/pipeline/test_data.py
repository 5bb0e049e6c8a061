"""Where records come from: other files than the study's own, and options as they are written on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sequela import config
from sequela.errors import DataError
from sequela.pipeline.data import other_records
from sequela.pipeline.progress import silent


@pytest.mark.parametrize(
    ("reader", "options", "said"),
    [("text", {"file": "notes_en.jsonl", "text": "text"}, "has no file named 'notes_en.jsonl'"), ("pubtator", {}, "no title")],
)
def test_a_file_of_another_format_than_the_bundles_is_answered_with_the_option_that_reads_it(
    reader: str, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("no fever today")
    data = config.Data(source=".", reader=reader, options=options)
    with pytest.raises(DataError, match=said) as error:
        other_records(data, note, "", silent, labelled=False)
    assert f"the format of {reader}; another is read by --reader NAME (plain texts by --reader text)" in error.value.hint
    assert other_records(data, note, "text", silent, labelled=False).events(["NOTE"])["text_value"].to_list() == [
        "no fever today"
    ]


def test_of_a_path_with_nothing_at_it_no_other_reader_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is nothing at") as error:
        other_records(config.Data(source=".", reader="text"), tmp_path / "note.txt", "", silent, labelled=False)
    assert "--reader" not in error.value.hint
