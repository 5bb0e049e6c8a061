"""The golden example of a bundle: synthetic rows, drawn from the fitted states, and the answers they must give.

Replayed on every load, from the events through the modalities and the networks to the calibrated answer: a bundle that would
answer differently on this machine is refused. No patient is in it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from sequela.bundle.predictor import Predictor
from sequela.contracts import Fitted
from sequela.errors import BundleError, DataError
from sequela.study import cut
from sequela.types import Array, Known, Payload, Space

ROWS = 4
TOLERANCE = 1e-5


class _Held:
    """Payloads held in memory, by uri."""

    def __init__(self, payloads: Mapping[str, Payload]) -> None:
        self._payloads = payloads

    def open(self, uri: str) -> Payload:
        try:
            return self._payloads[uri]
        except KeyError:
            raise DataError(f"the golden example has no payload {uri!r}") from None


def draw(fitted: Mapping[str, Fitted], seed: int) -> Known:
    """Synthetic events for all inputs together."""
    examples = {name: one.modality.example(one.state, ROWS, seed) for name, one in fitted.items()}
    payloads: dict[str, Payload] = {}
    frames = []
    for name, example in examples.items():
        renamed = {uri: f"{name}/{uri}" for uri in example.events["payload"].drop_nulls().unique().sort()}
        payloads |= {new: example.payloads.open(old) for old, new in renamed.items()}
        frames.append(example.events.with_columns(pl.col("payload").cast(pl.String).replace(renamed)))
    events = pl.concat(frames, how="vertical_relaxed").unique(maintain_order=True).sort("row", "position", maintain_order=True)
    kinds = {code: kind for example in examples.values() for code, kind in example.kinds.items()}
    starts = [example.start for example in examples.values() if example.start is not None]
    return Known(ROWS, events, _Held(payloads), kinds, starts[0] if starts else None)


def answers(predictor: Predictor, known: Known) -> dict[str, Array]:
    """Name -> "N K" of all that the predictor says of the golden rows."""
    rows = np.arange(known.count)
    evidence = predictor.evidence(known, rows, rows.astype(str))
    said = predictor.answers(evidence)
    ranked = {f"{name}, next": answer.likeliest.probabilities for name, answer in said.items() if answer.likeliest is not None}
    around = {
        f"{name}, quantiles": _flat(answer.quantiles.values) for name, answer in said.items() if answer.quantiles is not None
    }
    timed = {f"{name}, curves": _flat(answer.curves.incidence) for name, answer in said.items() if answer.curves is not None}
    paired = {f"{name}, pairs": answer.paired.score for name, answer in said.items() if answer.paired is not None}
    scores = {name: score for name, score in paired.items() if score is not None}
    return {name: answer.values for name, answer in said.items()} | ranked | around | timed | scores


def _flat(values: Array) -> Array:
    return values.reshape(len(values), -1)


def encode(known: Known, expected: Mapping[str, Array]) -> dict[str, Any]:
    """JSON-able form of the example and its answers."""
    uris = known.events["payload"].drop_nulls().unique().sort().to_list()
    return {
        "events": known.events.to_dict(as_series=False),
        "start": None if known.start is None else known.start.tolist(),
        "kinds": dict(known.kinds),
        "payloads": {uri: _payload(known.payloads.open(uri)) for uri in uris},
        "answers": {name: values.tolist() for name, values in expected.items()},
    }


def decode(held: Mapping[str, Any]) -> tuple[Known, dict[str, Array]]:
    """The example and its answers from their JSON form.

    Raises BundleError where the form is not that of `encode`.
    """
    try:
        events = pl.DataFrame(held["events"], schema=cut.SCHEMA)
        payloads = _Held({uri: _from(payload) for uri, payload in held["payloads"].items()})
        start = None if held["start"] is None else np.asarray(held["start"], np.float64)
        known = Known(ROWS, events, payloads, held["kinds"], start)
        return known, {name: np.asarray(values, np.float64) for name, values in held["answers"].items()}
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise BundleError("the golden example of the bundle cannot be read") from error


def replay(predictor: Predictor, known: Known, expected: Mapping[str, Array]) -> float:
    """The largest deviation from the golden answers.

    Raises BundleError where it passes TOLERANCE.
    """
    found = answers(predictor, known)
    if found.keys() != expected.keys():
        raise BundleError("the golden example does not have an answer for each model of the bundle")
    worst = max(float(np.max(np.abs(found[name] - expected[name]), initial=0.0)) for name in found)
    scale = max(1.0, *(float(np.max(np.abs(values), initial=0.0)) for values in expected.values()))
    if not worst <= TOLERANCE * scale:
        raise BundleError(
            f"the bundle answers its golden example differently here: by {worst:.2g}, where {TOLERANCE * scale:g} is allowed",
            hint="compare the versions in bundle.json with `sequela doctor`",
        )
    return worst


def _payload(payload: Payload) -> dict[str, Any]:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(payload.values), allow_pickle=False)
    data = base64.b64encode(buffer.getvalue()).decode()
    told = {"npy": data, "rate_hz": payload.rate_hz, "channels": list(payload.channels), "unit": payload.unit}
    return told if payload.space is None else {**told, "space": _space(payload.space)}


def _space(space: Space) -> dict[str, Any]:
    return {"affine": space.affine.ravel().tolist(), "axes": space.axes, "oriented": space.oriented}


def _from(held: Mapping[str, Any]) -> Payload:
    values = np.load(io.BytesIO(base64.b64decode(held["npy"], validate=True)), allow_pickle=False)
    told = held.get("space")
    space = None if told is None else Space(np.reshape(told["affine"], (4, 4)), told["axes"], told["oriented"])
    return Payload(values, held["rate_hz"], tuple(held["channels"]), held["unit"], space)
