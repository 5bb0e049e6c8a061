"""Which MeSH or OMIM concept a mention of a disease names, looked up in what training mentions name: NCBI disease.

    SEQUELA_DATA=… python bench/ncbi_normalisation.py [--part tune] [RUN]

Of the marked mentions: the share whose concepts are told exactly. Of documents: the set of concepts that their mentions name,
held against the set that is marked, all documents together (as of DNorm and TaggerOne; what is joined by | counts as several).
With the folder of a run of studies/ncbi_disease.toml also from the mentions that each of its answers found: then what is missed
or wrongly found counts as well. Names come from the training part alone; how they are compared was chosen on tune.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from harness import measure, record

from sequela import config
from sequela.contracts import Evidence
from sequela.evaluate.intervals import bootstrap, percentiles
from sequela.metrics.entities import entity_f1
from sequela.metrics.sums import ratio, total
from sequela.pipeline import trial
from sequela.pipeline.prepared import prepare
from sequela.pipeline.progress import silent
from sequela.text.concepts import Concepts
from sequela.text.short_forms import short_forms
from sequela.types import Array, Spans

STUDY = Path(__file__).parents[1] / "studies" / "ncbi_disease.toml"
RESAMPLES = 1000


@dataclass(frozen=True)
class Documents:
    """Texts with the mentions that are marked in them."""

    row_id: list[str]
    texts: Sequence[str]
    marked: Spans

    @classmethod
    def of(cls, rows: Evidence) -> Documents:
        ((_, ragged),) = rows.inputs.items()
        assert ragged.places is not None
        return cls(rows.row_id.tolist(), list(ragged.places.texts), rows.target.dense.spans)

    def mentions(self, spans: Spans) -> list[list[str]]:
        """The words of stretches, document by document."""
        found: list[list[str]] = [[] for _ in self.texts]
        for row, begin, end in zip(spans.row, spans.begin, spans.end, strict=True):
            found[row].append(self.texts[row][begin:end])
        return found

    def concepts(self) -> list[list[str]]:
        """Of each mention that is marked."""
        assert self.marked.concept is not None
        return [[str(one).strip() for one in each] for each in np.split(self.marked.concept, self.marked.offsets[1:-1])]


def coded(known: Concepts, documents: Documents, mentions: Sequence[Sequence[str]]) -> list[list[str]]:
    """What each mention names, "" where nothing tells."""
    longer = [short_forms(text) for text in documents.texts]
    return [[known.code(one, of) for one in each] for each, of in zip(mentions, longer, strict=True)]


def compared(said: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of the documents' sets of concepts."""
    pairs = [(_set(one), _set(other)) for one, other in zip(said, truth, strict=True)]
    right, told, there = np.array([(len(one & other), len(one), len(other)) for one, other in pairs], np.float64).T
    return bounded(
        len(pairs),
        {
            "precision": lambda drawn: ratio(total(right, drawn), total(told, drawn)),
            "recall": lambda drawn: ratio(total(right, drawn), total(there, drawn)),
            "F1": lambda drawn: entity_f1(right, told, there, drawn),
        },
    )


def exact(said: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> dict[str, float]:
    """The share of the marked mentions whose concepts are told."""
    each = [[_set([one]) == _set([other]) for one, other in zip(*pair, strict=True)] for pair in zip(said, truth, strict=True)]
    right, count = (np.array([of(one) for one in each], np.float64) for of in (sum, len))
    return bounded(len(each), {"share": lambda drawn: ratio(total(right, drawn), total(count, drawn))})["share"]


def bounded(documents: int, measures: Mapping[str, Callable[[Array | None], Array]]) -> dict[str, dict[str, float]]:
    """Each with its interval over documents."""
    samples = bootstrap(np.arange(documents), list(measures.values()), RESAMPLES, 0)
    limits = {name: percentiles(each) or (np.nan, np.nan) for name, each in zip(measures, samples, strict=True)}
    return {name: {"value": float(of(None)), "low": limits[name][0], "high": limits[name][1]} for name, of in measures.items()}


def _set(codes: Sequence[str]) -> set[str]:
    """Of several things named at once each by itself."""
    return {part.strip() for code in codes for part in code.split("|") if part.strip()}


def found(run: Path, part: str, documents: Documents) -> Mapping[str, list[list[str]]]:
    """Of each answer of a run the mentions that it found, document by document."""
    frame = pl.read_parquet(run / "predictions.parquet").filter(pl.col("part") == part)
    place = {row_id: row for row, row_id in enumerate(documents.row_id)}
    said: dict[str, list[list[str]]] = {}
    for model, row_id, begins, ends in frame.select("model", "row_id", "span_begin", "span_end").iter_rows():
        text = documents.texts[place[row_id]]
        mentions = said.setdefault(model, [[] for _ in documents.texts])
        mentions[place[row_id]] = [text[begin:end] for begin, end in zip(begins, ends, strict=True)]
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", nargs="?", type=Path, help="a folder that `sequela run` wrote")
    parser.add_argument("--part", choices=("tune", "test"), default="test")
    given = parser.parse_args()
    prepared = prepare(config.load(STUDY), STUDY.parent, None, silent)
    rows = trial.read(prepared.split(prepared.plans[0]))
    train, asked = Documents.of(rows.train), Documents.of(rows.of(given.part))
    with measure() as learning:
        mentions = [one for each in train.mentions(train.marked) for one in each]
        known = Concepts.learnt(zip(mentions, (one for each in train.concepts() for one in each), strict=True))
    truth = asked.concepts()
    with measure() as looking:
        codes = coded(known, asked, asked.mentions(asked.marked))
    sets = {"marked": compared(codes, truth)}
    for model, those in found(given.run, given.part, asked).items() if given.run else ():
        sets[f"found by {model.removeprefix('baseline:')}"] = compared(coded(known, asked, those), truth)
    named = {code for each in train.concepts() for code in each}
    payload = {
        "part": given.part,
        "documents": len(asked.texts),
        "mentions": len(asked.marked.begin),
        "mentions_whose_concept_training_names": float(np.mean([code in named for one in truth for code in one])),
        "share_of_marked_mentions_told_exactly": exact(codes, truth),
        "concepts_of_documents_from_mentions": sets,
        "names": len(known.exact),
        "learning_cpu_seconds": learning.cpu_seconds,
        "looking_up_cpu_seconds": looking.cpu_seconds,
    }
    record("ncbi_normalisation", payload)


if __name__ == "__main__":
    main()
