"""The table of characteristics in the report, as CSV and for Word: the same text of the same values."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import pytest
import runs

from sequela.errors import DataError, UsageError
from sequela.evaluate.characteristics import Characteristic, CharacteristicsFacts, Column
from sequela.evaluate.report import documents, render
from sequela.evaluate.trusted import Trusted
from sequela.pipeline import report

FOUND = CharacteristicsFacts(
    columns=[
        Column(part="train", rows=1200, subjects=1100, first="2019", last="2021"),
        Column(part="test", outcome="death", rows=30, subjects=30),
    ],
    rows=[
        Characteristic(name="sex", level="F", count=[600, None], share=[0.5, None], missing=[0, 0]),
        Characteristic(name="chart.Na.last", median=[-0.5, None], low=[-2.25, None], high=[1.0, None], missing=[None, 12]),
        Characteristic(name="chart.K.last", median=[4.0, None], low=[3.5, None], high=[4.5, None], missing=[0, 30]),
    ],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = runs.folder(tmp_path / "run", "binary", [runs.judged("binary", 100)])
    (made / "trust.json").write_bytes(msgspec.json.encode(Trusted(characteristics=FOUND)))
    return made


def test_the_table_tells_counts_quartiles_years_and_what_is_withheld(folder: Path) -> None:
    lines = list(csv.reader(io.StringIO(documents.csv(folder))))
    assert lines[0] == ["", "train", "test: death"] and lines[1] == ["Rows", "1,200", "30"]
    assert lines[3:] == [
        ["Years of the predictions", "2019 – 2021", "–"],
        ["sex: F", "600 (50.0 %)", "withheld"],
        ["chart.Na", "−0.5 [−2.25, 1]; missing withheld", "withheld; missing 12"],
        ["chart.K", "4 [3.5, 4.5]", "–; missing 30"],
    ]


def test_word_and_the_page_have_the_same_cells(folder: Path) -> None:
    docx = pytest.importorskip("docx")
    (table,) = docx.Document(io.BytesIO(documents.docx(folder))).tables
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert cells == list(csv.reader(io.StringIO(documents.csv(folder))))
    page = render(folder)
    assert all(f">{text}<" in page for text in ("sex: F", "600 (50.0 %)", "chart.Na"))


def test_the_verb_writes_what_is_asked_beside_the_report(folder: Path) -> None:
    assert report(folder, language="zh", view="stard", docx=True).name == "stard.zh.html"
    written = {one.name for one in folder.iterdir()}
    assert {"report.zh.html", "stard.zh.html", "characteristics.csv", "characteristics.docx", "model_card.md"} <= written
    assert report(folder).name == "report.html"


def test_a_run_without_the_table_and_unknown_views_and_languages_are_refused(folder: Path, tmp_path: Path) -> None:
    bare = runs.folder(tmp_path / "bare", "binary", [runs.judged("binary", 100)])
    with pytest.raises(DataError, match="holds no table of characteristics"):
        report(bare, docx=True)
    with pytest.raises(UsageError, match="there is no view 'consort'"):
        report(folder, view="consort")
    with pytest.raises(UsageError, match="does not speak 'fr'"):
        report(folder, language="fr")
