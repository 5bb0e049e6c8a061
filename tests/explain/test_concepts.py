"""Attributions gathered into concepts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.errors import ConfigError
from sequela.explain import concepts
from sequela.types import Array, Attribution, Ragged, Spec

CHART = Spec("measurements", (3,), "days", ("Creatinine", "Platelets", "Frailty"))
CODES = Spec(
    "codes", (2,), "days", ("unknown or rare", "ICD9CM//250.00", "ICD9CM//038.9", "LOINC//2160-0", "LOINC//2160-0//Q1"), 5
)
SPECS = {"chart": CHART, "history": CODES}


def attribution(cells: dict[str, Array], rows: int) -> Attribution:
    return Attribution(cells, np.zeros(rows, int), np.zeros(rows), np.zeros(rows), "test")


def chart(counts: list[int]) -> Ragged:
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return Ragged(offsets, np.zeros((offsets[-1], 3), np.float32), np.zeros(offsets[-1]))


@given(counts=st.lists(st.integers(0, 4), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_the_sums_of_concepts_are_all_that_the_cells_add(counts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    ragged = chart(counts)
    cells = random.normal(size=(sum(counts), 3))
    side, context = random.normal(size=(sum(counts), 2)), random.normal(size=(len(counts), 4))
    found = replace(attribution({"chart": cells}, len(counts)), side={"chart": side}, context={"chart": context})
    told = concepts.gathered(found, {"chart": ragged}, concepts.named("loinc_panels", SPECS))
    row = np.repeat(np.arange(len(counts)), counts)
    whole = np.bincount(row, cells.sum(1) + side.sum(1), len(counts)) + context.sum(1)
    np.testing.assert_allclose(told.sums.sum(1), whole, atol=1e-12)


def test_each_cell_goes_to_its_own_concept() -> None:
    cells = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    told = concepts.gathered(attribution({"chart": cells}, 2), {"chart": chart([1, 1])}, concepts.named("loinc_panels", SPECS))
    assert told.names == ("blood count", "renal", "other")
    assert told.sums.tolist() == [[2, 1, 4], [16, 8, 32]]


def test_codes_go_by_their_chapter_and_their_quantiles_by_their_code() -> None:
    ragged = Ragged(np.array([0, 2]), np.array([[1, 2], [3, 4]]), np.zeros(2), np.ones((2, 2), bool))
    found = attribution({"history": np.array([[1.0, 2.0], [4.0, 8.0]])}, 1)
    chapters = concepts.gathered(found, {"history": ragged}, concepts.named("icd_chapters", SPECS))
    assert dict(zip(chapters.names, chapters.sums[0], strict=True)) == {
        "ICD9CM 001-139": 2.0,
        "ICD9CM 240-279": 1.0,
        "other": 12.0,
    }
    panels = concepts.gathered(found, {"history": ragged}, concepts.named("loinc_panels", SPECS))
    assert dict(zip(panels.names, panels.sums[0], strict=True))["renal"] == 12.0


def test_a_heartbeat_is_cut_around_its_r_peak() -> None:
    spec = Spec("waveform", (2, 700), "seconds", ("II", "V1"))
    found = concepts.segments({"ecg": spec}, {"ecg": (0.25, 1000.0)})
    at = found.of["ecg"][1]
    assert [found.names[at[sample]] for sample in (100, 250, 350, 500)] == ["P wave", "QRS", "ST segment", "T wave"]


def test_a_picture_has_nine_regions_and_a_mask_its_own() -> None:
    spec = Spec("image", (1, 6, 9), "days", single=True)
    found = concepts.regions({"xray": spec})
    assert found.names[found.of["xray"][0, 0, 0]] == "upper left"
    assert found.names[found.of["xray"][0, 5, 4]] == "lower centre"
    heart = np.zeros((6, 9), bool)
    heart[2:4, 3:6] = True
    own = concepts.masked("xray", spec, {"heart": heart})
    assert (own.of["xray"] == 0).sum() == 6
    with pytest.raises(ConfigError, match="does not fit"):
        concepts.masked("xray", spec, {"heart": heart[1:]})


def write(folder: Path, text: str) -> Path:
    path = folder / "organs.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_concepts_takes_wildcards_and_may_name_what_is_missing(tmp_path: Path) -> None:
    text = '[concepts]\nkidney = ["Creat*", "LOINC//2160*"]\n[optional]\nblood = ["Platelets", "Ferritin"]\n'
    found = concepts.written(write(tmp_path, text), SPECS)
    assert found.names == ("blood", "kidney", "other")
    assert found.of["chart"].tolist() == [1, 0, 2]
    assert found.of["history"].tolist() == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[concepts]\nkidney = ["Creatinin", "BUN"]', "names 2 that no input has: 'Creatinin' of kidney, 'BUN'", "'Creatinine'?"),
        ('[concepts]\na = ["Creatinine"]\nb = ["Creat*"]', "puts 'Creatinine' into several concepts: a, b", "keep one"),
        ('[concept]\na = ["Creatinine"]', "an unknown table 'concept'", "reads: [concepts]"),
        ("[concepts]\na = 3", "does not name concepts", "reads: [concepts]"),
        ("[concepts", "cannot be read as concepts", "reads: [concepts]"),
    ],
)
def test_a_file_of_concepts_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        concepts.written(write(tmp_path, text), SPECS)
    assert hint in caught.value.hint


def test_a_set_to_which_nothing_belongs_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing of any input belongs to one of atc"):
        concepts.named("atc", SPECS)
    with pytest.raises(ConfigError, match="no concepts called 'icd_chapter'") as caught:
        concepts.named("icd_chapter", SPECS)
    assert "icd_chapters" in caught.value.hint
    with pytest.raises(ConfigError, match="no input is one"):
        concepts.regions(SPECS)
