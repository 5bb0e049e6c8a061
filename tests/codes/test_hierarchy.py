"""Codes as their systems print them, and what is broader than they are."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.codes import atc, icd9, icd10, ndc
from sequela.codes._ranges import ends, ranges
from sequela.codes.hierarchy import ancestors, parents
from sequela.errors import DataError

ICD9 = st.from_regex(r"\A((00[1-9]|0[1-9][0-9]|[1-9][0-9]{2}|V0[1-9]|V[1-8][0-9])[0-9]{0,2}|E[89][0-9]{2}[0-9]?)\Z")
CATEGORIES = st.sampled_from([end for block in ranges("icd10cm", "blocks") for end in ends(block)])
ICD10 = st.builds(str.__add__, CATEGORIES, st.from_regex(r"\A([0-9]([0-9X]([0-9X][ADS]?)?)?)?\Z"))
PCS = st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=7, max_size=7)
ATC = st.from_regex(r"\A[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?\Z")
CODES = st.one_of(
    ICD9.map(lambda code: f"ICD9CM//{icd9.dotted(code)}"),
    ICD10.map(lambda code: f"ICD10CM//{icd10.dotted(code)}"),
    PCS.map(lambda code: f"ICD10PCS//{code}"),
    ATC.map(lambda code: f"ATC//{code}"),
    st.from_regex(r"\A[0-9]{2,4}\Z").map(lambda code: f"ICD9PROC//{icd9.dotted_procedure(code)}"),
)


@pytest.mark.parametrize(
    ("code", "broader"),
    [
        ("ICD9CM//038.11", ("ICD9CM//038.1", "ICD9CM//038", "ICD9CM//BLOCK//030-041", "ICD9CM//CHAPTER//001-139")),
        ("ICD9CM//042", ("ICD9CM//BLOCK//042", "ICD9CM//CHAPTER//001-139")),
        ("ICD9CM//044", ("ICD9CM//CHAPTER//001-139",)),
        ("ICD9CM//V45.81", ("ICD9CM//V45.8", "ICD9CM//V45", "ICD9CM//BLOCK//V40-V49", "ICD9CM//CHAPTER//V01-V91")),
        ("ICD9CM//E849.7", ("ICD9CM//E849", "ICD9CM//BLOCK//E849", "ICD9CM//CHAPTER//E000-E999")),
        ("ICD9PROC//96.71", ("ICD9PROC//96.7", "ICD9PROC//96", "ICD9PROC//CHAPTER//87-99")),
        ("ICD10CM//I10", ("ICD10CM//BLOCK//I10-I1A", "ICD10CM//CHAPTER//I00-I99")),
        ("ICD10PCS//0BH17EZ", ("ICD10PCS//TABLE//0BH", "ICD10PCS//SYSTEM//0B", "ICD10PCS//SECTION//0")),
        ("ATC//C03CA01", ("ATC//C03CA", "ATC//C03C", "ATC//C03", "ATC//C")),
        ("LOINC//2160-0", ()),
        ("ICD9CM//sepsis", ()),
        ("ICD9CM//BLOCK//001-003", ()),
        ("MEDS_DEATH", ()),
    ],
)
def test_broader_codes_are_those_of_the_system(code: str, broader: tuple[str, ...]) -> None:
    assert parents(code) == broader


@pytest.mark.parametrize(
    ("code", "above"),
    [
        ("S72.001A", "S72.001"),
        ("S02.0XXA", "S02.0"),
        ("T36.0X1A", "T36.0X1"),
        ("T36.0X1", "T36.0X"),
        ("W21.00XA", "W21.00"),
        ("A41.9", "A41"),
    ],
)
def test_a_seventh_character_leaves_with_the_placeholders_before_it(code: str, above: str) -> None:
    assert parents(f"ICD10CM//{code}")[0] == f"ICD10CM//{above}"


@pytest.mark.parametrize(
    ("category", "blocks"),
    [
        ("C50", ("C50", "C00-C75", "C00-C96")),
        ("C4A", ("C43-C44", "C00-C75", "C00-C96")),
        ("C7A", ("C7A", "C00-C96")),
        ("D3A", ("D3A",)),
        ("M1A", ("M05-M14", "M00-M25")),
        ("Z3A", ("Z30-Z39",)),
        ("QA0", ("QA0",)),
        ("T21", ("T20-T25", "T20-T32", "T07-T88")),
    ],
)
def test_blocks_lie_in_one_another_as_in_the_tabular_list(category: str, blocks: tuple[str, ...]) -> None:
    assert icd10.blocks(category) == blocks


@pytest.mark.slow
@given(code=CODES)
def test_each_broader_code_has_the_rest_as_its_own(code: str) -> None:
    chain = parents(code)
    for place, broader in enumerate(chain):
        assert parents(broader) == chain[place + 1 :]


@given(code=CODES)
def test_the_way_up_never_returns_and_ends_at_the_top(code: str) -> None:
    way = (code, *parents(code))
    assert len(set(way)) == len(way)
    assert parents(way[-1]) == ()
    system = code.partition("//")[0]
    assert way[-1].startswith({"ATC": "ATC//", "ICD10PCS": "ICD10PCS//SECTION//"}.get(system, f"{system}//CHAPTER//"))


@pytest.mark.parametrize("system", ["icd9cm", "icd10cm", "icd9proc"])
def test_chapters_do_not_overlap_and_each_block_lies_in_one(system: str) -> None:
    chapters = sorted(ends(written) for written in ranges(system, "chapters"))
    assert all(before[1] < after[0] for before, after in pairwise(chapters))
    for block in ranges(system, "blocks") if system != "icd9proc" else ():
        first, last = ends(block)
        assert sum(low <= first <= last <= high and len(low) == len(first) for low, high in chapters) == 1


def test_ancestors_go_on_through_a_table_each_once() -> None:
    table = {"NDC//00409672924": ("ATC//C03CA01", "ATC//C03EB01"), "ATC//C": ("NDC//00409672924",)}
    found = ancestors("NDC//00409672924", lambda code: table.get(code, ()))
    assert found[:2] == ("ATC//C03CA01", "ATC//C03EB01")
    assert sorted(found) == sorted(set(found)) and set(found) >= {"ATC//C03CA", "ATC//C03EB", "ATC//C03", "ATC//C"}
    assert ancestors("ICD9CM//038.9") == parents("ICD9CM//038.9")


@pytest.mark.parametrize("code", ["38.9.1", "12", "E84", "V4", "A41", "", "0389 1", "٠٣٨"])
def test_what_is_no_diagnosis_is_refused(code: str) -> None:
    with pytest.raises(DataError, match="no ICD-9-CM diagnosis"):
        icd9.dotted(code)


def test_what_is_no_code_of_the_other_systems_is_refused() -> None:
    for read, code in (
        (icd9.dotted_procedure, "9"),
        (icd10.dotted, "0389"),
        (icd10.procedure, "0BI17EZ"),
        (atc.code, "C3"),
        (ndc.normalised, "0409672924"),
        (ndc.normalised, "0409-6729-2-4"),
        (ndc.normalised, "00409-6729-241"),
        (ndc.normalised, "0409-672-24"),
        (ndc.normalised, "0"),
    ):
        with pytest.raises(DataError):
            read(code)


@pytest.mark.parametrize(
    ("written", "layout"),
    [("0409-6729-24", None), ("00409-6729-24", None), ("0409672924", "4-4-2"), ("00409672924", None), (" 00409672924 ", None)],
)
def test_drug_codes_come_in_eleven_digits(written: str, layout: ndc.Layout | None) -> None:
    assert ndc.normalised(written, layout) == "00409672924"


def test_the_same_ten_digits_are_three_drugs() -> None:
    assert len({ndc.normalised("1234567890", layout) for layout in ("4-4-2", "5-3-2", "5-4-1")}) == 3


def test_levels_of_atc_go_by_their_length() -> None:
    assert [atc.level(code) for code in ("C", "C03", "C03C", "C03CA", "C03CA01")] == [1, 2, 3, 4, 5]


def column(file: Path, name: str) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [row[name] for row in csv.DictReader(lines)]


def test_every_code_of_a_real_dictionary_has_a_dotted_form_and_a_chapter(real_data: Callable[[str], Path]) -> None:
    folder = real_data("mimic3_demo")
    diagnoses = column(folder / "D_ICD_DIAGNOSES.csv", "icd9_code")
    procedures = column(folder / "D_ICD_PROCEDURES.csv", "icd9_code")
    assert (len(diagnoses), len(procedures)) == (14567, 3882)
    for code in diagnoses:
        assert parents(f"ICD9CM//{icd9.dotted(code)}")[-1].startswith("ICD9CM//CHAPTER//"), code
    for code in procedures:
        assert parents(f"ICD9PROC//{icd9.dotted_procedure(code)}")[-1].startswith("ICD9PROC//CHAPTER//"), code


def test_code_systems_import_nothing_heavy() -> None:
    modules = ", ".join(f"sequela.codes.{name}" for name in ("hierarchy", "mapping", "ndc", "phenotypes"))
    script = f"import sys, {modules}; print(sorted({{'numpy', 'polars', 'pyarrow', 'torch', 'msgspec'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
