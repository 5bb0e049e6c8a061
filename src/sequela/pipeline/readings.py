"""What a model reads in the texts of a run: chosen rows with their words of evidence marked, and the words that count most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sequela import seed as streams
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.evaluate import cases
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import PictureFacts, WordFacts
from sequela.evaluate.report import reading
from sequela.evaluate.report.sections.readings import ENDING
from sequela.evaluate.threshold import decide
from sequela.modalities._text_vocabulary import normalised
from sequela.pipeline import attributed, files, texts
from sequela.pipeline.attributed import Method, Texts, Told
from sequela.pipeline.pictures import FOLDER
from sequela.types import Array

PAIRS, RIGHT, OF_A_KIND = 4, 2, 3  # pairs of classes that are confused; rows that are right; labels of each kind of error
POINTS, FEW = 64, 16  # of the way of a row that is shown, and of one that is counted
WORDS: Mapping[Method, int] = {"attention": 200_000, "gradients": 20_000}  # that are counted
TABLED = 10  # words of a class


@dataclass(frozen=True, slots=True)
class _Shown:
    """A row that is shown, why, and the classes that are explained."""

    row: int
    why: str
    told: str
    columns: list[int]


def write(folder: Path, predictor: Predictor, one: Judged, rows: Evidence) -> tuple[list[PictureFacts], list[WordFacts]]:
    """Marks the chosen texts, and counts what words add over a bounded number of rows; nothing of other tasks and inputs.

    The model's own network is explained: not where the vectors of its words are made in a way that no gradient is followed to.
    """
    name = attributed.input_of(predictor.study)
    if name is None or predictor.task.kind not in attributed.EXPLAINED or not len(rows):
        return [], []
    method = attributed.by_itself(predictor, name)
    if method is None:
        return [], []
    of = Texts(predictor, rows, name)
    return _drawn(folder, of, one, method), _words(of, one, method)


def _drawn(folder: Path, of: Texts, one: Judged, method: Method) -> list[PictureFacts]:
    chosen = [shown for shown in _chosen(of.predictor, one) if of.ragged.lengths[shown.row]]
    found = attributed.by_network(of, {shown.row: shown.columns for shown in chosen}, method, POINTS)
    written = []
    for number, shown in enumerate(chosen, 1):
        name = f"{FOLDER}/{number:02d}-{files.safe(shown.why.replace(' ', '-'))}{ENDING}"
        files.write(folder / name, _marked(of, shown.row, found[shown.row]))
        row = str(one.cohort.row_id[shown.row])
        written.append(PictureFacts(file=name, why=shown.why, row_id=row, told=shown.told, marks=False))
    return written


def _marked(of: Texts, row: int, told: list[Told]) -> str:
    """The text once for each class that is explained, around its marks."""
    places, names = of.ragged.places, of.predictor.task.names
    assert places is not None
    each = [
        reading.excerpt(names[o.column], places.texts[row], places.pieces[row], texts.phrases_of(places, row, o)) for o in told
    ]
    return "".join(piece.markup for piece in each)


# -------------------------------------------------------------------------------------------------------------------- which rows


def _chosen(predictor: Predictor, one: Judged) -> list[_Shown]:
    """Each row once, as the first that it was chosen for."""
    found = _of_labels(predictor, one) if predictor.task.kind == "multilabel" else _of_classes(predictor, one)
    first: dict[int, _Shown] = {}
    for shown in found:
        first.setdefault(shown.row, shown)
    return list(first.values())


def _of_classes(predictor: Predictor, one: Judged) -> Iterator[_Shown]:
    """The surest error of each of the most frequent pairs, and the surest right ones."""
    kind = predictor.task.kind
    called = cases.calls(kind, predictor.final, one.answers[predictor.final], one.cohort.target, one.thresholds)
    size = len(called.names)
    pair = called.truth * size + called.said
    often, count = np.unique(pair[called.wrong], return_counts=True)
    for which in often[np.argsort(-count, kind="stable")][:PAIRS].tolist():
        true, said = called.names[which // size], called.names[which % size]
        columns = [0] if kind == "binary" else [which % size, which // size]
        row = int(called.surest(called.wrong & (pair == which))[0])
        yield _Shown(row, f"{true}, called {said}", called.told(row), columns)
    for row in called.surest(called.known & ~called.wrong)[:RIGHT].tolist():
        yield _Shown(row, "surest and right", called.told(row), [0] if kind == "binary" else [int(called.said[row])])


def _of_labels(predictor: Predictor, one: Judged) -> Iterator[_Shown]:
    """The surest false calls, the surest misses, and the surest right calls."""
    answer, target = one.answers[predictor.final], one.cohort.target
    called = np.asarray(decide("multilabel", predictor.final, answer, one.thresholds), bool)
    true = target.known & (target.values == 1)
    kinds = (
        ("called, and not there", target.known & ~true & called, answer.values, OF_A_KIND),
        ("there, and not called", true & ~called, -answer.values, OF_A_KIND),
        ("surest and right", true & called, answer.values, RIGHT),
    )
    for why, which, score, most in kinds:
        row, column = np.nonzero(which)
        for place in np.argsort(-score[row, column], kind="stable")[:most].tolist():
            at = int(row[place]), int(column[place])
            yield _Shown(at[0], why, f"{answer.names[at[1]]} ({answer.values[at]:.2f})", [at[1]])


# ------------------------------------------------------------------------------------------------------------------ which words


def _words(of: Texts, one: Judged, method: Method) -> list[WordFacts]:
    """The words that add most to what is said, over rows drawn by a fixed seed; the vocabulary's alone, which names nobody."""
    sums = sums_of(of, one.answers[of.predictor.final].values, method)
    return [fact for column in range(len(of.predictor.task.names)) for fact in _of_column(of, column, sums)]


