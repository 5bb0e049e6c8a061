"""Documents beside the report, from the same values: the table of characteristics as CSV and for Word, and the model card."""

from __future__ import annotations

import csv as formats
import io
from pathlib import Path
from typing import Any

from sequela.errors import DataError
from sequela.evaluate.characteristics import CharacteristicsFacts
from sequela.evaluate.report import evidence, numbers
from sequela.evaluate.report import run as runs
from sequela.evaluate.report.items import HUMAN, ITEMS
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections import characteristics
from sequela.evaluate.report.verdict import verdict
from sequela.evaluate.report.views import card as cards
from sequela.evaluate.report.words import say, speaking
from sequela.extras import need

BLANK = "_not stated: to be filled in by the people responsible_"


def csv(folder: Path) -> str:
    """The table of characteristics with a line for each, in English. Raises DataError where the run has none."""
    found = _found(runs.read(folder))
    written = io.StringIO()
    formats.writer(written).writerows([characteristics.head(found), *characteristics.lines(found)])
    return written.getvalue()


def docx(folder: Path, language: str = "en") -> bytes:
    """The same table as a Word file, with its caption above it.

    Raises DataError where the run has none, MissingExtra where python-docx is not installed.
    """
    word = need("docx", "word")
    with speaking(language):
        run = runs.read(folder)
        found = _found(run)
        document: Any = word.Document()
        document.add_heading(say("Characteristics"), level=1)
        document.add_paragraph(characteristics.caption(found))
        _fill(document, [characteristics.head(found), *characteristics.lines(found)])
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _fill(document: Any, lines: list[list[str]]) -> None:
    table = document.add_table(rows=len(lines), cols=len(lines[0]), style="Light List")
    for row, line in zip(table.rows, lines, strict=True):
        for cell, told in zip(row.cells, line, strict=True):
            cell.text = told


def _found(run: Run) -> CharacteristicsFacts:
    if run.trusted.characteristics is None:
        raise DataError(
            f"{run.folder} holds no table of characteristics", hint="it is counted by sequela run; run the study once more"
        )
    return run.trusted.characteristics


def card(folder: Path) -> str:
    """The model card of a run in Markdown: what was measured, and what people stated; the rest is marked as not stated."""
    run = runs.read(folder)
    sections = [_section(run, asked.title, asked.items) for asked in cards.VIEW.asked]
    stated = [f"| {item.title} | {_cell(evidence.statement(run, item)) or BLANK} |" for item in HUMAN]
    lines = [
        f"# {run.study.name}",
        f"**{run.study.question}**",
        " ".join(verdict(run)),
        _measured(run),
        "## Stated by people",
        "\n".join(["| | |", "|---|---|", *stated]),
        *sections,
    ]
    return "\n\n".join(lines) + "\n"


def _section(run: Run, title: str, names: tuple[str, ...]) -> str:
    """A heading of the card, and where each item that belongs under it stands."""
    told = []
    for item in (ITEMS[name] for name in names):
        found = evidence.trace(run, item)
        told.append(f"- {item.title}: {f'`{found}`' if found else evidence.state(run, item)}")
    return "\n".join([f"## {title}", "", *told])


def _measured(run: Run) -> str:
    """Every number of the answer that is given, over all rows of the part that is shown."""
    rows = [row for row in run.rows if row.model == run.main and not (row.class_ or row.group or row.against)]
    told = [f"| {numbers.name(row.metric)} | {numbers.interval(row)} | {row.n} |" for row in rows if row.value is not None]
    head = f"## {label(run.main)} on the {run.part} part"
    return "\n".join([head, "", "| metric | value, 95 % interval | rows |", "|---|---|---|", *told])


def _cell(text: str) -> str:
    """Text that does not end its cell."""
    return " ".join(text.split()).replace("|", "\\|")
