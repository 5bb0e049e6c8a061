"""The plan that is sealed before the test part is opened: its hash, how it differs from earlier ones, what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from sequela.evaluate.acceptance import Judgement
from sequela.store.looks import Look

CONSEQUENCES = ("thresholds", "calibration", "weights")  # of a plan: what the training gave, where the rest is what was settled


class Change(Struct, frozen=True, kw_only=True):
    """A key of the plan that an earlier look had otherwise, both as JSON."""

    key: str  # "evaluate.threshold"
    before: str
    after: str


class EarlierLook(Struct, frozen=True, kw_only=True):
    """An earlier opening of the same test rows, and how its plan differs from this one."""

    time: str
    study: str
    purpose: str
    plan: str = ""  # its hash; "" where none was sealed
    known: bool = False  # whether its plan is kept, so that it can be held against this one
    changed: list[Change] = []  # of what was settled
    trained_anew: bool = False  # whether its weights, thresholds or calibration were others


class PlanFacts(Struct, frozen=True, kw_only=True):
    """The sealed plan of a run and what became of it."""

    hash: str = ""  # SHA-256 of its canonical JSON; "" where a bundle is judged whose run sealed none
    sealed: str = ""  # ISO 8601: when
    weights: str = ""  # SHA-256 of the model's
    metrics: list[str] = []
    thresholds: dict[str, float] = {}
    accepted: list[Judgement] = []
    verdict: Literal["", "met", "not met", "cannot be told"] = ""  # of all of them together
    earlier: list[EarlierLook] = []  # the latest first
    looks: int = 0  # at these rows, this one included


class Sealed(Struct, frozen=True, kw_only=True):
    """plan.json of a run folder."""

    hash: str
    sealed: str
    plan: dict[str, Any]


def canonical(plan: Any) -> bytes:
    """One and the same JSON of the same plan: keys in order, no space."""
    return msgspec.json.encode(plan, order="sorted")


def fingerprint(plan: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON.

    >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(canonical(plan)).hexdigest()


def settled(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan without what the training gave."""
    return {key: value for key, value in plan.items() if key not in CONSEQUENCES}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The keys in which two plans differ, in order; "–" where one of them has not that key."""
    old, new = _flat(before), _flat(after)
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return [Change(key=key, before=old.get(key, "–"), after=new.get(key, "–")) for key in keys]


def _flat(plan: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """The values by dotted key, as JSON; a list is one value."""
    found: dict[str, str] = {}
    for key, value in plan.items():
        name = f"{above}.{key}" if above else key
        if isinstance(value, Mapping) and value:
            found |= _flat(value, name)
        else:
            found[name] = canonical(value).decode()
    return found


def earlier(look: Look, before: bytes | None, plan: Mapping[str, Any]) -> EarlierLook:
    """An earlier look held against this plan; `before` is the content of its own, where that is kept."""
    if before is None:
        return EarlierLook(time=look.time, study=look.study, purpose=look.purpose, plan=look.plan)
    then: dict[str, Any] = msgspec.json.decode(before)
    anew = any(key in plan and then.get(key) != plan[key] for key in CONSEQUENCES)
    return EarlierLook(
        time=look.time,
        study=look.study,
        purpose=look.purpose,
        plan=look.plan,
        known=True,
        changed=changes(settled(then), settled(plan)),
        trained_anew=anew,
    )
