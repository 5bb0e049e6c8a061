"""What is told of a sequence whose letters were changed: terms of a prediction, a page, maps for a report, a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sequela import model as models
from sequela.bundle import Bundle
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence, Progress
from sequela.evaluate import cases
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report import mutation_map, reading
from sequela.evaluate.report.html import Safe, paragraph, tag
from sequela.evaluate.report.reading import Head
from sequela.evaluate.report.sections.mutations import ENDING
from sequela.explain.mutagenesis import LEFT_OUT, Map
from sequela.pipeline import files, left_out, mutated
from sequela.pipeline.mutated import Sequences
from sequela.pipeline.pictures import FOLDER
from sequela.pipeline.texts import Explained, How, Who
from sequela.residues.record import SEQUENCE
from sequela.store.store import Store
from sequela.study import cut
from sequela.types import Array, Cohort, Known

SHOWN = 12  # changes of a class that a prediction names
LETTERS = 400_000  # that are read for a map of a report, in all its changes
ROWS = 4  # that a report shows
NAMES = {"mutagenesis": "in-silico mutagenesis", "gradients": "integrated gradients"}
REST = "(each place)"
CHANGES = (
    "Each letter of the sequence was put to each other letter, and the whole model asked again. A change says what the model "
    "makes of another letter, not what that letter does in a cell."
)
SMILES = "Each token of the SMILES was left out in turn; what is left need not be a molecule."
GRADIENTS = "Integrated gradients of the first network from letters that say nothing; what they add sums to what is told."


@dataclass(frozen=True, slots=True)
class _Told:
    """A sequence of a row, explained."""

    name: str  # of the input
    found: Map
    columns: Sequence[int]
    method: str


def of_sequences(held: Bundle, store: Store, who: Who, how: How, folder: Path | None, progress: Progress) -> Explained:
    """Of each row that has sequences what their letters do, and with a folder a page of it.

    What other inputs tell is told by leaving their codes out. Raises UsageError where the answer is not explained, not by that
    method, or a sequence is too long.
    """
    mutated.check(held.predictor, how.method)
    known, rows = _readable(held, store, who)
    values = held.predictor.answer(rows).values
    others = _others(held, store, who, progress)
    found = Explained()
    for row in range(len(rows)):
        columns = mutated.columns(held.predictor, values[row], how.classes)
        told = list(_explained(held.predictor, known, rows, row, columns, how.method))
        row_id = str(rows.row_id[row])
        if told:
            found.terms[row_id] = tuple(term for one in told for term in _terms(held.predictor, one)) + others.get(row_id, ())
        if told and folder is not None:
            file = folder / f"{files.safe(row_id)}-explained.html"
            files.write(file, _page(held.predictor, row_id, told, values[row]))
            found.files[row_id] = str(file)
        progress("explaining", row + 1, len(rows))
    return found


def _readable(held: Bundle, store: Store, who: Who) -> tuple[Known, Evidence]:
    """The rows that are not refused."""
    cohort, _ = held.eligible(store, *who)
    known = held.known(store, cohort)
    kept = np.flatnonzero(models.refusals(held.predictor.fitted, known) == "")
    cohort, known = cohort.take(kept), cut.take(known, kept)
    return known, held.predictor.evidence(known, cohort.subject_id, cohort.row_id)


def _others(held: Bundle, store: Store, who: Who, progress: Progress) -> dict[str, tuple[dict[str, Any], ...]]:
    """row_id -> what its codes do that are no sequences, each left out in turn."""
    if len(held.study.inputs) == len(mutated.inputs_of(held.study)):
        return {}
    said = left_out.left_out(held, store, *who, progress)
    return {row: tuple(term for term in each if not term["code"].startswith(SEQUENCE)) for row, each in said.items()}


def _explained(
    predictor: Predictor, known: Known, rows: Evidence, row: int, columns: Sequence[int], method: str
) -> Iterator[_Told]:
    """Each sequence that the row has."""
    for name in mutated.inputs_of(predictor.study):
        of = Sequences(predictor, known, rows, name)
        if not of.read(row):
            continue
        if method == "gradients":
            yield _Told(name, mutated.by_gradients(of, row, columns), columns, "gradients")
        else:
            yield _Told(name, mutated.by_mutagenesis(of, row, columns), columns, "mutagenesis")


# --------------------------------------------------------------------------------------------------------------------- as terms


def _terms(predictor: Predictor, one: _Told) -> Iterator[dict[str, Any]]:
    """Of each class the strongest changes, then how strong each place is: places are numbered from 1."""
    for q, column in enumerate(one.columns):
        name = predictor.task.names[column]
        same = {"class": name, "scale": _scale(predictor, name), "method": NAMES[one.method], "input": one.name}
        change = one.found.change[q]
        size = np.abs(np.nan_to_num(change)).ravel()
        for at in np.argsort(-size, kind="stable")[:SHOWN].tolist():
            place, put = divmod(at, change.shape[1])
            if size[at]:
                yield _change(one.found, place, put, float(change[place, put])) | same
        strength = [None if np.isnan(each) else round(float(each), 6) for each in one.found.strength()[q]]
        yield (
            {"code": REST, "change": float(np.nansum(size)) / max(len(change), 1), "told": float(one.found.told[q])}
            | same
            | {"strength": strength}
        )


def _change(found: Map, place: int, put: int, change: float) -> dict[str, Any]:
    return {
        "place": place + 1,
        "letter": found.text[found.begin[place] : found.end[place]],
        "put": found.letters[put],
        "change": change,
    }


def _scale(predictor: Predictor, name: str) -> str:
    return f"in the unit of {name}" if predictor.task.kind == "regression" else f"log-odds of {name}"


# -------------------------------------------------------------------------------------------------------- as a page, and a report


def _page(predictor: Predictor, row_id: str, told: Sequence[_Told], values: Array) -> str:
    names = predictor.task.names
    said = ", ".join(f"{names[column]} {values[column]:.3f}" for column in told[0].columns)
    shown = [part for one in told for part in _shown(predictor, one)]
    return reading.marked_page(Head(row_id, predictor.study.question, f"Answer: {said}"), shown)


def _shown(predictor: Predictor, one: _Told) -> Iterator[Safe]:
    yield paragraph(GRADIENTS if one.method == "gradients" else SMILES if LEFT_OUT in one.found.letters else CHANGES)
    for q, column in enumerate(one.columns):
        name = predictor.task.names[column]
        yield tag("h2", f"{one.name}: {_scale(predictor, name)}")
        yield mutation_map.legend(one.found, q)
        yield mutation_map.drawn(one.found, q, f"changes of {one.name} by {_scale(predictor, name)}")


def write(folder: Path, predictor: Predictor, one: Judged, rows: Evidence, known: Known) -> list[PictureFacts]:
    """Maps of a few rows, where an answer about a whole sequence rests on one; `known` has the rows of the evidence."""
    names = mutated.inputs_of(predictor.study)
    if not names or predictor.task.kind not in mutated.EXPLAINED or rows.steps is not None or not len(rows):
        return []
    written: list[PictureFacts] = []
    for row, why, said in _chosen(predictor, one):
        columns = mutated.columns(predictor, one.answers[predictor.final].values[row])[:1]
        for name in names:
            of = Sequences(predictor, known, rows, name)
            if not 0 < of.read(row) <= mutated.LONGEST:
                continue
            found = mutated.by_mutagenesis(of, row, columns, most=LETTERS // of.read(row))
            file = f"{FOLDER}/{len(written) + 1:02d}-{files.safe(name)}{ENDING}"
            title = f"changes of {name} by {_scale(predictor, predictor.task.names[columns[0]])}"
            files.write(folder / file, mutation_map.drawn(found, 0, title).markup)
            row_id = str(one.cohort.row_id[row])
            written.append(PictureFacts(file=file, why=why, row_id=row_id, told=f"{title}; {said}", marks=False))
    return written


def _chosen(predictor: Predictor, one: Judged) -> list[tuple[int, str, str]]:
    """Rows, why and what was said: the surest that are right and wrong; of labels and values the largest and the smallest."""
    kind, answer = predictor.task.kind, one.answers[predictor.final]
    if kind in ("binary", "multiclass"):
        called = cases.calls(kind, predictor.final, answer, one.cohort.target, one.thresholds)
        right, wrong = called.surest(~called.wrong), called.surest(called.wrong)
        picked = [
            *((row, "surest and right") for row in right[: ROWS // 2]),
            *((row, "surest errors") for row in wrong[: ROWS // 2]),
        ]
        return [(int(row), why, called.told(int(row))) for row, why in picked]
    highest = answer.values.max(1)
    order = np.argsort(-highest, kind="stable").tolist()
    picked = [(order[0], "highest answer"), *([(order[-1], "lowest answer")] if len(order) > 1 else [])]
    return [(row, why, f"answer {highest[row]:.3g}") for row, why in picked]


# -------------------------------------------------------------------------------------------------------------------- as a table


def table(held: Bundle, known: Known, cohort: Cohort, progress: Progress) -> list[dict[str, Any]]:
    """By input and place (where all sequences are of one length), or else by what was put for what: the changes over these rows.

    Of the likeliest class of each row, or the first value. Rows that are refused are left out.
    """
    mutated.check(held.predictor, "mutagenesis")
    kept = np.flatnonzero(models.refusals(held.predictor.fitted, known) == "")
    cohort, known = cohort.take(kept), cut.take(known, kept)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    values = held.predictor.answer(rows).values
    found: list[_Told] = []
    for row in range(len(rows)):
        found += _explained(held.predictor, known, rows, row, mutated.columns(held.predictor, values[row])[:1], "mutagenesis")
        progress("explaining", row + 1, len(rows))
    each = {name: [one.found for one in found if one.name == name] for name in mutated.inputs_of(held.study)}
    return [line for name, maps in each.items() for line in _lines(name, maps)]


def _lines(name: str, maps: Sequence[Map]) -> list[dict[str, Any]]:
    aligned = len({len(one.begin) for one in maps}) == 1 and len(maps) > 1
    sums: dict[str, list[float]] = {}
    for one in maps:
        for place, put in np.argwhere(~np.isnan(one.change[0])).tolist():
            wild = one.text[one.begin[place] : one.end[place]].upper()
            what = f"place {place + 1}" if aligned else f"{wild} to {one.letters[put]}"
            sums.setdefault(f"{name}, {what}", []).append(float(one.change[0, place, put]))
    lines = [
        {"code": code, "rows": len(each), "mean_absolute": float(np.abs(each).mean()), "mean": float(np.mean(each))}
        for code, each in sums.items()
    ]
    return sorted(lines, key=lambda line: -line["mean_absolute"])
