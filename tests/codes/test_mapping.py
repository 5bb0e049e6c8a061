"""A mapping file of the user's: read with its provenance, refused with its row."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sequela.codes import mapping
from sequela.codes.hierarchy import ancestors
from sequela.errors import DataError

HEADER = "from_system,from_code,to_system,to_code\n"
ROWS = "NDC,0409-6729-24,ATC,c03ca01\nLOCAL,K+,LOINC,2823-3\nNDC,00409672924,ATC,C03EB01\nICD9CM,0389,ICD10CM,A419\n"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "drugs.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_codes_are_brought_to_the_form_of_their_system(tmp_path: Path) -> None:
    file = written(tmp_path, HEADER + ROWS)
    found = mapping.read(file)
    assert found.pairs == {
        "NDC//00409672924": ("ATC//C03CA01", "ATC//C03EB01"),
        "LOCAL//K+": ("LOINC//2823-3",),
        "ICD9CM//038.9": ("ICD10CM//A41.9",),
    }
    assert (found.name, found.sha256) == ("drugs.csv", hashlib.sha256(file.read_bytes()).hexdigest())
    assert found.targets("NDC//1") == () and found.unmapped(["NDC//1", "LOCAL//K+"]) == ("NDC//1",)
    assert ancestors("LOCAL//K+", found.targets) == ("LOINC//2823-3",)


def test_columns_may_stand_in_any_order_with_others_between(tmp_path: Path) -> None:
    file = written(tmp_path, "note,to_code,to_system,from_code,from_system\nx,2823-3,LOINC,K+,LOCAL\n")
    assert mapping.read(file).pairs == {"LOCAL//K+": ("LOINC//2823-3",)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("from_system,from_code,to_system\nNDC,1,ATC\n", "lacks the column 'to_code'"),
        ("from_system;from_code;to_system;to_code\nNDC;1;ATC;C\n", "lacks the column 'from_system'"),
        (HEADER, "has no rows below its header"),
        ("", "lacks the column 'from_system'"),
        (HEADER + "LOCAL,K+,LOINC,2823-3\nLOCAL,,LOINC,1\n", "row 3: from_code is empty"),
        (HEADER + "LOCAL,K+\n", "row 2: to_system is empty"),
        (HEADER + "LOCAL,K+,ATC,C3\n", "row 2: a code is no ATC code"),
        (HEADER + "LOCAL,K+,LOINC,1\nLOCAL,K+,LOINC,1\n", "row 3: this pair stands there twice"),
    ],
)
def test_a_file_that_says_something_else_is_refused_with_its_row(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as refused:
        mapping.read(written(tmp_path, text))
    assert "K+" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no mapping file none\.csv"):
        mapping.read(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DataError, match=r"other\.csv is not UTF-8"):
        mapping.read(tmp_path / "other.csv")
