"""Every sentence of the report is in the catalogue of each other language, and a page in that language has no other left."""

from __future__ import annotations

import ast
import html
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import msgspec
import pytest
import runs

from sequela.evaluate import report
from sequela.evaluate.report import numbers, render, words
from sequela.evaluate.report.views import VIEWS
from sequela.evaluate.report.views.page import render as render_view
from sequela.metrics.table import Kind

SOURCE = Path(report.__file__).parent
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b|\b[A-Z][a-z]+ [a-z]{2,}\b")


def sentences() -> Iterator[str]:
    """Every literal that is said, or marked to be said later."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            said = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("say", "later")
            if said and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def catalogue(table: str = "sentences") -> list[dict[str, str]]:
    text = resources.files("sequela.evaluate.report").joinpath("catalogue", "zh.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)[table]


def braces(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", sentence))


def test_every_sentence_and_name_of_the_report_is_in_the_chinese_catalogue() -> None:
    held = {one["en"] for one in catalogue()}
    assert sorted({*sentences(), *numbers.NAMES.values()} - held) == []


@pytest.mark.parametrize("table", ["sentences", "found"])
def test_a_translation_has_the_same_names_in_braces_and_stands_once(table: str) -> None:
    entries = catalogue(table)
    assert [one["en"] for one in entries if braces(one["en"]) != braces(one["zh"])] == []
    assert len(entries) == len({one["en"] for one in entries})


def test_no_sentence_is_put_together_before_it_is_said() -> None:
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("say", "later"):
                assert not isinstance(node.args[0], ast.JoinedStr | ast.BinOp), f"{file.name}:{node.lineno}"


def told(page: str) -> list[str]:
    """The texts of a page that a person reads, without the study as it ran."""
    shown = re.sub(r"<style>.*?</style>|<pre>.*?</pre>|<code>.*?</code>", "", page, flags=re.DOTALL)
    return [html.unescape(text).strip() for text in re.findall(r">([^<]+)<", shown)]


def own(kind: Kind) -> list[str]:
    """The words of the study and of the data, which are nobody's to translate."""
    study = runs.study(kind)
    return [
        study.question,
        "it is the clinic's score",
        "Synthetic ward",
        "SOFA alone reaches .98",
        "input tells all",
        "sex=",
        "unit=",
    ]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", "forecast"])
def test_a_page_in_chinese_holds_no_english_but_the_words_of_the_study(tmp_path: Path, kind: Kind) -> None:
    folder = runs.folder(tmp_path / "run", kind, [runs.judged(kind, 200)])
    left = {text for text in told(render(folder, "zh")) if ENGLISH.search(text)}
    assert sorted(text for text in left if not any(part in text for part in own(kind))) == []


def test_several_splits_and_a_closed_test_part_are_told_in_chinese(tmp_path: Path) -> None:
    those = [runs.judged("binary", 200, seed=seed, split=f"split-{seed}") for seed in (1, 2)]
    facts = msgspec.structs.replace(runs.facts(("split-1", "split-2")), test_opened=False, overlap="nobody knows")
    folder = runs.folder(tmp_path / "run", "binary", those, facts, part="tune")
    left = {text for text in told(render(folder, "zh")) if ENGLISH.search(text)}
    assert sorted(text for text in left if not any(part in text for part in [*own("binary"), "nobody knows"])) == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_in_chinese_holds_no_english_but_its_source(tmp_path: Path, view: str) -> None:
    folder = runs.folder(tmp_path / "run", "binary", [runs.judged("binary", 100)])
    left = {text for text in told(render_view(folder, view, "report.zh.html", "zh")) if ENGLISH.search(text)}
    assert left <= {runs.study("binary").question, VIEWS[view].source}


def test_a_page_tells_its_language_and_the_next_one_is_english_again(tmp_path: Path) -> None:
    folder = runs.folder(tmp_path / "run", "binary", [runs.judged("binary", 100)])
    assert '<html lang="zh">' in render(folder, "zh")
    assert '<html lang="en">' in render(folder) and words.language() == "en"


def test_a_sentence_that_a_run_wrote_is_told_by_its_pattern_and_an_unknown_one_as_it_is() -> None:
    text = "suppressed: 7 rows, 20 are needed; something else"
    assert words.retold(text) == text
    with words.speaking("zh"):
        assert words.retold(text) == "未列出：7 行，至少需要 20 行; something else"
