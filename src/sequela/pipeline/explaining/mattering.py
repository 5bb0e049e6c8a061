"""What inputs matter over all rows: the parts of each feature, code or channel added up row by row, and by bands of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sequela.contracts import Evidence
from sequela.evaluate.explained import MatterFacts
from sequela.explain.parts import Parts, parts
from sequela.types import Array, Attribution

SHOWN = 15
BANDS = 8  # of time, of equal width
FEWEST = 5  # rows that have a code, for it to be named
SERIES = ("days", "seconds", "hours")  # units in which the place of a step is a time


@dataclass(frozen=True, slots=True)
class Matters:
    """Those that matter most, first, and the bands of time that they are told by."""

    rows: list[MatterFacts]
    edges: list[float]
    unit: str


def matters(said: Attribution, rows: Evidence) -> Matters:
    """What matters most over these rows: by the mean size over all of them, a row without it counting as 0."""
    edges, unit = _edges(rows)
    whole = parts(said, rows.inputs, rows.specs)
    bands = [parts(_within(said, rows, edges, k), rows.inputs, rows.specs) for k in range(len(edges) - 1)]
    total = np.abs(whole.sums).sum(0)
    named = [
        one for one in np.argsort(-total, kind="stable").tolist() if whole.present[:, one].sum() >= FEWEST and total[one] > 0
    ]
    return Matters([_matter(whole, bands, one) for one in named[:SHOWN]], edges.tolist(), unit)


def _matter(whole: Parts, bands: list[Parts], one: int) -> MatterFacts:
    has = whole.present[:, one]
    own = whole.sums[has, one]
    by_time = [float(np.abs(band.sums[has, one]).mean()) for band in bands]
    return MatterFacts(
        input=whole.input[one],
        name=whole.name[one],
        mean_absolute=float(np.abs(own).mean()),
        mean=float(own.mean()),
        rows=int(has.sum()),
        bands=by_time if any(by_time) else [],
    )


def _edges(rows: Evidence) -> tuple[Array, str]:
    """The bands of the input with the most steps in time: from the 99 of 100 latest of them on, up to the last."""
    timed = [name for name, spec in rows.specs.items() if spec.unit in SERIES and not spec.single]
    if not timed:
        return np.zeros(0), ""
    longest = max(timed, key=lambda name: len(rows.inputs[name].position))
    known = rows.inputs[longest].position[np.isfinite(rows.inputs[longest].position)]
    low, high = (float(np.quantile(known, 0.01)), float(known.max())) if len(known) else (0.0, 0.0)
    return (np.linspace(low, high, BANDS + 1), rows.specs[longest].unit) if low < high else (np.zeros(0), "")


def _within(said: Attribution, rows: Evidence, edges: Array, band: int) -> Attribution:
    """The same, 0 for all steps outside of a band of time, and for what has no time."""
    here = {name: _steps(rows, name, edges, band) for name in rows.inputs}
    context = {name: np.zeros_like(values) for name, values in said.context.items()}
    return replace(said, cells=_kept(said.cells, here), side=_kept(said.side, here), context=context)


def _steps(rows: Evidence, name: str, edges: Array, band: int) -> Array:
    """Which steps lie in the band; those before the first edge lie in the first."""
    position, spec = rows.inputs[name].position, rows.specs[name]
    if spec.unit not in SERIES or spec.single:
        return np.zeros(len(position), bool)
    last = len(edges) - 2
    own = np.clip(np.searchsorted(edges, position, side="right") - 1, 0, last)
    return np.asarray(np.isfinite(position) & (own == band))


def _kept(values: Mapping[str, Array], here: Mapping[str, Array]) -> dict[str, Array]:
    return {name: one * here[name].reshape(-1, *[1] * (one.ndim - 1)) for name, one in values.items()}
