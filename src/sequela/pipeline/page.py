"""The report of a run, made anew from its files: in another language, as a guideline asks for it, as tables for a paper."""

from __future__ import annotations

from pathlib import Path

from sequela.errors import DataError, UsageError
from sequela.pipeline import files

TABLE_CSV, TABLE_DOCX, CARD = "characteristics.csv", "characteristics.docx", "model_card.md"


def report(run: str | Path, *, language: str = "en", view: str = "", docx: bool = False) -> Path:
    """Writes report.html in the run folder, or in another language report.LANGUAGE.html, and gives its path.

    With a `view` ("tripod", "stard", "card", "annex-iv") its page is written beside the report, and given. With `docx` the table
    of characteristics is written too, as CSV and for Word. Raises DataError where the folder is not a finished run, UsageError
    for a language or a view that there is not, MissingExtra where python-docx is needed and not there.
    """
    from sequela.evaluate.report.words import LANGUAGES

    folder = Path(run)
    if not (folder / files.METRICS).exists():
        raise DataError(f"{folder} is not a finished run: it has no {files.METRICS}", hint="sequela run STUDY --out DIR --resume")
    if language not in LANGUAGES:
        raise UsageError(f"the report does not speak {language!r}", hint=f"known: {', '.join(LANGUAGES)}")
    written = _report(folder, language)
    if docx:
        _tables(folder, language)
    return _view(folder, view, language) if view else written


def _report(folder: Path, language: str) -> Path:
    from sequela.evaluate.report import documents, render

    files.write(folder / CARD, documents.card(folder))
    path = folder / _named("report", language)
    files.write(path, render(folder, language))
    return path


def _view(folder: Path, view: str, language: str) -> Path:
    from sequela.evaluate.report.views import VIEWS
    from sequela.evaluate.report.views.page import render

    if view not in VIEWS:
        raise UsageError(f"there is no view {view!r}", hint=f"known: {', '.join(VIEWS)}")
    path = folder / _named(view, language)
    files.write(path, render(folder, view, _named("report", language), language))
    return path


def _tables(folder: Path, language: str) -> None:
    from sequela.evaluate.report import documents

    files.write(folder / TABLE_CSV, documents.csv(folder))
    files.write(folder / TABLE_DOCX, documents.docx(folder, language))


def _named(page: str, language: str) -> str:
    """The file of a page; English needs no ending of its own."""
    return f"{page}.html" if language == "en" else f"{page}.{language}.html"
