from __future__ import annotations

import operator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.study import cohort, cut, spans, triggers, windows
from sequela.study.predicates import Predicates

EPOCH = datetime(2020, 1, 1)  # of the hours of a test's store

IN, OUT, DEATH = "HOSPITAL//ADMISSION", "HOSPITAL//DISCHARGE", "DEATH//IN_HOSPITAL"
DAY = 24
PREDICATES = {
    "admission": {"code": IN},
    "discharge": {"code": OUT},
    "death": {"code": DEATH, "optional": True},
    "lab": {"code": "LAB*", "optional": True},
}


def stay(name: str, start: float, end: float, *, death: bool = False) -> list:
    """A hospital stay between these hours."""
    events = [(name, start, IN, None), (name, end, OUT, None)]
    return [*events, (name, end, DEATH, None)] if death else events


@pytest.fixture
def asked(study):
    """A study over PREDICATES with these keys of cohort and outcome."""

    def make(outcome: dict, task: str = "binary", **cohort_keys):
        keys = {"predicates": PREDICATES, "trigger": "admission", **cohort_keys}
        return study(cohort=keys, outcome=outcome, task=task)

    return make


NEXT = {"next_stay": {"start": "trigger -> admission", "end": "start -> discharge"}}


def reasons(flow) -> dict[str, int]:
    return {step.reason: step.out for step in flow.steps if step.out}


def labels(rows) -> dict[str, float]:
    return dict(zip(rows.row_id.tolist(), rows.target.values[:, 0].tolist(), strict=True))


def test_the_next_stay_after_each_discharge_gives_the_label(store, asked):
    data = store(
        stay("a", 0, 10) + stay("a", 100, 110) + stay("a", 200, 210, death=True) + stay("b", 0, 5, death=True) + stay("c", 0, 9)
    )
    rows, flow = cohort.build(data, asked({"window": "next_stay", "label": "death"}, trigger="discharge", windows=NEXT))
    assert labels(rows) == {"a#1": 0, "a#2": 1}
    assert (rows.time == rows.start).all()
    assert reasons(flow) == {"no admission after trigger": 3}


def test_a_next_stay_that_has_not_happened_yet_does_not_stop_a_prediction(store, asked):
    data = store(stay("a", 0, 10) + stay("a", 100, 110))
    rows, flow = cohort.eligible(data, asked({"window": "next_stay", "label": "death"}, trigger="discharge", windows=NEXT))
    assert rows.row_id.tolist() == ["a#1", "a#2"]
    assert rows.target.known[:, 0].tolist() == [True, False]
    assert not flow.refused


# ------------------------------------------------------------------------------------------------- against the same, row by row


@dataclass(frozen=True)
class Plainly:
    """One row's windows, event by event, as docs/cohorts.md words it; times in hours, INF: not come yet, None: there is none."""

    events: list[tuple]  # time, code, available, superseded
    trigger: float
    prediction: float
    then: bool

    def holds(self, name: str) -> list[float]:
        """The moments of a predicate that can be seen, each as often as it counts."""
        if name == "both":
            return sorted(set(self.holds("a")) & set(self.holds("b")))
        if name == "either":
            return sorted({*self.holds("a"), *self.holds("b")})
        return sorted(time for time, code, *versions in self.events if code == name.upper() and self.sees(time, *versions))

    def sees(self, time: float, available: float | None, superseded: float | None) -> bool:
        if not self.then:
            return superseded is None
        return max(time, available or time) <= self.prediction < (INF if superseded is None else superseded)

    def moment(self, text: str, edges: dict[str, float | None], plan: dict) -> float | None:
        anchor, _, rest = text.partition(" ")
        here = {"trigger": self.trigger, "prediction": self.prediction, **edges}[anchor]
        if here is None or not rest:
            return here
        sign, what = rest.split()
        if sign in "+-":
            return here + float(what.removesuffix("h")) * (1 if sign == "+" else -1)
        itself = plan.get("start_inclusive", False) if anchor == "start" else plan.get("end_inclusive", True)
        itself = itself and anchor in ("start", "end")
        if here == INF or (self.then and sign == "<-" and here > self.prediction):
            return INF
        if sign == "->":
            later = [time for time in self.holds(what) if time > here or (itself and time == here)]
            return min(later, default=INF if self.then else None)
        return max((time for time in self.holds(what) if time < here or (itself and time == here)), default=None)

    def span(self, plan: dict, edges: dict[str, float | None]) -> tuple[float | None, float | None]:
        order = ("end", "start") if plan["start"].startswith("end") else ("start", "end")
        own: dict[str, float | None] = {}
        for side in order:
            own[side] = self.moment(plan[side], {**edges, **own}, plan)
        return own["start"], own["end"]

    def count(self, name: str, start: float, end: float, plan: dict) -> int:
        after = operator.ge if plan.get("start_inclusive", False) else operator.gt
        before = operator.le if plan.get("end_inclusive", True) else operator.lt
        return sum(after(time, start) and before(time, end) for time in self.holds(name))


