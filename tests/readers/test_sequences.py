"""Sequences in tables: letters as the source has them, what is refused, and real sets against counts made without the reader."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.readers import _molecules, sequences
from sequela.residues import record
from sequela.store.source import open_source

DNA = {"sequences": {"dna": "dna"}}
TABLE = "id,dna,site,group\na,ACgt,0110,+\nb,TT,01,-\nc,G,,\n"


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "sequences")


@pytest.fixture
def real(real_data: Callable[[str], Path], memory: Callable[[], Any]) -> Callable[..., Any]:
    def reading(folder: str, **options: Any) -> Any:
        sink = memory()
        reader = sequences.build(config.convert(options, sequences.Config, "options"))
        reader.read(open_source(real_data(folder.partition("/")[0]) / folder.partition("/")[2]), sink)
        return sink

    return reading


def texts(sink: Any, code: str) -> dict[str, str]:
    return dict(sink.of(code).select("source_id", "text_value").iter_rows())


def test_letters_and_their_case_are_kept_and_blanks_around_them_left_out(read: Any) -> None:
    sink = read({"a.csv": "id,dna\na,  ACgtN- \nb,\tTT\n"}, subject="id", **DNA)
    assert texts(sink, "SEQUENCE//dna") == {"a": "ACgtN-", "b": "TT"}
    assert sink.codes["SEQUENCE//dna"][0] == "sequence" and sink.of("SEQUENCE//dna")["time"].null_count() == 2


def test_a_label_for_each_letter_has_as_many_and_a_blank_one_is_missing(read: Any) -> None:
    sink = read({"a.csv": TABLE}, subject="id", letters=["site"], labels=["group"], **DNA)
    assert texts(sink, "LABEL//site") == {"a": "0110", "b": "01"}
    assert texts(sink, "LABEL//group") == {"a": "+", "b": "-"} and sink.accepted == 3
    short = read({"a.csv": TABLE.replace("0110", "011")}, subject="id", letters=["site"], **DNA)
    assert list(short.refused) == ["a.csv row 2 (3 letters in 'site', 4 in the sequence)"]
    assert set(texts(short, "SEQUENCE//dna")) == {"b", "c"}


def test_a_blank_may_be_a_letter_of_a_label(read: Any) -> None:
    sink = read({"a.csv": "dna,fold\nACGT, HH \nAC, H\n TT ,HH\n"}, letters=["fold"], **DNA)
    assert texts(sink, "LABEL//fold") == {"2": " HH ", "3": " H", "4": "HH"}


def test_pairs_of_places_are_kept_in_their_order_and_those_outside_refused(read: Any) -> None:
    sink = read({"a.csv": "dna,contact\nACGT,2-3 0-2\nACG,1-3\n"}, pairs=["contact"], **DNA)
    assert texts(sink, "PAIRS//contact") == {"2": "0-2 2-3"}
    assert record.pairs(texts(sink, "PAIRS//contact")["2"], 4) == [(0, 2), (2, 3)]
    assert ["no two places" in reason for reason in sink.refused.values()] == [True]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("null", "empty"),
        ("AC GT", "blank inside"),
        ("AC\x01GT", "no printable"),
        ("АС", "no printable"),
    ],
)
def test_a_row_without_letters_is_refused_by_its_number(read: Any, entry: str, reason: str) -> None:
    sink = read({"a.csv": f"id,dna\na,AC\nb,{entry}\nc,GT\n"}, subject="id", **DNA)
    assert list(sink.refused) == ["a.csv row 3"] and reason in sink.refused["a.csv row 3"]
    assert set(texts(sink, "SEQUENCE//dna")) == {"a", "c"}


def test_labels_are_numbers_where_all_of_a_column_are_and_a_missing_one_is_no_zero(read: Any) -> None:
    table = "dna,whole,number,word,code\nA,1,1,yes,007\nC,,0.5,NA,010\nG,0,-2e1,no,\n"
    sink = read({"a.csv": table}, labels=["whole", "number", "word", "code"], **DNA)
    whole, number = sink.of("LABEL//whole"), sink.of("LABEL//number")
    assert list(whole["numeric_value"]) == [1, 0] and list(whole["text_value"]) == ["1", "0"]
    assert list(whole["source_id"]) == ["2", "4"], "a blank label became one"
    assert list(number["numeric_value"]) == [1, 0.5, -20] and "text_value" not in number.drop_nulls("numeric_value").select(
        column for column in number.columns if number[column].null_count() < len(number)
    )
    assert texts(sink, "LABEL//word") == {"2": "yes", "4": "no"} and texts(sink, "LABEL//code") == {"2": "007", "3": "010"}


def test_ids_that_float32_cannot_tell_apart_stay_texts(read: Any) -> None:
    sink = read({"a.csv": "dna,family,mass\nA,24889392,1.5\nC,24889393,2\n"}, static=["family", "mass"], **DNA)
    assert texts(sink, "FAMILY") == {"2": "24889392", "3": "24889393"}
    assert list(sink.of("MASS")["numeric_value"]) == [1.5, 2] and sink.codes["FAMILY"][0] == "static"


def test_the_same_id_in_two_files_is_two_subjects_unless_they_are_told_to_be_one(read: Any) -> None:
    files = {"a.csv": "id,dna\n1,AC\n", "b.csv": "id,dna\n1,GT\n"}
    sink = read(files, subject="id", parts={"train": "a.csv", "test": "b.csv"}, **DNA)
    assert texts(sink, "SEQUENCE//dna") == {"a-1": "AC", "b-1": "GT"} and sink.parts == {"a-1": "train", "b-1": "test"}
    assert list(read(files, subject="id", per_file=False, **DNA).refused.values()) == [
        "another sample of the same id came before"
    ]


def test_a_row_that_stands_twice_is_kept_once_and_another_of_its_id_refused(read: Any) -> None:
    sink = read({"a.csv": "id,dna,y\na,AC,1\na,AC,1\na,AC,0\n"}, subject="id", labels=["y"], **DNA)
    assert len(sink.all) == 2 and sum(sink.notes.values()) == 1 and list(sink.refused) == ["a.csv row 4"]


def test_files_without_a_header_are_read_by_the_columns_that_are_named(read: Any) -> None:
    sink = read(
        {"a.data": "+,S10,\t\ttact\n-,S11,\tgg\n-,S12\n"},
        file="a.data",
        columns=["y", "id", "dna"],
        subject="id",
        labels=["y"],
        **DNA,
    )
    assert texts(sink, "SEQUENCE//dna") == {"S10": "tact", "S11": "gg"} and list(sink.refused) == ["a.data row 3"]
    with pytest.raises(DataError, match="has 3 entries, where the option columns names 4"):
        read({}, file="a.data", columns=["y", "id", "dna", "z"], **DNA)
    with pytest.raises(ConfigError, match="columns has no 'dna'"):
        read({}, file="a.data", columns=["y", "id", "letters"], **DNA)


def test_parquet_json_lines_and_gzip_say_what_csv_says(read: Any, tmp_path: Path) -> None:
    held = io.BytesIO()
    pl.DataFrame({"id": ["a", "b"], "dna": ["AC", None], "y": [1, None]}).write_parquet(held)
    lines = '{"id": "a", "dna": "AC", "y": 1}\n{"id": "b", "dna": null}\n'
    table = gzip.compress(b"id\tdna\ty\na\tAC\t1\nb\t\t\n")
    for name, content in {"a.parquet": held.getvalue(), "a.jsonl": lines, "a.tsv.gz": table}.items():
        sink = read({name: content}, file=name, subject="id", labels=["y"], **DNA)
        assert texts(sink, "SEQUENCE//dna") == {"a": "AC"} and texts(sink, "LABEL//y") == {"a": "1"}, name
        assert list(sink.refused.values()) == ["an empty sequence"], name
    with pytest.raises(DataError, match="no column 'rna'"):
        read({}, file="a.parquet", sequences={"rna": "rna"})
    with pytest.raises(DataError, match="damaged Parquet"):
        read({"b.parquet": b"PAR1 and more"}, file="b.parquet", **DNA)


def test_several_sequences_of_a_row_say_which_of_them_a_label_follows(read: Any) -> None:
    two = {"sequences": {"heavy": "h", "light": "l"}}
    sink = read({"a.csv": "h,l,cdr\nACD,GH,01\n"}, letters={"cdr": "light"}, **two)
    assert texts(sink, "LABEL//cdr") == {"2": "01"} and texts(sink, "SEQUENCE//heavy") == {"2": "ACD"}
    with pytest.raises(ConfigError, match="of which sequence"):
        read({}, letters=["cdr"], **two)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, "which column is a sequence"),
        ({**DNA, "smiles": ["drug"]}, "'drug', which is none"),
        ({**DNA, "letters": {"site": "rna"}}, "'rna', which is none"),
        ({**DNA, "largest_fragment": True}, "of SMILES"),
    ],
)
def test_options_that_do_not_fit_the_sequences_are_refused(read: Any, options: dict[str, Any], found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        read({}, **options)


def test_of_rows_that_are_all_refused_the_refusals_tell_and_not_their_labels(read: Any) -> None:
    assert len(read({"a.csv": "dna,y\n,1\nA T,0\n"}, labels=["y"], **DNA).refused) == 2


def test_labels_that_no_row_has_are_refused(read: Any) -> None:
    with pytest.raises(DataError, match="has a label 'y'"):
        read({"a.csv": "dna,y\nAC,\nGT,NA\n"}, labels=["y"], **DNA)


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(st.text("ACGTcgtN-*", min_size=1, max_size=12), min_size=1, max_size=8))
def test_any_letters_come_back_as_they_were_written(rows: list[str], tmp_path_factory: Any, memory: Callable[[], Any]) -> None:
    folder, sink = tmp_path_factory.mktemp("letters"), memory()
    with (folder / "a.tsv").open("w", newline="") as opened:
        csv.writer(opened, delimiter="\t").writerows([["dna", "x"], *([row, "1"] for row in rows)])
    sequences.build(sequences.Config(sequences={"dna": "dna"})).read(open_source(folder), sink)
    assert list(texts(sink, "SEQUENCE//dna").values()) == rows and not sink.refused


# -------------------------------------------------------------------------------------------------------------------- molecules

MOLECULES = "smiles\nCCO\nC(C\n[Na+].CC(=O)[O-]\nC1.CC1\n"


def test_a_smiles_that_rdkit_cannot_read_is_refused_and_none_is_rewritten(read: Any) -> None:
    pytest.importorskip("rdkit")
    sink = read({"a.csv": MOLECULES}, sequences={"smiles": "smiles"})
    assert list(texts(sink, "SEQUENCE//smiles").values()) == ["CCO", "[Na+].CC(=O)[O-]", "C1.CC1"]
    assert sink.refused == {"a.csv row 3": "a SMILES that RDKit cannot read"}
    named = read({"a.csv": MOLECULES}, sequences={"drug": "smiles"}, smiles=["drug"])
    assert len(named.refused) == 1 and len(read({"a.csv": MOLECULES}, sequences={"drug": "smiles"}).of("SEQUENCE//drug")) == 4


def test_smiles_are_taken_as_they_are_where_no_check_is_asked_for(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_molecules, "check", pytest.fail)
    assert len(read({"a.csv": MOLECULES}, sequences={"smiles": "smiles"}, check="none").of("SEQUENCE//smiles")) == 4


def test_the_largest_fragment_is_kept_as_it_is_written(read: Any) -> None:
    pytest.importorskip("rdkit")
    sink = read({"a.csv": MOLECULES}, sequences={"smiles": "smiles"}, largest_fragment=True)
    assert list(texts(sink, "SEQUENCE//smiles").values()) == ["CCO", "CC(=O)[O-]"]
    assert "closed across a dot" in sink.refused["a.csv row 5"] and sum(sink.notes.values()) == 1


# -------------------------------------------------------------------------------------------------------------------- real sets


def test_the_promoters_are_106_of_57_letters_in_lower_case(real: Any) -> None:
    sink = real("uci_promoters", file="promoters.data", columns=["class", "name", "dna"], subject="name", labels=["class"], **DNA)
    letters = texts(sink, "SEQUENCE//dna")
    assert (
        len(letters) == 106 and {len(one) for one in letters.values()} == {57} and set("".join(letters.values())) == set("acgt")
    )
    assert sorted(sink.of("LABEL//class")["text_value"].value_counts()["count"]) == [53, 53] and not sink.refused


@pytest.mark.slow
def test_proteins_of_two_files_keep_a_letter_of_structure_for_each_of_theirs(real: Any, real_data: Any) -> None:
    options = {"sequences": {"protein": "input"}, "subject": "id", "letters": ["expected"]}
    sink = real("protein_ss/cu-ssp/model_3", **options, parts={"train": "cb6133*.csv", "test": "cb513*.csv"})
    whole, structure = texts(sink, "SEQUENCE//protein"), texts(sink, "LABEL//expected")
    assert sorted(sink.parts.values()).count("test") == 514 and len(whole) == len(sink.parts) == 514 + 5534
    assert [len(one) for one in whole.values()] == [len(one) for one in structure.values()]
    folder = real_data("protein_ss") / "cu-ssp" / "model_3"
    with (folder / "cb513.npy.csv").open() as opened:
        told = {f"cb513.npy-{row['id']}": (row["input"], row["expected"]) for row in csv.DictReader(opened)}
    assert {name: (whole[name], structure[name]) for name in told} == told


@pytest.mark.slow
def test_tox21_has_the_labels_that_its_table_has_and_no_others(real: Any, real_data: Any) -> None:
    with gzip.open(real_data("molecules") / "tox21.csv.gz", "rt") as opened:
        rows = list(csv.DictReader(opened))
    names = [name for name in rows[0] if name not in ("mol_id", "smiles")]
    sink = real("molecules", file="tox21.csv.gz", sequences={"smiles": "smiles"}, subject="mol_id", labels=names, check="none")
    assert len(names) == 12 and sink.accepted == len(rows) == 8014
    for name in names:
        said = {row["mol_id"]: float(row[name]) for row in rows if row[name]}
        assert dict(sink.of(f"LABEL//{name}").select("source_id", "numeric_value").iter_rows()) == said


@pytest.mark.slow
def test_molecules_that_rdkit_cannot_read_are_the_eleven_of_bbbp(real: Any, real_data: Any) -> None:
    chem = pytest.importorskip("rdkit.Chem")
    sink = real("molecules", file="BBBP.csv", sequences={"smiles": "smiles"}, labels=["BBBP"])
    with (real_data("molecules") / "BBBP.csv").open() as opened:
        kept = {
            str(number): row
            for number, row in enumerate(csv.DictReader(opened), 2)
            if f"BBBP.csv row {number}" not in sink.refused
        }
    assert texts(sink, "SEQUENCE//smiles") == {number: row["smiles"] for number, row in kept.items()}
    assert len(sink.refused) == 11 and sink.accepted == 2039 and chem.MolFromSmiles(kept["2"]["smiles"]) is not None


def test_solubilities_are_numbers_and_a_blank_behind_a_smiles_is_none_of_it(real: Any) -> None:
    label, static = "measured log solubility in mols per litre", ["Molecular Weight", "Number of Rings"]
    sink = real("molecules", file="delaney*.csv", sequences={"smiles": "smiles"}, labels=[label], static=static)
    values = sink.of(f"LABEL//{label}")["numeric_value"]
    assert len(values) == 1128 and values[0] == pytest.approx(-0.77) and values.null_count() == 0
    assert texts(sink, "SEQUENCE//smiles")["2"].endswith("C3O") and len(sink.of("NUMBER OF RINGS")) == 1128
