"""A text with what speaks for and against a class marked in it: on a page of its own, and in the report.

What speaks for is underlined in full on orange, what speaks against is underlined in dashes on blue; the stronger, the deeper the
colour and the thicker the line. So both can be told apart in grey, and by whoever sees no red or green.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources

from sequela.evaluate.report import marking
from sequela.evaluate.report.html import EMPTY, Piece, Safe, joined, paragraph, table, tag
from sequela.evaluate.report.marking import Stretch
from sequela.evaluate.report.words import language, later, say
from sequela.explain.tokens.phrases import Phrase
from sequela.text.documents import BETWEEN
from sequela.types import Piece as Document

LEVELS = 4  # of colour and line
WHOLE = 20_000  # characters: of a longer text only what stands around the marks is shown
LISTED = 8  # phrases in a table
EXCERPTED = 12  # phrases around which a report shows a text
NOTICE = later(
    "The marks show which words moved the answer of this model, and how far. They do not show what is true of the patient, nor "
    "that the model has understood the text: a word may count because it often stands beside what matters."
)

SCALE = later(
    "Numbers are in log-odds, the natural logarithm of p / (1 − p) of a probability p: 0 is one in two, and what adds 0.7 about "
    "doubles the odds."
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What speaks for one class in a text."""

    name: str
    chance: float  # that the bundle gives
    phrases: Sequence[Phrase]
    account: str  # how it was found, and how far the phrases account for the answer
    read: int = 0  # characters of the text that were read; 0: all


def stretches(phrases: Sequence[Phrase], told: str = "") -> list[Stretch]:
    """The marks of phrases, shaded by how much each adds against the strongest; `told` follows the number under a pointer."""
    most = max((abs(one.change) for one in phrases), default=0.0)
    return [
        Stretch(
            one.begin,
            one.end,
            f"{'for' if one.change > 0 else 'against'} w{_level(one.change, most)}",
            f"{one.change:+.2f}{told}",
        )
        for one in phrases
    ]


def _level(change: float, most: float) -> int:
    return min(LEVELS, 1 + int(LEVELS * abs(change) / most)) if most else 1


def text(whole: str, documents: Sequence[Document], marks: Sequence[Stretch], *, cut: bool = False) -> Safe:
    """A row's text with its marks, each document by itself; `cut`: only what stands around the marks, as of a very long text."""
    return joined([_document(whole, documents, number, marks, cut or len(whole) > WHOLE) for number in range(len(documents))])


def excerpt(name: str, whole: str, documents: Sequence[Document], phrases: Sequence[Phrase]) -> Safe:
    """What stands around the strongest phrases that speak for and against a class, for a report."""
    strongest = sorted(phrases, key=lambda phrase: -abs(phrase.change))[:EXCERPTED]
    shown = [document for document in documents if any(_inside(whole, documents, document, one) for one in strongest)]
    marked = [_document(whole, documents, documents.index(one), stretches(strongest), cut=True) for one in shown]
    return paragraph(say("For and against "), tag("strong", name), class_="hint") + joined(marked)


def _inside(whole: str, documents: Sequence[Document], one: Document, phrase: Phrase) -> bool:
    return one.begin <= phrase.begin < ends(whole, documents)[documents.index(one)]


def ends(whole: str, documents: Sequence[Document]) -> list[int]:
    """Where each document ends in the text."""
    return [*[one.begin - len(BETWEEN) for one in documents[1:]], len(whole)]


def _document(whole: str, documents: Sequence[Document], number: int, marks: Sequence[Stretch], cut: bool) -> Safe:
    begin, end = documents[number].begin, ends(whole, documents)[number]
    inside = [replace(one, begin=one.begin - begin, end=one.end - begin) for one in marks if begin <= one.begin < end]
    shown = marking.excerpts if cut else marking.marked
    told = later("Document {number} of {count}, {code}")
    said = say(told, number=number + 1, count=len(documents), code=documents[number].code)
    return (paragraph(said, class_="hint") if len(documents) > 1 else EMPTY) + tag(
        "div", shown(whole[begin:end], inside), class_="text"
    )


def legend() -> Safe:
    """The signs, from weak to strong."""
    swatches = [
        tag("mark", "\u2002" * 2, class_=f"{side} w{level}") for side in ("for", "against") for level in range(1, LEVELS + 1)
    ]
    return paragraph(
        say("speaks for, weakly to strongly: "),
        *swatches[:LEVELS],
        say("   against: "),
        *swatches[LEVELS:],
        class_="legend",
    )


def listed(whole: str, one: Reading) -> Safe:
    """The strongest phrases in a table, or that there are none."""
    order = sorted(one.phrases, key=lambda phrase: -abs(phrase.change))[:LISTED]
    if not order:
        return paragraph(say("No phrase adds or takes 0.005 or more."))
    rows: list[list[Piece]] = [
        [whole[phrase.begin : phrase.end], f"{phrase.change:+.2f}", f"{phrase.begin}–{phrase.end}"] for phrase in order
    ]
    return table([say("Phrase"), say("Adds to the log-odds"), say("Characters")], rows)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the text on a page of its own."""

    title: str
    question: str
    answer: str  # in words
    notice: str = ""  # of the task, beside NOTICE


def page(head: Head, whole: str, documents: Sequence[Document], readings: Sequence[Reading]) -> str:
    """One row explained, as an HTML page that needs no script and fetches nothing. All text is escaped."""
    body = [_reading(whole, documents, one) for one in readings]
    told = [paragraph(said, class_="warning") for said in (say(NOTICE), head.notice) if said]
    return _page(head, [*told, legend(), paragraph(say(SCALE)), *body])


def marked_page(head: Head, shown: Sequence[Safe]) -> str:
    """One row with the stretches that were found in it: what the marks mean, the `text`, and a list of them."""
    return _page(head, shown)


def _reading(whole: str, documents: Sequence[Document], one: Reading) -> Safe:
    said = f"{one.name}: {one.chance:.3f}"
    few = say("Only the first {count} characters were read for this.", count=f"{one.read:,}")
    short = paragraph(few, class_="warning") if one.read else EMPTY
    seen = [document for document in documents if document.begin < (one.read or len(whole))]
    marked = text(whole[: one.read or None], seen, stretches(one.phrases, say(" to the log-odds of {name}", name=one.name)))
    return tag("section", tag("h2", said), paragraph(one.account), short, marked, listed(whole, one))


def _page(head: Head, body: Sequence[Safe]) -> str:
    style = resources.files("sequela.evaluate.report").joinpath("style.css").read_text(encoding="utf-8")
    kind = paragraph(say("Explained prediction"), class_="kind")
    top = tag("header", kind, tag("h1", head.title), paragraph(head.question), paragraph(head.answer))
    opened = Safe('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">')
    whole = tag("head", opened, tag("title", head.title), Safe(f"<style>{style}</style>"))
    return f'<!DOCTYPE html>\n<html lang="{language()}">{whole.markup}{tag("body", tag("main", top, *body)).markup}</html>\n'
