"""Variants: doses by hand, alleles of every kind, genes by annotation, and contexts that hold the reference's own letters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.readers import _vcf_records

INFO = '##INFO=<ID={},Number=.,Type=String,Description="{}">'
ANN = INFO.format("ANN", "Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name'")
CSQ = INFO.format("CSQ", "Consequence annotations from Ensembl VEP. Format: Allele|Consequence|IMPACT|SYMBOL")
GENOME = ">1 first\nACGTacgtACGT\nTTTT\n>2\nGGGGCCCC\n"


def vcf(*sites: str, samples: tuple[str, ...] = ("anna", "ben"), told: tuple[str, ...] = ()) -> str:
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", *(("FORMAT", *samples) if samples else ())]
    lines = ["##fileformat=VCFv4.2", *told, "\t".join(columns), *("\t".join(site.split()) for site in sites)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "vcf")


def doses(sink: Any) -> dict[tuple[str, str], float]:
    """Of each sample and code, the number."""
    return {(one["source_id"], one["code"]): one["numeric_value"] for one in sink.all.iter_rows(named=True)}


def test_each_sample_has_the_doses_of_the_alleles_that_it_carries(read: Any) -> None:
    sink = read(
        {"a.vcf": vcf("1 5 . A G,T 50 PASS . GT:DP 0/1:9 1|2:7", "1 9 rs1 AC A . . . GT 0/0 1/1", "X 3 . C T . . . GT 1 0")}
    )
    assert doses(sink) == {
        ("anna", "VARIANT//1:5:A>G"): 1,
        ("ben", "VARIANT//1:5:A>G"): 1,
        ("ben", "VARIANT//1:5:A>T"): 1,
        ("ben", "VARIANT//1:9:AC>A"): 2,
        ("anna", "VARIANT//X:3:C>T"): 1,
        ("anna", "ALTERNATIVE_ALLELES"): 2,
        ("ben", "ALTERNATIVE_ALLELES"): 4,
        ("anna", "MISSING_GENOTYPES"): 0,
        ("ben", "MISSING_GENOTYPES"): 0,
    }
    assert sink.codes["VARIANT//1:5:A>G"][0] == "event" and sink.codes["MISSING_GENOTYPES"][0] == "static"
    assert sink.accepted == 3 and not sink.refused


def test_a_missing_genotype_is_no_reference_but_counted(read: Any) -> None:
    found = doses(read({"a.vcf": vcf("1 5 . A G . . . GT ./. 0/0", "1 6 . A G . . . GT ./1 .")}))
    assert found[("anna", "MISSING_GENOTYPES")] == 2 and found[("ben", "MISSING_GENOTYPES")] == 1
    assert not [code for _, code in found if code.startswith("VARIANT")]


def test_symbolic_alleles_and_sites_that_failed_their_filters_are_counted(read: Any) -> None:
    sites = ("1 5 . A <DEL>,G . . . GT 0/1 0/2", "1 6 . A *,]2:3]A . . . GT 0/1 0/2", "1 7 . A G 9 q10 . GT 0/1 0/1")
    sink = read({"a.vcf": vcf(*sites, "1 8 . A . . . . GT 0/0 0/0", "1 9 . A G 3 PASS . GT 0/1 0/1")}, min_quality=5)
    assert {code for _, code in doses(sink) if "//" in code} == {"VARIANT//1:5:A>G"}
    assert sorted(sink.notes.values()) == [1, 1, 1, 3] and not sink.refused
    assert len(read({"a.vcf": vcf(*sites)}, filters=[]).of("VARIANT//1:7:A>G")) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 5 . A G . . . GT 0/1", "more or fewer columns"),
        ("1 -5 . A G . . . GT 0/1 0/1", "without a place"),
        ("1 5 . 7 G . . . GT 0/1 0/1", "not of letters"),
        ("1 5 . A G high . . GT 0/1 0/1", "no number"),
        ("1 5 . A G . . . DP 9 9", "without genotypes"),
        ("1 5 . A G . . . GT 0/1 0/2", "alleles that its site has not"),
        ("1 5 . A G . . . GT 0/1 x", "alleles that its site has not"),
        ("1 1 . A G . . . GT 0/0 0/0", "came before"),
    ],
)
def test_a_faulty_site_is_refused_by_its_line_and_the_others_kept(read: Any, line: str, reason: str) -> None:
    sink = read({"a.vcf": vcf("1 1 . A G . . . GT 0/1 0/1", line, "1 2 . A G . . . GT 1/1 0/0")})
    assert list(sink.refused) == ["a.vcf line 4"] and reason in sink.refused["a.vcf line 4"]
    assert sink.accepted == 2 and doses(sink)[("anna", "ALTERNATIVE_ALLELES")] == 3


def test_samples_of_several_files_are_one_person_each(read: Any) -> None:
    files = {"1.vcf": vcf("1 5 . A G . . . GT 0/1 0/0"), "2.vcf": vcf("2 5 . A G . . . GT 1/1 0/0")}
    sink = read(files, parts={"train": "*.vcf"})
    assert doses(sink)[("anna", "ALTERNATIVE_ALLELES")] == 3 and sink.parts == {"anna": "train", "ben": "train"}


def test_genes_gather_the_alleles_that_are_annotated_for_them(read: Any) -> None:
    sites = (
        "1 5 . A G,T . . ANN=G|stop|HIGH|BRCA1,T|intron|LOW|BRCA2,G|stop|HIGH|NBR1 GT 0/1 1/2",
        "1 9 . AC A . . ANN=A|stop|HIGH|BRCA1 GT 1/1 0/0",
    )
    sink = read({"a.vcf": vcf(*sites, told=(ANN,))}, by="gene")
    found = {key: dose for key, dose in doses(sink).items() if "//" in key[1]}
    assert found == {
        ("anna", "GENE//BRCA1"): 3, ("anna", "GENE//NBR1"): 1, ("ben", "GENE//BRCA1"): 1, ("ben", "GENE//NBR1"): 1,
        ("ben", "GENE//BRCA2"): 1,
    }  # fmt: skip
    high = read({"a.vcf": vcf(*sites, told=(ANN,))}, by="gene", impacts=["HIGH"])
    assert "GENE//BRCA2" not in high.codes and "GENE//BRCA1" in high.codes


def test_alleles_of_indels_are_found_as_vep_writes_them(read: Any) -> None:
    site = "1 9 . AC A,ACT . . CSQ=-|del|HIGH|TP53,CT|ins|LOW|MDM2 GT 0/1 0/2"
    found = doses(read({"a.vcf": vcf(site, told=(CSQ,))}, by="gene"))
    assert found[("anna", "GENE//TP53")] == 1 and found[("ben", "GENE//MDM2")] == 1
    assert ("anna", "GENE//MDM2") not in found and ("ben", "GENE//TP53") not in found


def test_a_plain_key_tells_genes_too(read: Any) -> None:
    told = ('##INFO=<ID=GENEINFO,Number=1,Type=String,Description="Genes">',)
    sink = read(
        {"a.vcf": vcf("1 9 . A C . . GENEINFO=TP53:7157|WRAP53:55135 GT 0/1 0/0", told=told)}, by="gene", annotation="GENEINFO"
    )
    assert {"GENE//TP53", "GENE//WRAP53"} <= set(sink.codes)
    with pytest.raises(DataError, match="tells of no annotation"):
        read({"a.vcf": vcf("1 9 . A C . . . GT 0/1 0/0")}, by="gene")


def test_a_context_holds_the_letters_around_with_either_allele(read: Any) -> None:
    sites = vcf("1 5 . A G,AT . . CLNSIG=benign", "2 2 . GG G . . CLNSIG=pathogenic;X", samples=())
    sink = read({"a.vcf": sites, "g.fa": GENOME}, form="context", reference="g.fa", around=3, labels=["CLNSIG"])
    told = {one["source_id"]: one["text_value"] for one in sink.of("SEQUENCE//context").iter_rows(named=True)}
    assert told == {"1:5:A>G": "CGTGcgt", "1:5:A>AT": "CGTATcgt", "2:2:GG>G": "NNGGGCC"}
    plain = {one["source_id"]: one["text_value"] for one in sink.of("SEQUENCE//reference").iter_rows(named=True)}
    assert plain == {"1:5:A>G": "CGTacgt", "1:5:A>AT": "CGTacgt", "2:2:GG>G": "NNGGGGCC"}
    assert list(sink.of("LABEL//CLNSIG")["text_value"]) == ["benign", "benign", "pathogenic"]
    assert set(sink.of("CHROMOSOME")["text_value"]) == {"1", "2"}


def test_a_variant_that_does_not_fit_the_reference_is_refused(read: Any) -> None:
    sites = vcf("1 5 . C G . . .", "1 99 . A G . . .", "3 5 . A G . . .", "1 1 . A G . . .", samples=())
    sink = read({"a.vcf": sites, "g.fa": GENOME}, form="context", reference="g.fa")
    reasons = [sink.refused[f"a.vcf line {number}"] for number in (3, 4, 5)]
    assert ["not what the reference" in reason for reason in reasons] == [True, True, False] and sink.accepted == 1
    with pytest.raises(DataError, match="no chromosome of the variants"):
        read({"a.vcf": vcf("chr1 5 . A G . . .", samples=()), "g.fa": GENOME}, form="context", reference="g.fa")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"form": "context"}, "without the letters"),
        ({"form": "context", "reference": "g.fa", "by": "gene"}, "of genotypes"),
        ({"labels": ["CLNSIG"]}, "variants as sequences"),
        ({"impacts": ["HIGH"]}, "tell genes"),
    ],
)
def test_options_of_the_other_form_of_variants_are_refused(read: Any, options: dict[str, Any], found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        read({}, **options)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("#CHROM\tPOS\n", "not VCF"),
        ("##fileformat=VCFv4.2\n", "no line #CHROM"),
        ("##fileformat=VCFv4.2\n1\t5\n", "no line of columns"),
        (vcf(samples=("anna", "anna")), "of one name"),
        (vcf(samples=()), "has no samples"),
        (vcf(), "no site that could be used"),
    ],
)
def test_what_is_no_vcf_is_refused_whole(read: Any, content: str, found: str) -> None:
    with pytest.raises(DataError, match=found):
        read({"a.vcf": content})


@given(called=st.lists(st.integers(0, 4), min_size=1, max_size=4), phased=st.booleans())
def test_the_alleles_of_a_genotype_are_those_that_were_written(called: list[int], phased: bool) -> None:
    text = ("|" if phased else "/").join(map(str, called))
    assert _vcf_records.alleles(text, 5) == tuple(called)
