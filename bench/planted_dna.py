"""Whether the letters that an answer rests on are those of the planted motifs: a run of studies/planted_dna.toml.

    python bench/planted_dna.py RUN TRUTH            # truth.csv, as `sequela simulate dna` wrote it

The network saw which stretches of DNA are positive, never where the motifs stand. Of test positives, drawn by a fixed seed, each
place is weighed by mutagenesis (the mean absolute change of the log-odds when its letter is another one), by integrated gradients
(the absolute sum of what it adds) and at random. Recall: the share of the places of both motifs among the strongest 5 % of the
places, where there is room for half of them, and among as many places as the motifs have. Precision: the share of the strongest
5 % that lie in a motif.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import harness
import numpy as np
import polars as pl

from sequela import bundle
from sequela.evaluate.intervals import wilson
from sequela.pipeline import mutated
from sequela.pipeline.mutated import Sequences
from sequela.simulate.dna import LENGTH, MOTIFS
from sequela.store.store import open_store
from sequela.types import Array

ROWS = 30  # positives that are explained
SHARE = 0.05
WIDTH = sum(map(len, MOTIFS))


def weights(run: Path) -> Iterator[tuple[str, dict[str, Array]]]:
    """Of test positives the source's id, and how strong each place is by each method, float64 "P"."""
    facts, said = json.loads((run / "run.json").read_text()), pl.read_parquet(run / "predictions.parquet")
    positive = said.filter(pl.col("part") == "test", pl.col("model") == "model", pl.col("target") == 1)
    subjects = positive["source_id"].unique().sort().to_list()
    random = np.random.default_rng(0)
    chosen = [subjects[k] for k in np.sort(random.permutation(len(subjects))[:ROWS])]
    held, store = bundle.load(run / "model.sequela"), open_store(facts["data"]["source"])
    cohort, _ = held.eligible(store, chosen)
    known = held.known(store, cohort)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    of = Sequences(held.predictor, known, rows, "dna")
    for row, subject in enumerate(cohort.source_id.tolist()):
        yield (
            subject,
            {
                "mutagenesis": mutated.by_mutagenesis(of, row, [0]).strength()[0],
                "integrated gradients": np.abs(mutated.by_gradients(of, row, [0]).change[0, :, 0]),
                "random": random.random(LENGTH),
            },
        )


def planted(truth: Path) -> dict[str, Array]:
    """Of each positive which places its motifs take, bool "P"."""
    found = {}
    with truth.open(encoding="ascii") as file:
        for line in csv.DictReader(file):
            if line["kind"] == "both":
                inside = np.zeros(LENGTH, bool)
                for begin, motif in zip((int(line["first"]), int(line["second"])), MOTIFS, strict=True):
                    inside[begin : begin + len(motif)] = True
                found[line["id"]] = inside
    return found


def measured(run: Path, truth: Path) -> dict[str, dict[str, Any]]:
    """By method, over the places of all rows."""
    inside = planted(truth)
    each: dict[str, list[tuple[int, int]]] = {}
    for subject, strength in weights(run):
        for method, weight in strength.items():
            order = np.argsort(-weight, kind="stable")
            each.setdefault(method, []).append((_hits(order, inside[subject], top()), _hits(order, inside[subject], WIDTH)))
    return {method: _told(np.array(hits)) for method, hits in each.items()}


def top() -> int:
    """How many places are the strongest 5 %."""
    return round(SHARE * LENGTH)


def _hits(order: Array, inside: Array, count: int) -> int:
    return int(inside[order[:count]].sum())


def _told(hits: Array) -> dict[str, Any]:
    rows = len(hits)
    return {
        "positives explained": rows,
        f"precision of the top {top()} of {LENGTH}": _share(int(hits[:, 0].sum()), rows * top()),
        f"recall in the top {top()} (at most {top() / WIDTH:.2f})": f"{hits[:, 0].sum() / (rows * WIDTH):.3f}",
        f"recall in the top {WIDTH}": _share(int(hits[:, 1].sum()), rows * WIDTH),
    }


def _share(hits: int, count: int) -> str:
    """With its 95 % interval (Wilson)."""
    low, high = wilson(hits, count, 0.95)
    return f"{hits / count:.3f} ({low:.3f} to {high:.3f})"


def _aurocs(run: Path) -> Mapping[str, str]:
    rows = json.loads((run / "metrics.json").read_text())
    test = [row for row in rows if row["part"] == "test" and row["metric"] == "auroc" and not row["group"] and not row["against"]]
    return {row["model"]: f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]" for row in test}


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("truth", type=Path)
    given = parser.parse_args()
    payload = {
        "claim": "the letters that an answer rests on are those of the planted motifs",
        "auroc": _aurocs(given.run),
        "methods": measured(given.run, given.truth),
    }
    harness.record("planted_dna", payload)


if __name__ == "__main__":
    main()
