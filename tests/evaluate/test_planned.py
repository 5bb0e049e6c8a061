"""The sealed plan: one hash for one plan, and what differs by key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.evaluate import planned
from sequela.store.looks import Look

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=6,
)
PLANS = st.dictionaries(st.sampled_from(["name", "cohort", "evaluate", "plan", "weights"]), VALUES, max_size=4)
LOOK = Look(study="a", purpose="run", time="2026-01-01T00:00:00+00:00", plan="x")


@settings(max_examples=40)
@given(PLANS, PLANS)
def test_the_hash_changes_if_and_only_if_the_plan_does(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = planned.canonical(one) == planned.canonical(other)
    assert (planned.fingerprint(one) == planned.fingerprint(other)) == same
    assert planned.fingerprint(dict(reversed(one.items()))) == planned.fingerprint(one)


@settings(max_examples=40)
@given(PLANS)
def test_a_plan_does_not_differ_from_itself(plan: dict[str, Any]) -> None:
    assert planned.changes(plan, dict(reversed(plan.items()))) == []


def test_a_change_is_named_by_its_key() -> None:
    before = {"evaluate": {"threshold": "youden", "bootstrap": 10}, "groups": [{"a": 1, "b": 2}]}
    after = {"evaluate": {"threshold": "f1", "bootstrap": 10}, "groups": [{"b": 2, "a": 1}], "plan": {"accept": []}}
    found = [(one.key, one.before, one.after) for one in planned.changes(before, after)]
    assert found == [("evaluate.threshold", '"youden"', '"f1"'), ("plan.accept", "–", "[]")]


@pytest.mark.parametrize(("weights", "anew"), [("w", False), ("other", True)])
def test_a_network_trained_anew_is_no_other_plan(weights: str, anew: bool) -> None:
    then = planned.canonical({"question": "q", "weights": "w"})
    found = planned.earlier(LOOK, then, {"question": "q", "weights": weights})
    assert found.known and not found.changed and found.trained_anew == anew


def test_a_look_whose_plan_is_not_kept_says_so() -> None:
    assert not planned.earlier(LOOK, None, {"question": "q"}).known
