"""Whether the words that an answer rests on are those that say so: a run over simulated texts against planted spans.

    python bench/text_evidence.py RUN [--store STORE] [--notes 100]       # of studies/note_coding.toml, or studies/symptoms.toml

The network saw codes of whole notes, never a span. Of each test note and each code that is true of it, the word that adds most,
and the phrase that does, are held against the spans that plant the code, method by method; beside them a word, and a phrase of
that length, anywhere in the note. Of symptoms, every one that the patient has speaks for the diagnosis. Of lime the share of
codes whose strongest word three seeds agree on is told, of each method the seconds that a note takes.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import harness
import numpy as np
import polars as pl

from sequela import bundle
from sequela.bundle import Bundle
from sequela.evaluate.facts import RunFacts
from sequela.pipeline import attributed, files, texts
from sequela.pipeline.attributed import Method, Texts, Told
from sequela.store.store import Store, open_store
from sequela.text import documents
from sequela.types import Array, Known

NAME = "evidence"  # of the spans
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Notes:
    """Test notes with their planted spans."""

    of: Texts
    known: Known
    spans: Mapping[int, list[tuple[int, int, str]]]  # by row: begin, end, code
    hard: Array  # bool "N"
    true: Array  # int64 "N": of classes, the true one

    @property
    def of_classes(self) -> bool:
        """Whether the spans are signs of a class, rather than of a label each."""
        return self.of.predictor.task.kind == "multiclass"

    def asked(self) -> dict[int, list[int]]:
        """Of each note the codes that are planted in it, or its class."""
        names = self.of.predictor.task.names
        if self.of_classes:
            return {row: [int(self.true[row])] for row in self.spans}
        return {row: sorted({names.index(code) for _, _, code in own if code in names}) for row, own in self.spans.items()}

    def planted(self, row: int, column: int) -> Array:
        """Half-open ranges "M 2" of the note's text."""
        code = self.of.predictor.task.names[column]
        return np.array([(begin, end) for begin, end, one in self.spans[row] if self.of_classes or one == code])


def read(held: Bundle, store: Store, test: list[str], count: int) -> Notes:
    """The first so many test notes that have a code."""
    cohort, _ = held.eligible(store, test)
    cohort = cohort.take(np.arange(min(count, len(cohort))))
    known = held.known(store, cohort)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    marks = store.events([f"{documents.SPANS}//{NAME}"], cohort.subject_id.tolist())
    found = {int(subject): documents.marks(text) for subject, text in marks.select("subject_id", "text_value").iter_rows()}
    spans = {
        row: [(mark.begin, mark.end, mark.type) for mark in found[subject].spans]
        for row, subject in enumerate(cohort.subject_id.tolist())
        if subject in found and found[subject].spans
    }
    name = attributed.input_of(held.study)
    assert name is not None
    hard = np.asarray(cohort.groups.get("hard", np.full(len(cohort), "")) == "yes")
    return Notes(Texts(held.predictor, rows, name), known, spans, hard, cohort.target.values[:, 0].astype(np.int64))


def told(notes: Notes, method: Method, seed: int = 0) -> tuple[dict[int, list[Told]], float]:
    """What each method says, and CPU-seconds a note."""
    asked = {row: columns for row, columns in notes.asked().items() if columns}
    began = time.process_time()
    if method == "lime":
        found = attributed.by_leaving_out(notes.of, notes.known, asked, seed=seed)
    else:
        found = attributed.by_network(notes.of, asked, method)
    return found, (time.process_time() - began) / len(asked)


def scored(notes: Notes, found: Mapping[int, list[Told]]) -> dict[str, float]:
    """Shares of the codes of the notes whose strongest word, and phrase, touches a span that plants it; and by chance."""
    places = notes.of.ragged.places
    assert places is not None
    each = []
    for row, those in found.items():
        for one in those:
            spans = notes.planted(row, one.column)
            best = int(np.argmax(one.change))
            phrases = [phrase for phrase in texts.phrases_of(places, row, one) if phrase.change > 0]
            phrase = max(phrases, key=lambda each: each.change, default=None)
            long = 0 if phrase is None else int(((one.begin >= phrase.begin) & (one.end <= phrase.end)).sum())
            each.append(
                (
                    _touches(one.begin[best], one.end[best], spans),
                    phrase is not None and _touches(phrase.begin, phrase.end, spans),
                    _by_chance(one, spans, 1),
                    _by_chance(one, spans, max(long, 1)),
                    long,
                    notes.hard[row],
                    abs(one.missing),
                )
            )
    word, phrase_, chance, chances, length, hard, missing = np.array(each, float).T
    return {
        "codes": len(each),
        "word": round(float(word.mean()), 4),
        "phrase": round(float(phrase_.mean()), 4),
        "phrase, hard notes": round(float(phrase_[hard == 1].mean()), 4) if (hard == 1).any() else float("nan"),
        "word by chance": round(float(chance.mean()), 4),
        "phrase by chance": round(float(chances.mean()), 4),
        "words of a phrase": round(float(length.mean()), 2),
        "missing, log-odds, median": round(float(np.median(missing)), 4),
    }


def _touches(begin: int, end: int, spans: Array) -> bool:
    return bool(((spans[:, 0] < end) & (spans[:, 1] > begin)).any())


def _by_chance(one: Told, spans: Array, length: int) -> float:
    """The share of all runs of so many words that touch a span."""
    inside = np.array([_touches(begin, end, spans) for begin, end in zip(one.begin, one.end, strict=True)])
    total = np.concatenate([[0], np.cumsum(inside)])
    length = min(length, len(inside))
    return float((total[length:] > total[: len(total) - length]).mean())


def steady(each: list[dict[int, list[Told]]]) -> float:
    """The share of codes whose strongest word all seeds agree on."""
    first, *others = [
        {(row, one.column): int(np.argmax(one.change)) for row, those in found.items() for one in those} for found in each
    ]
    return float(np.mean([all(other[which] == best for other in others) for which, best in first.items()]))


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--store", type=Path, help="left out: that of the run")
    parser.add_argument("--notes", type=int, default=100)
    arguments = parser.parse_args()
    held = bundle.load(arguments.run / files.BUNDLE)
    source = arguments.store or Path(files.read_json(arguments.run / files.FACTS, RunFacts).data.source)
    said = pl.read_parquet(arguments.run / files.PREDICTIONS)
    part = "test" if (said["part"] == "test").any() else "tune"
    said = said.filter(pl.col("part") == part)
    notes = read(held, open_store(source), said["source_id"].unique().sort().to_list(), arguments.notes)
    rows: dict[str, Any] = {}
    methods: tuple[Method, ...] = ("attention", "gradients", "lime")
    for method in methods:
        if method in attributed.methods(held.predictor, notes.of.name):
            found, seconds = told(notes, method)
            rows[attributed.NAMES[method]] = scored(notes, found) | {"CPU-seconds a note": round(seconds, 3)}
            if method == "lime":
                again = [found, *(told(notes, method, seed)[0] for seed in SEEDS[1:])]
                rows[attributed.NAMES[method]]["same strongest word for three seeds"] = round(steady(again), 4)
    claim = "the words that an answer rests on are those that say so, on notes whose spans are planted"
    name = "text_evidence_of_classes" if notes.of_classes else "text_evidence"
    harness.record(name, {"claim": claim, "study": held.study.name, "part": part, "notes": len(notes.spans), "methods": rows})


if __name__ == "__main__":
    main()
