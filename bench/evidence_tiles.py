"""Whether the tiles that an answer rests on hold what was asked for: the run of studies/red_cells.toml against the marked boxes.

    python bench/evidence_tiles.py RUN [--box BOX//RBC]

The network saw labels of whole pictures, never a box. The marked cells on a tile are counted by the share of each box that
lies on it. Of each test picture that count is compared, on the tile that adds most to the log-odds and on the one that takes
most, with the mean of its tiles, which is what a tile chosen blindly holds; and ranked against what all its tiles add.
RUN/evidence.png shows the pictures of which the model is surest: each with its boxes, and with its tiles warm by what they
add.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
import numpy as np
import polars as pl
from PIL import Image
from scipy.stats import spearmanr

from sequela import bundle
from sequela.evaluate import overlay
from sequela.pipeline import bags
from sequela.store.store import Store, open_store
from sequela.types import Array

SHOWN = 4  # pictures


@dataclass(frozen=True)
class Case:
    """One test picture with its tiles and its boxes."""

    picture: Array  # uint8 "3 H W"
    boxes: Array  # "M 4"
    weighed: bags.Weighed

    @property
    def held(self) -> Array:
        """How many marked things lie on each tile, float64 "T"; a part counts by its share."""
        edges, boxes = self.edges[:, None], self.boxes[None]
        low, high = np.maximum(edges[..., :2], boxes[..., :2]), np.minimum(edges[..., 2:], boxes[..., 2:])
        shared = np.clip(high - low, 0, None).prod(2) / (boxes[..., 2:] - boxes[..., :2]).prod(2)
        return np.asarray(shared.sum(1))

    @property
    def edges(self) -> Array:
        """Top, left, bottom, right of each tile "T 4"."""
        assert self.weighed.edges is not None
        return self.weighed.edges

    @property
    def warmth(self) -> Array:
        """What the tiles over each point add, "H W", as a share of the most that any adds."""
        total, count = np.zeros((2, *self.picture.shape[1:]))
        for change, edges in zip(self.weighed.change, self.edges.astype(int), strict=True):
            here = slice(edges[0], edges[2]), slice(edges[1], edges[3])
            total[here] += change
            count[here] += 1
        mean = np.clip(total / np.maximum(count, 1), 0, None)
        return mean / max(mean.max(), 1e-9)


def cases(run: Path, box: str) -> list[Case]:
    """The pictures of the test part, each with its tiles."""
    facts, said = json.loads((run / "run.json").read_text()), pl.read_parquet(run / "predictions.parquet")
    held = bundle.load(run / "model.sequela")
    network = bags.bag(held.predictor)
    if network is None:
        raise SystemExit("the answers of this run are no sum over tiles")
    store = open_store(facts["data"]["source"])
    test = said.filter(pl.col("part") == "test", pl.col("model") == "model")["source_id"].unique().sort().to_list()
    cohort, _ = held.eligible(store, test)
    known = held.known(store, cohort)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    found = bags.weighed(network, rows.inputs[network.name], bags.places(held.predictor.fitted[network.name], known))
    return [_case(store, subject, box, one) for subject, one in zip(cohort.subject_id.tolist(), found, strict=True)]


def _case(store: Store, subject: int, box: str, weighed: bags.Weighed) -> Case:
    (picture,) = store.events(["IMAGE"], [subject])["payload"]
    boxes = [text.split() for text in store.events([box], [subject])["text_value"]]
    return Case(store.payloads.open(picture).values, np.array(boxes, np.float64).reshape(-1, 4), weighed)


def measured(found: list[Case]) -> dict[str, Any]:
    """Marked cells on the tiles that add and take most, less those of the mean tile of their picture, over pictures with any."""
    marked = [case for case in found if len(case.boxes)]
    most = np.array([case.held[np.argmax(case.weighed.change)] - case.held.mean() for case in marked])
    least = np.array([case.held[np.argmin(case.weighed.change)] - case.held.mean() for case in marked])
    ranks = np.array([spearmanr(case.held, case.weighed.change).statistic for case in marked if np.ptp(case.held) > 0])
    return {
        "test pictures with a marked cell": len(marked),
        "marked cells on a mean tile": round(float(np.mean([case.held.mean() for case in marked])), 3),
        "more on the tile that adds most": _mean(most),
        "more on the tile that takes most": _mean(least),
        "rank correlation of what a tile adds and holds": _mean(ranks),
    }


def _mean(values: Array) -> str:
    """With its 95 % interval by bootstrap over pictures."""
    drawn = np.random.default_rng(0).choice(values, (2000, len(values))).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def drawn(found: list[Case]) -> Array:
    """The pictures of which the model is surest, one under the other: with the true boxes, and warm where tiles add most."""
    surest = sorted(found, key=lambda case: -(case.weighed.change.sum() + case.weighed.bias))[:SHOWN]
    rows = []
    for case in surest:
        boxes = overlay.Outlined(case.boxes, np.ones(len(case.boxes), int))
        shown, warm = overlay.panels(case.picture, [boxes]), overlay.warmth(case.picture, case.warmth)
        half = warm.shape[1] // 2
        rows.append(np.concatenate([shown[:, -half:], warm[:, half:]], 1))
    gap = np.full((overlay.GAP, rows[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([part for row in rows for part in (row, gap)][:-1])


def main() -> None:
    """Measures, records and draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--box", default="BOX//RBC")
    arguments = parser.parse_args()
    found = cases(arguments.run, arguments.box)
    Image.fromarray(drawn(found)).save(arguments.run / "evidence.png")
    harness.record("evidence_tiles", {"claim": "the tiles that an answer rests on hold what was asked for", **measured(found)})


if __name__ == "__main__":
    main()
