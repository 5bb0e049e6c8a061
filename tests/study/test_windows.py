from __future__ import annotations

import pytest

from sequela.study import cohort

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
