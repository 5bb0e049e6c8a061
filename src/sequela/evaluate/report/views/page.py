"""A view as a page of its own: what a guideline asks, item by item, and how far the run answers it."""

from __future__ import annotations

from pathlib import Path

from sequela.evaluate.report import evidence
from sequela.evaluate.report import run as runs
from sequela.evaluate.report.html import EMPTY, Piece, Safe, joined, paragraph, section, table, tag
from sequela.evaluate.report.items import ITEMS, Item
from sequela.evaluate.report.page import document
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections.held import marked
from sequela.evaluate.report.views import VIEWS, Asked, View
from sequela.evaluate.report.words import later, say, speaking

SAID = later(
    "The titles are in our own words; the guideline itself says what each item means. Done, drafted and stated items lead to "
    "their place in the report. That an item is here says nothing of how good the study is."
)
COUNTED = later(
    "{done} of {all} items and sub-items are answered, {part} in part, {open} are open, {other} are not answered by a run."
)


def render(folder: Path, view: str, report: str, language: str = "en") -> str:
    """The view of the run in a folder; `report` is the name of the page that it leads to. Raises DataError as page.render."""
    with speaking(language):
        run, asked = runs.read(folder), VIEWS[view]
        header = tag(
            "header", paragraph(say(asked.title), class_="kind"), tag("h1", run.study.name), paragraph(run.study.question)
        )
        body = tag("main", header, paragraph(asked.source, class_="hint"), paragraph(say(SAID)), _table(run, asked, report))
        title = say("{name}: {view}", name=run.study.name, view=say(asked.title))
        return document(title, body, language)


def _table(run: Run, view: View, report: str) -> Safe:
    rows = [_row(run, one, report) for one in view.asked]
    numbered = any(one.number for one in view.asked)
    head = [say("Number"), say("Item"), say("State"), say("Where it stands")]
    return section(
        say("Items"),
        paragraph(_counted(run, view)),
        table(head if numbered else head[1:], rows if numbered else [row[1:] for row in rows]),
    )


def _counted(run: Run, view: View) -> str:
    states = [_state(run, one) for one in view.asked if one.items]
    answered = sum(one in ("done", "stated", "drafted") for one in states)
    part = sum(one == "in part" for one in states)
    rest = len(states) - answered - part
    return say(COUNTED, done=answered, all=len(view.asked), part=part, open=rest, other=len(view.asked) - len(states))


def _state(run: Run, asked: Asked) -> evidence.State:
    return evidence.together([evidence.state(run, ITEMS[name]) for name in asked.items])


def _row(run: Run, asked: Asked, report: str) -> list[Piece]:
    if not asked.items:
        return [asked.number, say(asked.title), say("not answered here"), say(asked.why)]
    places = [tag("li", _place(run, ITEMS[name], report)) for name in asked.items]
    return [asked.number, say(asked.title), marked(_state(run, asked)), tag("ul", joined(places))]


def _place(run: Run, item: Item, report: str) -> Safe:
    """The item, as a link to the section that shows it, with the value behind it."""
    found, title = evidence.trace(run, item), say(item.title)
    if found is None:
        return tag("span", say("{item}: {state}", item=title, state=evidence.told(evidence.state(run, item))))
    named: Piece = tag("a", title, href=f"{report}#{item.section}") if item.section else title
    return tag("span", named, " ", tag("code", str(found)) if found is not None else EMPTY)
