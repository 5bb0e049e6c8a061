"""Which codes an answer rests on: each is taken away in turn, as if it had never been recorded, and the answer asked again.

This is leave-one-out attribution on events (feature ablation with absence as the baseline, Covert 2021, section 4): exact for
the question "what if this had not been measured", silent on what the value ought to have been. Codes that tell the same share
their effect, so that neither shows. Waveforms and images are one code and so are taken away whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from sequela import seed as streams
from sequela.bundle import Bundle, load
from sequela.contracts import Progress, Tagger
from sequela.errors import UsageError
from sequela.evaluate.facts import RunFacts
from sequela.metrics.calibration import logit
from sequela.pipeline import bags, files, terms
from sequela.pipeline.data import records
from sequela.pipeline.progress import silent
from sequela.store.store import Store
from sequela.types import Array, Cohort, Known

SHOWN = 8  # codes a prediction shows
LEFT_OUT = ("binary", "multiclass", "multilabel", "regression", "survival")  # kinds explained by leaving codes out
WORDS = 100  # of texts that a table holds


@dataclass(frozen=True)
class Importance:
    """Codes by how far, in the mean, their absence moves the answer."""

    rows: list[dict[str, Any]]
    scale: str

    def text(self) -> str:
        head = f"{'code':<28} {'rows':>6} {'mean |change|':>14} {'mean change':>12}   ({self.scale})"
        lines = [
            f"{r['code']:<28} {r['rows']:>6} {r['mean_absolute']:>14.4f} {r['mean']:>+12.4f}   {r.get('class', '')}".rstrip()
            for r in self.rows
        ]
        return "\n".join([head, *lines])


def explain(
    of: str | Path,
    *,
    data: str | Path | Store | None = None,
    rows: int = 200,
    method: Literal["auto", "mutagenesis"] = "auto",
    progress: Progress = silent,
) -> Importance:
    """The table for a run (on its own data) or for a bundle on the data given; at most `rows` rows, drawn by a fixed seed.

    Of texts it is a table of words: what each adds, in the mean over the rows of whose class it is told. With the method
    "mutagenesis" it is one of letters of sequences, each put to each other one: by place where all are of one length, else by
    what was put for what. Raises UsageError where nothing is explained so.
    """
    path = Path(of)
    held = load(path / files.BUNDLE if path.is_dir() else path)
    if data is None and not path.is_dir():
        raise UsageError("a bundle holds no patients to explain", hint="give data with --data PATH")
    given = data if data is not None else files.read_json(path / files.FACTS, RunFacts).data.source
    store = records(held.study.data, Path(), given, progress)
    cohort, _ = held.eligible(store)
    drawn = np.sort(streams.generator(0, "explain").permutation(len(cohort))[:rows])
    if method == "mutagenesis":
        return _letters(held, store, cohort.take(drawn), progress)
    words = _words(held, store, cohort.take(drawn))
    if words is not None:
        return words
    codes, change, present = changes(held, store, cohort.take(drawn), progress)
    table = [
        {
            "code": code,
            "rows": int(present[:, k].sum()),
            "mean_absolute": float(np.abs(change[present[:, k], k]).mean()),
            "mean": float(change[present[:, k], k].mean()),
        }
        for k, code in enumerate(codes)
    ]
    return Importance(sorted(table, key=lambda row: -row["mean_absolute"]), _scale(held))


def _letters(held: Bundle, store: Store, cohort: Cohort, progress: Progress) -> Importance:
    from sequela.pipeline import mutations

    scale = "in the unit of the value" if held.predictor.task.kind == "regression" else "log-odds of what is said of the sequence"
    return Importance(mutations.table(held, held.known(store, cohort), cohort, progress), scale)


def _words(held: Bundle, store: Store, cohort: Cohort) -> Importance | None:
    """Of a network of texts the words of its vocabulary that move what is said most; None of any other."""
    from sequela.pipeline import attributed, readings

    name = attributed.input_of(held.study)
    method = None if name is None else attributed.by_itself(held.predictor, name)
    if name is None or method is None or held.predictor.task.kind not in attributed.EXPLAINED:
        return None
    rows = held.predictor.evidence(held.known(store, cohort), cohort.subject_id, cohort.row_id)
    sums = readings.sums_of(attributed.Texts(held.predictor, rows, name), held.predictor.answer(rows).values, method)
    names = held.predictor.task.names
    table: list[dict[str, Any]] = [
        {
            "code": word,
            "class": names[column],
            "rows": len(each),
            "mean_absolute": float(np.abs(each).mean()),
            "mean": float(np.mean(each)),
        }
        for (column, word), each in sums.items()
        if len(each) > 1
    ]
    return Importance(sorted(table, key=lambda row: -row["mean_absolute"])[:WORDS], "log-odds of what is said of the text")


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
        found[str(row)] = tuple({"code": codes[k], "change": float(change[i, k]), "scale": _scale(held)} for k in order)
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


def _scale(held: Bundle) -> str:
    kind, name = held.predictor.task.kind, held.predictor.task.names[0]
    if kind == "survival":
        return f"log-odds of {name} by {held.study.outcome.horizons[-1]}"
    return f"in the unit of {name}" if kind == "regression" else f"log-odds of {name}"
