"""Which phrases of a text an answer rests on: as terms with their places, and as a page with the text marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from sequela import model as models
from sequela.bundle import Bundle, spanned
from sequela.contracts import Progress
from sequela.evaluate.report import reading
from sequela.evaluate.report.html import Safe, paragraph, table
from sequela.evaluate.report.marking import Stretch
from sequela.evaluate.report.reading import Head, Reading
from sequela.explain.tokens.phrases import Phrase, phrases
from sequela.pipeline import attributed, files, left_out
from sequela.pipeline.attributed import NAMES, ROWS, Method, Texts, Told
from sequela.store.store import Store
from sequela.study import cut
from sequela.text.documents import NOTE
from sequela.types import Array, Known, Places, Spans

SHOWN = 8  # phrases of a class that a prediction names
LIKELIEST = 5  # classes that a page names above the text
SCORE = "Marked is what was found, with its type; its score, as the model has it, stands under a pointer and in the list below."
REST = "(all other words, and the answer to none)"


Who: TypeAlias = tuple[int | str | Sequence[int | str] | None, str | None]  # subjects (None: all), and a moment


@dataclass(frozen=True, slots=True)
class How:
    """What is asked of an explanation."""

    method: Method = "auto"
    classes: tuple[str, ...] = ()  # that are explained; (): those that attributed.columns chooses
    seed: int = 0  # of lime
    samples: int = 0  # of lime: texts that are asked about; 0: as many as suit the length


@dataclass(frozen=True, slots=True)
class Explained:
    """What is told of rows, by row_id."""

    terms: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def of_texts(
    held: Bundle,
    store: Store,
    who: Who,
    how: How,
    folder: Path | None,
    progress: Progress,
) -> Explained:
    """Of each row that has words what speaks for its classes, and with a folder a page of it.

    Beside an input of texts others stay as they are; what their codes add is told by leaving them out.
    Raises UsageError where the answer is not explained, not by that method, or a class is not there.
    """
    name = attributed.input_of(held.study)
    assert name is not None
    how = replace(how, method=attributed.method_of(held.predictor, name, how.method))
    cohort, _ = held.eligible(store, *who)
    known = held.known(store, cohort)
    kept = np.flatnonzero(models.refusals(held.predictor.fitted, known) == "")
    cohort, known = cohort.take(kept), cut.take(known, kept)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    values = held.predictor.answer(rows).values
    asked = {row: attributed.columns(held.predictor, values[row], how.classes) for row in range(len(rows))}
    others = _others(held, store, who, progress) if len(held.study.inputs) > 1 else {}
    found = Explained()
    texts = Texts(held.predictor, rows, name)
    for row, told in _told(texts, known, asked, how, progress):
        row_id = str(rows.row_id[row])
        found.terms[row_id] = terms(texts, row, told) + others.get(row_id, ())
        if folder is not None:
            file = folder / f"{files.safe(row_id)}-explained.html"
            files.write(file, page(texts, row, told, values[row]))
            found.files[row_id] = str(file)
    return found


def _others(held: Bundle, store: Store, who: Who, progress: Progress) -> dict[str, tuple[dict[str, Any], ...]]:
    """row_id -> what its codes add that are no documents, each left out in turn."""
    said = left_out.left_out(held, store, *who, progress)
    return {row: tuple(term for term in each if not term["code"].startswith(NOTE)) for row, each in said.items()}


def _told(
    texts: Texts, known: Known, asked: Mapping[int, Sequence[int]], how: How, progress: Progress
) -> Iterator[tuple[int, list[Told]]]:
    """Of each row that has words, a few at a time."""
    order = list(asked)
    for first in range(0, len(order), ROWS):
        some = {row: asked[row] for row in order[first : first + ROWS]}
        if how.method == "lime":
            found = attributed.by_leaving_out(texts, known, some, seed=how.seed, samples=how.samples)
        else:
            found = attributed.by_network(texts, some, how.method)
        yield from found.items()
        progress("explaining", min(first + ROWS, len(order)), len(order))


# --------------------------------------------------------------------------------------------------------------------- as terms


def terms(texts: Texts, row: int, told: Sequence[Told]) -> tuple[dict[str, Any], ...]:
    """Of each class its strongest phrases, in falling order, then all else: together they are its log-odds, but for `missing`.

    A phrase has text, change, class, scale and method, and where it stands: begin and end in its document, number and code of
    that. All else has `told`, the log-odds; of lime `fit`; `read`, where only so many characters were read.
    """
    return tuple(term for one in told for term in _terms(texts, row, one))


def _terms(texts: Texts, row: int, one: Told) -> Iterator[dict[str, Any]]:
    places = texts.ragged.places
    assert places is not None
    name = texts.predictor.task.names[one.column]
    same = {"class": name, "scale": f"log-odds of {name}", "method": NAMES[one.method]}
    said, found = places.texts[row], sorted(phrases_of(places, row, one), key=lambda phrase: -abs(phrase.change))[:SHOWN]
    for phrase in found:
        yield {"text": said[phrase.begin : phrase.end], "change": phrase.change} | _place(places, row, phrase) | same
    shown = sum(phrase.change for phrase in found)
    beside = {"missing": one.missing, "told": one.told} | ({} if one.fit is None else {"fit": one.fit})
    yield {"code": REST, "change": one.told - one.missing - shown} | same | beside | ({"read": one.read} if one.read else {})


def phrases_of(places: Places, row: int, one: Told) -> list[Phrase]:
    """The words of a class as phrases, in the row's text, but for those that two decimals show as nothing."""
    found = phrases(one.begin, one.end, one.change, places.texts[row])
    return [phrase for phrase in found if round(phrase.change, 2)]


