"""FASTQ: qualities by hand, reads left out, and faulty records between good ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.errors import DataError
from sequela.readers import fastq
from sequela.store.source import open_source

GOOD = "@r1 run=7\nACGT\n+\n!5I+\n"


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    return partial(written, "fastq")


def test_a_read_has_its_letters_its_mean_quality_and_its_expected_errors(read: Any) -> None:
    sink = read({"a.fq": GOOD}, static=["run"])
    assert list(sink.of("SEQUENCE//dna")["text_value"]) == ["ACGT"] and list(sink.of("RUN")["numeric_value"]) == [7]
    assert sink.of("MEAN_QUALITY")["numeric_value"].item() == pytest.approx((0 + 20 + 40 + 10) / 4)
    assert sink.of("EXPECTED_ERRORS")["numeric_value"].item() == pytest.approx(1 + 0.01 + 0.0001 + 0.1, rel=1e-5)
    assert sink.codes["MEAN_QUALITY"][0] == "static"


def test_reads_below_a_mean_quality_are_left_out_and_counted(read: Any) -> None:
    sink = read({"a.fq": f"{GOOD}@r2\nAC\n+\nII\n"}, min_quality=30)
    assert list(sink.of("SEQUENCE//dna")["source_id"]) == ["r2"] and sink.notes == {
        "reads of a mean quality below 30, left out": 1
    }
    assert not sink.refused


def test_an_older_encoding_of_qualities_is_read_where_it_is_told(read: Any) -> None:
    assert read({"a.fq": "@r\nAC\n+\nhh\n"}, offset=64).of("MEAN_QUALITY")["numeric_value"].item() == 40
    assert "none with the offset 64" in read({"a.fq": GOOD}, offset=64).refused["a.fq line 1"]


@pytest.mark.parametrize(
    ("faulty", "reason"),
    [
        ("@x\nACG\n+\nII\n", "more or fewer qualities"),
        ("@x\n\n+\n\n", "empty sequence"),
        ("@x\nA1\n+\nII\n", "none of FASTA's"),
        ("@x\nAC\n+\nI\x7f\n", "none with the offset"),
        ("@x\nAC\nII\nGG\n", "not four lines"),
        ("garbage\nmore of it\n", "not four lines"),
        ("@ \nAC\n+\nII\n", "without an id"),
    ],
)
def test_a_faulty_read_is_refused_by_its_line_and_those_around_it_kept(read: Any, faulty: str, reason: str) -> None:
    sink = read({"a.fq": f"{GOOD}{faulty}@r2\nGG\n+\n@+\n"})
    assert list(sink.of("SEQUENCE//dna")["source_id"]) == ["r1", "r2"]
    assert list(sink.refused) == ["a.fq line 5"] and reason in sink.refused["a.fq line 5"]


def test_a_read_that_is_cut_short_is_refused_and_a_file_of_no_reads_whole(read: Any) -> None:
    assert list(read({"a.fq": f"{GOOD}@r2\nAC\n"}).refused) == ["a.fq line 5"]
    with pytest.raises(DataError, match="not FASTQ"):
        read({"a.fq": ">a\nAC\n"})


signs = st.text([chr(code) for code in range(33, 127)], min_size=1, max_size=20)


@settings(max_examples=30, deadline=None)
@given(held=st.lists(signs, min_size=1, max_size=5))
def test_qualities_of_any_signs_keep_reads_apart(held: list[str], tmp_path_factory: Any, memory: Callable[[], Any]) -> None:
    folder, sink = tmp_path_factory.mktemp("fastq"), memory()
    (folder / "a.fq").write_text("".join(f"@{n}\n{'A' * len(one)}\n+\n{one}\n" for n, one in enumerate(held)))
    fastq.build(config.convert({}, fastq.Config, "options")).read(open_source(folder), sink)
    assert [len(one) for one in sink.of("SEQUENCE//dna")["text_value"]] == [len(one) for one in held] and not sink.refused
