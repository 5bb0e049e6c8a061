"""Where records come from: other files than the study's own, and options as they are written on a command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.pipeline.data import import_data, other_records, parsed_options
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


@pytest.mark.parametrize(
    ("given", "form"), [("labels=codes", '["codes"]'), ("labels=[codes, sex]", '["codes", "sex"]'), ('static="a"', '["a"]')]
)
def test_an_option_that_should_be_a_list_is_answered_with_its_form(given: str, form: str, tmp_path: Path) -> None:
    name = given.partition("=")[0]
    with pytest.raises(ConfigError, match=f"the options of text.{name}: expected `array`, got `str`") as error:
        import_data("text", tmp_path, tmp_path / "n.store", options=parsed_options([given]))
    assert f"{name} = {form}, on a command line '{name}={form}'" in error.value.hint
    assert parsed_options([f"{name}={form}"]) == {name: json.loads(form)}


def test_of_a_path_with_nothing_at_it_no_other_reader_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is nothing at") as error:
        other_records(config.Data(source=".", reader="text"), tmp_path / "note.txt", "", silent, labelled=False)
    assert "--reader" not in error.value.hint
