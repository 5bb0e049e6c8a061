"""GenBank: records that Biopython wrote, features as letters, and what is refused."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from sequela.errors import DataError

pytest.importorskip("Bio")

from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqFeature import BeforePosition, CompoundLocation, ExactPosition, SeqFeature, SimpleLocation
from Bio.SeqRecord import SeqRecord

LETTERS = "acgtacgtacgtaaaattttggggcccc"


def flat(name: str = "AB1234.1", letters: str = LETTERS, organism: str = "Homo sapiens") -> str:
    """A record as a GenBank flat file has it."""
    joined = CompoundLocation([SimpleLocation(2, 5, 1), SimpleLocation(9, 11, 1)])
    features = [
        SeqFeature(SimpleLocation(0, len(letters), 1), "source", qualifiers={"country": ["Kenya"], "strain": ["K12"]}),
        SeqFeature(joined, "CDS", qualifiers={"gene": ["x"]}),
        SeqFeature(SimpleLocation(20, 24, -1), "CDS"),
        SeqFeature(SimpleLocation(BeforePosition(0), ExactPosition(2), 1), "promoter"),
    ]
    told = {"molecule_type": "DNA", "organism": organism, "source": organism, "taxonomy": ["Eukaryota", "Metazoa"]}
    held = io.StringIO()
    SeqIO.write(SeqRecord(Seq(letters), name, name, "a made gene", features=features, annotations=told), held, "genbank")
    return held.getvalue()


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "genbank")


def test_a_record_has_its_letters_organism_and_description(read: Any) -> None:
    sink = read({"a.gb": flat() + flat("CD5678.2", "ACGT" * 10, "Mus musculus")}, labels=["organism"])
    told = dict(sink.of("SEQUENCE//dna").select("source_id", "text_value").iter_rows())
    assert {name: letters.lower() for name, letters in told.items()} == {"AB1234.1": LETTERS, "CD5678.2": "acgt" * 10}
    assert list(sink.of("ORGANISM")["text_value"]) == ["Homo sapiens", "Mus musculus"]
    assert list(sink.of("LABEL//organism")["text_value"]) == ["Homo sapiens", "Mus musculus"]
    assert set(sink.of("DESCRIPTION")["text_value"]) == {"a made gene"} and sink.accepted == 2


def test_features_are_a_letter_for_each_letter_of_either_strand_and_joined_ones_of_their_stretches(read: Any) -> None:
    sink = read({"a.gbk.gz": gzip.compress(flat().encode())}, file="*.gbk.gz", features=["CDS", "promoter", "tRNA"])
    expected = "".join("1" if place in {2, 3, 4, 9, 10, 20, 21, 22, 23} else "0" for place in range(len(LETTERS)))
    assert sink.of("LABEL//CDS")["text_value"].item() == expected
    assert sink.of("LABEL//promoter")["text_value"].item() == "11" + "0" * (len(LETTERS) - 2)
    assert sink.of("LABEL//tRNA")["text_value"].item() == "0" * len(LETTERS)


def test_qualifiers_of_the_source_are_columns(read: Any) -> None:
    sink = read({"a.gb": flat()}, static=["country", "taxonomy", "molecule_type"])
    assert sink.of("COUNTRY")["text_value"].item() == "Kenya" and sink.of("MOLECULE_TYPE")["text_value"].item() == "DNA"
    assert "Metazoa" in sink.of("TAXONOMY")["text_value"].item()


def broken() -> dict[str, str]:
    whole = flat("XX1111.1")
    return {
        "cut short": whole.replace("//\n", ""),
        "without its sequence": whole[: whole.index("ORIGIN")] + "CONTIG      join(X:1..28)\n//\n",
        "reaches outside": whole.replace("complement(21..24)", "complement(21..99)"),
        "Biopython cannot read": whole.replace("XX1111", "", 1).replace(" bp ", " ", 1),
    }


@pytest.mark.parametrize("reason", ["cut short", "without its sequence", "reaches outside", "Biopython cannot read"])
def test_a_faulty_genbank_record_is_refused_by_its_line_and_the_others_kept(read: Any, reason: str) -> None:
    first = flat()
    sink = read({"a.gb": first + broken()[reason] + flat("CD5678.2")}, features=["CDS"])
    where = f"a.gb line {first.count(chr(10)) + 1}"
    assert list(sink.of("SEQUENCE//dna")["source_id"]) == ["AB1234.1", "CD5678.2"]
    assert list(sink.refused) == [where] and reason in sink.refused[where]


def test_a_text_without_a_locus_is_no_genbank(read: Any) -> None:
    with pytest.raises(DataError, match="not GenBank"):
        read({"a.gb": ">a\nACGT\n"})
