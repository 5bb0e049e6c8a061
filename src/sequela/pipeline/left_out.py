"""Which codes an answer rests on: each is taken away in turn, as if it had never been recorded, and the answer asked again.

This is leave-one-out attribution on events (feature ablation with absence as the baseline, Covert 2021, section 4): exact for
the question "what if this had not been measured", silent on what the value ought to have been. Codes that tell the same share
their effect, so that neither shows. Waveforms and images are one code and so are taken away whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from sequela.bundle import Bundle
from sequela.contracts import Progress, Tagger
from sequela.errors import UsageError
from sequela.metrics.calibration import logit
from sequela.pipeline import bags, terms
from sequela.pipeline.importance import Importance, scale
from sequela.store.store import Store
from sequela.types import Array, Cohort, Known

SHOWN = 8  # codes a prediction shows
LEFT_OUT = ("binary", "multiclass", "multilabel", "regression", "survival")  # kinds explained by leaving codes out


def table(held: Bundle, store: Store, cohort: Cohort, progress: Progress) -> Importance:
    """Each code by how far its absence moves the answers about these rows."""
    codes, change, present = changes(held, store, cohort, progress)
    rows = [
        {
            "code": code,
            "rows": int(present[:, k].sum()),
            "mean_absolute": float(np.abs(change[present[:, k], k]).mean()),
            "mean": float(change[present[:, k], k].mean()),
        }
        for k, code in enumerate(codes)
    ]
    return Importance(sorted(rows, key=lambda row: -row["mean_absolute"]), scale(held))


def of_rows(
    held: Bundle, store: Store, subject: int | str | Sequence[int | str] | None, at: str | None, progress: Progress
) -> Mapping[str, tuple[dict[str, Any], ...]]:
    """row_id -> what its answer rests on: the exact terms where the network is a sum (terms.py, bags.py), else codes left out."""
    network, bag = terms.additive(held.predictor), bags.bag(held.predictor)
    if network is None and bag is None:
        return left_out(held, store, subject, at, progress)
    cohort, _ = held.eligible(store, subject, at)
    known = held.known(store, cohort)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    if bag is not None:
        said = bags.exact(bag, held.predictor.fitted[bag.name], known, rows, SHOWN)
    else:
        assert network is not None
        said = terms.exact(network, rows, SHOWN)
    return dict(zip(map(str, cohort.row_id), said, strict=True))


def left_out(
    held: Bundle, store: Store, subject: int | str | Sequence[int | str] | None, at: str | None, progress: Progress
) -> Mapping[str, tuple[dict[str, Any], ...]]:
    """row_id -> its SHOWN codes that move the answer most, the largest first."""
    cohort, _ = held.eligible(store, subject, at)
    codes, change, present = changes(held, store, cohort, progress)
    found = {}
    for i, row in enumerate(cohort.row_id):
        order = [k for k in np.argsort(-np.abs(change[i]), kind="stable") if present[i, k]][:SHOWN]
        found[str(row)] = tuple({"code": codes[k], "change": float(change[i, k]), "scale": scale(held)} for k in order)
    return found


def changes(held: Bundle, store: Store, cohort: Cohort, progress: Progress) -> tuple[list[str], Array, Array]:
    """Codes (K), the answer with all codes minus the answer without each ("N K"), and whether a row has the code ("N K").

    On the logit of the (first) probability, of survival of the first cause by the last horizon, or in the unit of the value.
    """
    if isinstance(held.predictor.task, Tagger):
        raise UsageError("answers about steps are not explained", hint="leave out --explain: each step's answer is told")
    if held.predictor.task.kind not in LEFT_OUT:
        raise UsageError(
            f"an answer of {held.predictor.task.kind} is not explained by leaving codes out",
            hint="explain an answer that is a probability or a single value",
        )
    known = held.known(store, cohort)
    codes = known.events["code"].unique().sort().to_list()
    whole = _said(held, known, cohort)
    change = np.zeros((len(cohort), len(codes)))
    present = np.zeros(change.shape, bool)
    for k, code in enumerate(codes):
        has = np.unique(known.events.filter(pl.col("code") == code)["row"].to_numpy())
        present[has, k] = True
        without = replace(known, source=known.events.filter(pl.col("code") != code))
        change[has, k] = (whole - _said(held, without, cohort))[has]
        progress("explaining", k + 1, len(codes))
    return codes, change, present


def _said(held: Bundle, known: Known, cohort: Cohort) -> Array:
    answer = held.predictor.answer(held.predictor.evidence(known, cohort.subject_id, cohort.row_id))
    if answer.kind == "values":
        return np.asarray(answer.values[:, 0])
    return np.asarray(logit(answer.values[:, 0]))
