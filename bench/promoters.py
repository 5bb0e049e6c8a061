"""What leave-one-out makes of the promoters of E. coli, and whether mutagenesis finds their two boxes.

    python bench/promoters.py RUN                    # of studies/promoters.toml

Each sequence is judged, and its letters changed one by one, by the model that did not see it. The sequences run from -50 to +7
of the start of transcription; there is no place 0, so that the first letter is -50 and the 51st +1. The boxes of a promoter lie
about -35 and -10; here they reach as far as the rules of the published domain theory (Towell 1990). The strength of a place is
the mean over all sequences of the mean absolute change of the log-odds; its fall the mean over the promoters of how far the
log-odds of a promoter fall there: what is noise in single changes, up as often as down, does not show in it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import harness
import numpy as np
import polars as pl

from sequela import bundle
from sequela.evaluate.intervals import wilson
from sequela.pipeline import mutated
from sequela.pipeline.mutated import Sequences
from sequela.store.store import open_store
from sequela.types import Array

FIRST = -50  # the place of the first letter
BOXES = {"-35": (-37, -31), "-10": (-14, -7)}
PUBLISHED = {"KBANN": 4, "back-propagation": 8, "ID3": 19}  # errors of 106 (Towell 1990)
FIGURE = Path(__file__).resolve().parent.parent / "docs" / "figures" / "promoters.svg"


def places(count: int) -> Array:
    """Where each letter stands against the start of transcription."""
    found = np.arange(count) + FIRST
    return np.where(found >= 0, found + 1, found)


def errors(run: Path) -> dict[str, str]:
    """By model, how many of all sequences are called wrongly where each is left out once."""
    said = pl.read_parquet(run / "predictions.parquet").filter(pl.col("part") == "test")
    found = {}
    for (model,), rows in said.group_by(["model"], maintain_order=True):
        wrong = int(((rows["decision"] == "yes") != (rows["target"] == 1)).sum())
        low, high = wilson(wrong, len(rows), 0.95)
        found[str(model)] = f"{wrong} of {len(rows)} ({low * len(rows):.1f} to {high * len(rows):.1f})"
    return found


def changes(run: Path) -> tuple[Array, Array]:
    """Of each sequence left out the mean absolute change at each place, "N P"; of each promoter the mean fall there, "M P"."""
    strength, fall = [], []
    said = pl.read_parquet(run / "predictions.parquet").filter(pl.col("part") == "test", pl.col("model") == "model")
    for folder in sorted(run.glob("split-*")):
        held = bundle.load(folder / "model.sequela")
        store = open_store(json.loads((folder / "run.json").read_text())["data"]["source"])
        own = said.filter(pl.col("split") == folder.name)
        cohort, _ = held.eligible(store, own["source_id"].to_list())
        known = held.known(store, cohort)
        of = Sequences(held.predictor, known, held.predictor.evidence(known, cohort.subject_id, cohort.row_id), "dna")
        found = mutated.by_mutagenesis(of, 0, [0])
        strength.append(found.strength()[0])
        if own["target"][0] == 1:
            fall.append(-np.nanmean(found.change[0], 1))
    return np.array(strength), np.array(fall)


def boxes(mean: Array) -> dict[str, Any]:
    """Whether the strongest places lie in the boxes."""
    where = places(len(mean))
    order = np.argsort(-mean, kind="stable")
    inside = {name: (where >= low) & (where <= high) for name, (low, high) in BOXES.items()}
    either = np.any(list(inside.values()), axis=0)
    return {
        "strongest places": " ".join(f"{place:+d}" for place in where[order[:10]].tolist()),
        "of the ten strongest in a box": int(either[order[:10]].sum()),
        **{f"strongest place about {name}": f"{where[np.argmax(np.where(own, mean, -1))]:+d}" for name, own in inside.items()},
        "mean strength in the boxes": f"{mean[either].mean():.3f}",
        "mean strength elsewhere": f"{mean[~either].mean():.3f}",
    }


def drawn(mean: Array) -> str:
    """Bars of the strength of each place, the boxes shaded."""
    where, height, step = places(len(mean)), 120.0, 9.0
    low = {place: k for k, place in enumerate(where.tolist())}
    shade = "".join(
        f'<rect x="{40 + low[first] * step:g}" y="10" width="{(low[last] - low[first] + 1) * step:g}" height="{height:g}" '
        f'fill="#e8e8e8"/><text x="{40 + (low[first] + 3.5) * step:g}" y="8" font-size="8" text-anchor="middle">{name}</text>'
        for name, (first, last) in BOXES.items()
    )
    highest = max(mean.max(), 1e-9)
    bars = "".join(
        f'<rect x="{41 + k * step:g}" y="{10 + height * (1 - one / highest):.1f}" width="{step - 2:g}" '
        f'height="{height * one / highest:.1f}" fill="#17406d"/>'
        for k, one in enumerate(np.maximum(mean, 0).tolist())
    )
    ticks = "".join(
        f'<text x="{40 + (k + 0.5) * step:g}" y="{height + 20:g}" font-size="7" text-anchor="middle">{place:+d}</text>'
        for k, place in enumerate(where.tolist())
        if place % 5 == 0 or place == 1
    )
    top = f'<text x="36" y="16" font-size="7" text-anchor="end">{highest:.2f}</text>'
    zero = f'<text x="36" y="{10 + height:g}" font-size="7" text-anchor="end">0</text>'
    said = "Mean fall of the log-odds of promoters when a letter is another one, by its place"
    label = f'<text x="40" y="{height + 32:g}" font-size="8">{said}</text>'
    width = 48 + len(mean) * step
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height + 38:g}" font-family="sans-serif" role="img">'
        f"<title>{said}</title>{shade}{bars}{ticks}{top}{zero}{label}</svg>\n"
    )


def main() -> None:
    """Measures, draws and records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", default="promoters", help="of the result")
    given = parser.parse_args()
    run = given.run
    strength, fall = (each.mean(0) for each in changes(run))
    FIGURE.write_text(drawn(fall), encoding="utf-8")
    harness.record(
        given.name,
        {
            "claim": "leave-one-out over 106 sequences; the letters that count are those of the boxes about -35 and -10",
            "errors": errors(run) | {f"{name}, published": f"{wrong} of 106" for name, wrong in PUBLISHED.items()},
            "places": {"all sequences, mean absolute change": boxes(strength), "promoters, mean fall": boxes(fall)},
            "fall": dict(zip((f"{place:+d}" for place in places(len(fall)).tolist()), fall.round(4).tolist(), strict=True)),
        },
    )


if __name__ == "__main__":
    main()
