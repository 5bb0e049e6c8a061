"""Whether the words that a code rests on are those that assert it: runs of studies/note_coding.toml against the planted spans.

    python bench/note_evidence.py RUN [RUN]

The network saw the codes of whole notes, never where they stand. The logit of a code is an exact sum over the words of the note
(label attention); of each code that is called and true in a test note, the word that adds most should lie in the span that
asserts it. In a hard note half of the conditions that are named are not the patient's, and a bag of words cannot tell which: so
the halves are told apart, and what the run scored in each stands beside.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
import numpy as np
import polars as pl
import torch

from sequela import batch as batches
from sequela import bundle, model
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.evaluate.intervals import wilson
from sequela.evaluate.threshold import decide
from sequela.nn.label_attention import LabelAttention
from sequela.store.store import Store, open_store
from sequela.text import documents
from sequela.types import Places

ROWS = 64  # read at once
SCORES = ("micro_auroc", "macro_f1", "micro_f1", "p_at_5")


@dataclass(frozen=True)
class Call:
    """A code that is called of a test note, and true."""

    hard: bool
    spans: tuple[tuple[int, int], ...]  # where the note asserts it
    begin: int  # of the word that adds most to its logit
    end: int

    @property
    def hit(self) -> bool:
        return any(self.begin < high and self.end > low for low, high in self.spans)


def calls(run: Path) -> list[Call]:
    """Every such code of the test part."""
    facts, said = json.loads((run / "run.json").read_text()), pl.read_parquet(run / "predictions.parquet")
    held, store = bundle.load(run / "model.sequela"), open_store(facts["data"]["source"])
    test = said.filter(pl.col("part") == "test", pl.col("model") == "model")["source_id"].unique().sort().to_list()
    cohort, _ = held.eligible(store, test)
    rows = held.predictor.evidence(held.known(store, cohort), cohort.subject_id, cohort.row_id)
    hard = {row["subject_id"]: row["text_value"] == "yes" for row in store.events(["HARD"]).to_dicts()}
    planted = _planted(store)
    found: list[Call] = []
    for row, column, word in _strongest(held.predictor, rows):
        subject, name = int(cohort.subject_id[row]), held.predictor.task.names[column]
        if spans := planted[subject].get(name):
            found.append(Call(hard[subject], spans, *word))
    return found


def _planted(store: Store) -> dict[int, dict[str, tuple[tuple[int, int], ...]]]:
    """Of each subject: code -> where the note asserts it."""
    found: dict[int, dict[str, tuple[tuple[int, int], ...]]] = {}
    for event in store.events([f"{documents.SPANS}//evidence"]).to_dicts():
        own = found.setdefault(event["subject_id"], {})
        for mark in documents.marks(event["text_value"]).spans:
            own[mark.type] = (*own.get(mark.type, ()), (mark.begin, mark.end))
    return found


def _strongest(predictor: Predictor, rows: Evidence) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Of each code that is called of each row: both their numbers, and begin and end of the word that adds most."""
    ((name, ragged),) = rows.inputs.items()
    (network,) = predictor.members
    if not isinstance(network.head, LabelAttention) or ragged.places is None:
        raise SystemExit("the answers of this run are no sum over words")
    called = decide("multilabel", "model", predictor.answers(rows)["model"], predictor.thresholds)
    for some in np.array_split(np.arange(len(rows)), -(-len(rows) // ROWS)):
        seq = model.tensors(batches.collate({name: ragged}, some), "cpu").inputs[name]
        with torch.inference_mode():
            encoded = network.eval().encode(name, seq)
            assert encoded.steps is not None
            best = network.head.terms(encoded.steps, encoded.mask).argmax(2).numpy()
        for place, row in enumerate(some.tolist()):
            for column in np.flatnonzero(called[row]).tolist():
                yield row, column, _word(ragged.places, row, int(best[place, column]))


def _word(places: Places, row: int, step: int) -> tuple[int, int]:
    at = int(places.offsets[row]) + step
    return int(places.begin[at]), int(places.end[at])


def measured(run: Path) -> dict[str, dict[str, Any]]:
    """By half of the test part: how often the strongest word is in the span, and how well everybody called the codes."""
    found, rows = calls(run), json.loads((run / "metrics.json").read_text())
    name = tomllib.loads((run / "study.toml").read_text(encoding="utf-8"))["name"]
    return {
        f"{name}, {half}": {
            "codes called and true": len(own := [one for one in found if one.hard in hard]),
            "strongest word in the span": _share([one.hit for one in own]),
            **_scores(rows, group),
        }
        for half, hard, group in (("all", (True, False), ""), ("easy", (False,), "hard=no"), ("hard", (True,), "hard=yes"))
    }


def _share(hits: Sequence[bool]) -> str:
    """With its 95 % interval (Wilson)."""
    low, high = wilson(sum(hits), len(hits), 0.95)
    return f"{np.mean(hits):.3f} ({low:.3f} to {high:.3f})"


def _scores(rows: Sequence[Mapping[str, Any]], group: str) -> dict[str, str]:
    """Of the model, then of each baseline."""
    test = [row for row in rows if row["part"] == "test" and row["group"] == group and not row["class"] and not row["against"]]
    models = dict.fromkeys(row["model"] for row in test)
    value = {(row["metric"], row["model"]): row["value"] for row in test}
    return {
        f"{metric} ({' / '.join(one.removeprefix('baseline:') for one in models)})": " / ".join(
            f"{value[metric, one]:.3f}" for one in models
        )
        for metric in SCORES
    }


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    found = {name: told for run in parser.parse_args().runs for name, told in measured(run).items()}
    harness.record("note_evidence", {"claim": "the words that a code rests on are those that assert it", "notes": found})


if __name__ == "__main__":
    main()