def _place(places: Places, row: int, phrase: Phrase) -> dict[str, Any]:
    """Where a phrase stands: documents are numbered from 1, characters of a document from 0."""
    pieces = places.pieces[row]
    number = max(k for k, piece in enumerate(pieces) if piece.begin <= phrase.begin)
    begin = pieces[number].begin
    return {
        "document": number + 1,
        "code": pieces[number].code,
        "begin": phrase.begin - begin,
        "end": phrase.end - begin,
    }


# --------------------------------------------------------------------------------------------------------------------- as a page


def page(texts: Texts, row: int, told: Sequence[Told], values: Array) -> str:
    """The text of a row with the phrases of each class marked; `values` float64 "K" are what is answered about it."""
    places, predictor = texts.ragged.places, texts.predictor
    assert places is not None
    names = predictor.task.names
    readings = [
        Reading(names[one.column], float(values[one.column]), phrases_of(places, row, one), account(one), one.read)
        for one in told
    ]
    notice = "" if predictor.guard is None else predictor.guard.notice
    head = Head(str(texts.rows.row_id[row]), predictor.study.question, _answered(names, values), notice)
    return reading.page(head, places.texts[row], places.pieces[row], readings)


def marked(held: Bundle, store: Store, who: Who, folder: Path) -> dict[str, str]:
    """row_id -> a page of each row with its entities marked in the text: of a task whose answer is the stretches themselves."""
    cohort, _ = held.eligible(store, *who)
    known = held.known(store, cohort)
    kept = np.flatnonzero(models.refusals(held.predictor.fitted, known) == "")
    cohort = cohort.take(kept)
    rows = held.predictor.evidence(cut.take(known, kept), cohort.subject_id, cohort.row_id)
    answer = held.predictor.answer(rows)
    places = next(ragged.places for ragged in rows.inputs.values() if ragged.places is not None)
    assert answer.spanned is not None
    told = spanned.told(answer.names, rows, answer)
    written = {}
    for row in np.flatnonzero(np.diff(places.offsets) > 0).tolist():
        row_id = str(rows.row_id[row])
        found = list(_entities(answer.spanned.take(np.array([row])), answer.names))
        shown = paragraph(SCORE), reading.text(places.texts[row], places.pieces[row], found), _listed(told[row]["spans"])
        head = Head(row_id, held.study.question, f"Found: {len(found)}")
        file = folder / f"{files.safe(row_id)}-marked.html"
        files.write(file, reading.marked_page(head, shown))
        written[row_id] = str(file)
    return written


def _entities(own: Spans, names: tuple[str, ...]) -> Iterator[Stretch]:
    for place, label in enumerate(own.label.tolist()):
        sure = "" if own.score is None else f" ({own.score[place]:.2f})"
        yield Stretch(int(own.begin[place]), int(own.end[place]), "said", f"{names[label]}{sure}", note=names[label])


def _listed(entities: Sequence[Mapping[str, Any]]) -> Safe:
    """The entities that were found, for who reads on paper."""
    places = [f"document {one['document']}, characters {one['begin']}–{one['end']}" for one in entities]
    rows = [[one["type"], one["text"], f"{one['score']:.3f}", place] for one, place in zip(entities, places, strict=True)]
    return table(["Type", "Text", "Score", "Place"], rows)


def _answered(names: Sequence[str], values: Array) -> str:
    order = np.argsort(-values, kind="stable")[:LIKELIEST].tolist()
    said = ", ".join(f"{names[column]} {values[column]:.3f}" for column in order)
    more = len(names) - len(order)
    return f"Answer: {said}" + (f", and {more} more" if more else "")


def account(one: Told) -> str:
    """How a class was explained, and how far its words account for the answer."""
    least = (
        f"Words that add or take less than a tenth of what the strongest does, or less than 0.005, are not marked. {_sum(one)}"
    )
    if one.method == "lime":
        return (
            f"Method: {NAMES['lime']}; {one.points} texts were asked about, and near this one the words account for "
            f"{one.fit:.0%} of what the answers differ by. {least}"
        )
    if one.method == "attention":
        return f"Method: {NAMES['attention']}; a term is of all that the network read into a word, of its neighbours too. {least}"
    return f"Method: {NAMES['gradients']} from words that say nothing, {one.points} points of the path. {least}"


def _sum(one: Told) -> str:
    who = "the answer is" if one.method == "lime" else "the network, before any calibration, says"
    return (
        f"In log-odds {who} {one.told:+.2f}: {one.rest:+.2f} without the words, {float(one.change.sum()):+.2f} of all words, "
        f"{one.missing:+.3f} not accounted for."
    )
