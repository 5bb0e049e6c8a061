"""One kind of spoiling to one level, of all that the inputs read: events, payloads, texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sequela.errors import UsageError
from sequela.evaluate.robustness import letters, numbers, payloads
from sequela.evaluate.robustness.kinds import Material
from sequela.types import Known

EVENTS, PAYLOADS, WRITTEN = {"numbers", "codes"}, {"signals", "pictures"}, {"texts", "sequences"}


@dataclass(frozen=True, slots=True)
class Given:
    """What spoiling needs beside the rows."""

    held: set[Material]  # what the inputs are made of
    spreads: Mapping[str, float]  # of each code in training
    seed: int


def spoilt(known: Known, kind: str, level: float, given: Given) -> Known:
    """The rows as they would be. Raises UsageError for a kind that is none of levels."""
    if given.held & EVENTS:
        known = _events(known, kind, level, given)
    if given.held & PAYLOADS:
        known = _payloads(known, kind, level, given.seed)
    return _written(known, kind, level, given.seed) if given.held & WRITTEN else known


def _events(known: Known, kind: str, level: float, given: Given) -> Known:
    match kind:
        case "missing":
            return numbers.hidden(known, level, given.seed)
        case "noise":
            return numbers.noisy(known, given.spreads, level, given.seed)
        case "rate":
            return numbers.thinned(known, level)
        case "first" | "last":
            return numbers.cut_short(known, level, end=kind == "last")
        case "corrupt":
            return numbers.garbled(known, level, given.seed)
    raise UsageError(f"{kind!r} is no spoiling of events")


def _payloads(known: Known, kind: str, level: float, seed: int) -> Known:
    hows = {"missing": payloads.missing, "noise": payloads.noise, "rate": payloads.coarse, "corrupt": payloads.garbled}
    return payloads.spoilt(known, hows[kind](level), seed) if kind in hows else known


def _written(known: Known, kind: str, level: float, seed: int) -> Known:
    match kind:
        case "missing":
            return letters.hidden(known, level, seed)
        case "first" | "last":
            return letters.cut_short(known, level, end=kind == "last")
        case "corrupt":
            return letters.garbled(known, level, seed)
    return known
