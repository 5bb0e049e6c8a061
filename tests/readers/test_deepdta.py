"""Drugs and targets: small sets by hand, every file that does not fit, and Davis against its own files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sequela.errors import ConfigError, DataError
from sequela.readers import deepdta
from sequela.store.source import open_source

FILES = {
    "set/ligands_can.txt": '{"d1": "CCO", "d2": "CCN"}',
    "set/proteins.txt": '{"T1": "MKV", "T2": "MAA", "T3": "MGG"}',
    "set/affinities.txt": "10000 nan 1\n100 0 nan\n",
    "set/folds/train_fold_setting1.txt": "[[0], [2]]",
    "set/folds/test_fold_setting1.txt": "[1]",
}


@pytest.fixture
def read(written: Callable[..., Any]) -> Callable[..., Any]:
    def reading(changed: dict[str, str] | None = None, **options: Any) -> Any:
        return written("deepdta", FILES | (changed or {}), **({"scale": "as_is"} | options))

    return reading


def test_each_measured_pair_is_a_subject_with_both_sequences_and_its_fold(read: Any) -> None:
    sink = read()
    table = {
        code: dict(sink.of(code).select("source_id", "text_value").iter_rows()) for code in ("SEQUENCE//drug", "SEQUENCE//target")
    }
    assert table["SEQUENCE//drug"] == {"d1:T1": "CCO", "d1:T3": "CCO", "d2:T1": "CCN", "d2:T2": "CCN"}
    assert table["SEQUENCE//target"]["d2:T2"] == "MAA"
    assert dict(sink.of("LABEL//affinity").select("source_id", "numeric_value").iter_rows()) == {
        "d1:T1": 10000, "d1:T3": 1, "d2:T1": 100, "d2:T2": 0,
    }  # fmt: skip
    assert dict(sink.of("FOLD").select("source_id", "text_value").iter_rows()) == {"d1:T1": "0", "d1:T3": "test", "d2:T1": "1"}
    assert sink.parts == {"d1:T1": "train", "d1:T3": "test", "d2:T1": "train"}
    assert sorted(sink.notes.items()) == [
        ("pairs of no fold, which have no part", 1),
        ("pairs that nobody measured, left out", 2),
    ]


def test_dissociation_constants_become_pkd_and_one_that_is_not_above_0_is_refused(read: Any) -> None:
    sink = read(scale="kd_nanomolar")
    values = dict(sink.of("LABEL//affinity").select("source_id", "numeric_value").iter_rows())
    assert values == pytest.approx({"d1:T1": 5, "d1:T3": 9, "d2:T1": 7})
    assert sink.refused == {"d2:T2": "a Kd that is not above 0"}


def test_an_affinity_without_bounds_is_refused_and_the_others_stay_numbers(read: Any) -> None:
    sink = read({"set/affinities.txt": "10000 nan inf\n100 0 nan\n"})
    assert sink.refused == {"d1:T3": "an affinity that is not finite"}
    assert sorted(sink.of("LABEL//affinity")["numeric_value"]) == [0, 100, 10000]


def test_names_that_are_numbers_stay_names(read: Any) -> None:
    sink = read({"set/ligands_can.txt": '{"24889392": "CCO", "24889393": "CCN"}'})
    assert set(sink.of("DRUG")["text_value"]) == {"24889392", "24889393"}
    assert sink.of("DRUG")["numeric_value"].null_count() == 4


def test_what_the_numbers_are_has_to_be_said(read: Any) -> None:
    with pytest.raises(ConfigError, match="scale"):
        read(scale="")


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("ligands_can.txt", "['CCO']", "no JSON of names"),
        ("ligands_can.txt", '{"d1": "CCO", "d1": "CCN"}', "1 names that stand twice"),
        ("ligands_can.txt", '{"d1": "CCO"}', "has 2 rows, where there are 1 drugs"),
        ("proteins.txt", '{"T1": "MKV"}', "has 3 numbers, where there are 1 targets"),
        ("proteins.txt", "{}", "names nothing"),
        ("proteins.txt", "", "is empty"),
        ("affinities.txt", "1 2 3\n4 five 6\n", "row 2 has an entry that is no number"),
        ("other.txt", "1", "which file is the matrix"),
        ("folds/train_fold_setting1.txt", "[0, 2]", "no JSON of lists"),
        ("folds/train_fold_setting1.txt", "[[0], [9]]", "1 of 3 pairs of the folds are none of the 4"),
        ("folds/train_fold_setting1.txt", "[[0], [0, 2]]", "1 of 4 pairs of the folds stand in several"),
        ("folds/train_fold_setting2.txt", "[[0]]", "several files"),
    ],
)
def test_a_file_that_does_not_fit_the_layout_is_refused(read: Any, file: str, content: str, found: str) -> None:
    with pytest.raises(DataError, match=found):
        read({f"set/{file}": content})


def test_a_set_without_folds_has_no_parts(written: Any) -> None:
    sink = written("deepdta", {name: text for name, text in FILES.items() if "fold" not in name}, scale="as_is")
    assert not sink.parts and sink.notes["no files of folds: no pair has a part"] == 1
    with pytest.raises(DataError, match="no file 'test_fold"):
        written("deepdta", {"set/folds/train_fold_setting1.txt": "[[0]]"}, scale="as_is")


@pytest.mark.slow
def test_davis_has_every_pair_with_the_affinity_of_its_file(real_data: Callable[[str], Path], memory: Callable[[], Any]) -> None:
    folder, sink = real_data("dti_davis"), memory()
    deepdta.build(deepdta.Config(scale="kd_nanomolar")).read(open_source(folder), sink)
    drugs, targets = (list(json.loads((folder / name).read_text())) for name in ("ligands_can.txt", "proteins.txt"))
    (file,) = folder.glob("drug-target*.txt")
    rows = [[float(one) for one in line.split()] for line in file.read_text().splitlines()]
    told = {
        f"{drug}:{target}": -math.log10(kd / 1e9)
        for drug, row in zip(drugs, rows, strict=True)
        for target, kd in zip(targets, row, strict=True)
    }
    values = dict(sink.of("LABEL//affinity").select("source_id", "numeric_value").iter_rows())
    assert len(told) == 30_056 and values == pytest.approx(told, abs=1e-5) and not sink.refused
    test = json.loads((folder / "folds" / "test_fold_setting1.txt").read_text())
    names = list(told)
    assert {name for name, part in sink.parts.items() if part == "test"} == {names[pair] for pair in test} and len(test) == 5010
    assert sorted(sink.of("FOLD")["text_value"].value_counts()["count"]) == [5009, 5009, 5009, 5009, 5010, 5010]