INF = float("inf")
HOURS = st.integers(0, 12)
VERSIONED = st.tuples(
    HOURS, st.sampled_from("ABT"), st.none() | st.integers(0, 6), st.none() | st.integers(1, 8)
)  # time, code, available and superseded so long after
FIRST = st.sampled_from(
    [
        "trigger",
        "trigger + 3h",
        "trigger - 4h",
        "prediction",
        "prediction - 2h",
        "trigger -> a",
        "trigger <- b",
        "prediction -> either",
    ]
)
SECOND = st.sampled_from(["start + 4h", "start -> b", "start -> both", "prediction", "trigger + 5h", "start -> either", "start"])
BACK = st.sampled_from(["end - 4h", "end <- a", "end <- either"])
PLAN = st.one_of(
    st.tuples(FIRST, SECOND), st.tuples(BACK, FIRST), st.tuples(st.just("w.end"), SECOND), st.tuples(st.just("w.start"), SECOND)
)
SIDES = st.fixed_dictionaries({"start_inclusive": st.booleans(), "end_inclusive": st.booleans()})
NAMED = {
    "a": {"code": "A", "optional": True},
    "b": {"code": "B", "optional": True},
    "t": {"code": "T", "optional": True},
    "either": {"any": ["a", "b"]},
    "both": {"all": ["a", "b"]},
}


def laid_out(data, plans: dict[str, dict], predict_at: str, *, then: bool):
    cohort_ = config.convert({"trigger": "t", "predicates": NAMED, "windows": plans, "predict_at": predict_at}, config.Cohort)
    predicates = Predicates(data, cohort_.predicates, strict=False)
    draft = triggers.drafted(data, cohort_, predicates, None, None)
    view = spans.View(predicates, draft.around, then=then)
    return spans.laid(windows.ordered(cohort_), view), view


def hours(time: np.ndarray, lacking: np.ndarray) -> list[float | None]:
    zero = int(cut.microseconds_of(np.datetime64(EPOCH)))
    whole = [INF if one == cut.ALWAYS else (one - zero) / 3.6e9 for one in time.tolist()]
    return [None if none else one for one, none in zip(whole, lacking, strict=True)]


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    given_=st.lists(VERSIONED, max_size=12),
    first=st.tuples(FIRST, SECOND),
    second=PLAN,
    sides=st.tuples(SIDES, SIDES),
    ahead=st.integers(0, 6),
    then=st.booleans(),
)
def test_windows_are_what_the_page_says_of_them_event_by_event(store, given_, first, second, sides, ahead, then):
    events = [(t, code, None if a is None else t + a, None if s is None else t + s) for t, code, a, s in given_]
    data = store(
        [("s", None, "SEX", "F"), *(("s", t, code, None, None, a, s) for t, code, a, s in [*events, (5, "T", None, None)])]
    )
    plans = {"w": {"start": first[0], "end": first[1], **sides[0]}, "v": {"start": second[0], "end": second[1], **sides[1]}}
    found, view = laid_out(data, plans, f"{ahead}h", then=then)
    rows = view.rows
    for row, trigger in enumerate(hours(rows.trigger, rows.trigger == cut.NEVER)):
        plainly = Plainly(events, trigger, trigger + ahead, then)
        edges: dict[str, float | None] = {}
        for name, plan in plans.items():
            start, end = plainly.span(plan, edges)
            edges |= {f"{name}.start": start, f"{name}.end": end}
            span = found[name]
            assert hours(span.start.time, span.start.lacking)[row] == start
            assert hours(span.end.time, span.end.lacking)[row] == end
            if start is not None and end is not None:
                for predicate in NAMED:
                    if predicate != "t":
                        assert view.count(predicate, span)[row] == plainly.count(predicate, start, end, plan)


def test_a_version_replaced_before_it_was_available_does_not_hide_another_of_its_moment(store):
    data = store([("s", 5, "T"), ("s", 3, "A"), ("s", 3, "A", None, None, 6, 4)])
    found, view = laid_out(data, {"w": {"start": "trigger - 4h", "end": "trigger"}}, "0h", then=True)
    assert view.count("either", found["w"]).tolist() == [1]


PAST_AND_FUTURE = {
    "before": {"start": "prediction - 6h", "end": "prediction", "has": {"a": "(1, None)"}},
    "around": {"start": "trigger - 2h", "end": "prediction + 3h", "has": {"b": "(None, 2)"}},
    "last": {"start": "end <- a", "end": "prediction - 1h"},
    "next": {"start": "prediction", "end": "start -> b"},
}


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_=st.lists(VERSIONED, max_size=14), ahead=st.integers(0, 6), whens=st.sets(st.sampled_from(sorted(PAST_AND_FUTURE))))
def test_who_may_be_predicted_is_decided_without_the_future(store, study, given_, ahead, whens):
    events = [(t, code, None if a is None else t + a, None if s is None else t + s) for t, code, a, s in given_]
    plan = {name: PAST_AND_FUTURE[name] for name in sorted(whens)} | {"target": {"start": "prediction", "end": "start + 8h"}}
    asked = study(
        cohort={"trigger": "t", "predicates": NAMED, "windows": plan, "predict_at": f"{ahead}h"},
        outcome={"window": "target", "label": "b"},
    )

    def eligible(seen: list[tuple]) -> set[datetime]:
        data = store([("s", None, "SEX", "F"), *(("s", t, code, None, None, a, s) for t, code, a, s in seen)])
        return set(cohort.eligible(data, asked)[0].time.tolist())

    for moment in sorted({t + ahead for t, code, *_ in events if code == "T"})[:2]:
        known = [(t, code, a, None) for t, code, a, s in events if max(t, a or t) <= moment and (s is None or moment < s)]
        at = EPOCH + timedelta(hours=moment)
        assert (at in eligible(events)) == (at in eligible(known))