def sums_of(of: Texts, values: Array, method: Method) -> dict[tuple[int, str], list[float]]:
    """Of each class and known word what it adds in each row where the class is what is said; `values` are answered, "N K".

    As many rows are looked at, in an order that a seed draws, as have WORDS together.
    """
    several = None if of.predictor.task.kind == "multilabel" else 1
    rows = _counted(of.ragged.lengths, WORDS[method])
    asked = {row: attributed.columns(of.predictor, values[row])[:several] for row in rows}
    sums: dict[tuple[int, str], list[float]] = {}
    for row, each in attributed.by_network(of, asked, method, FEW, widen=False).items():
        for told in each:
            for word, change in _in_row(of, row, told).items():
                sums.setdefault((told.column, word), []).append(change)
    return sums


def _counted(lengths: Array, most: int) -> list[int]:
    """Rows in an order that a seed draws, as many as have so many words together."""
    order = streams.generator(0, "readings").permutation(len(lengths))
    kept: list[int] = order[np.cumsum(lengths[order]) <= most].tolist()
    return kept


def _in_row(of: Texts, row: int, told: Told) -> dict[str, float]:
    """What each known word adds, wherever it stands in the text."""
    places, options, known = of.ragged.places, of.options, set(of.predictor.fitted[of.name].spec.names)
    assert places is not None
    said = places.texts[row]
    forms = [said[begin:end] for begin, end in zip(told.begin.tolist(), told.end.tolist(), strict=True)]
    found: dict[str, float] = {}
    for word, change in zip(normalised(forms, options.lower, options.digits), told.change.tolist(), strict=True):
        if word in known:
            found[word] = found.get(word, 0.0) + change
    return found


def _of_column(of: Texts, column: int, sums: Mapping[tuple[int, str], list[float]]) -> list[WordFacts]:
    name = of.predictor.task.names[column]
    own = {word: changes for (which, word), changes in sums.items() if which == column and len(changes) > 1}
    order = sorted(own, key=lambda word: (-sum(own[word]), word))[:TABLED]
    return [WordFacts(class_=name, word=word, rows=len(own[word]), change=float(np.mean(own[word]))) for word in order]
