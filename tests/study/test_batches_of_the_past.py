"""What a batch holds: nothing that comes after the prediction, none that was not there yet, none that had been withdrawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela import batch, config, registry
from sequela.errors import DataError
from sequela.study import cohort, cut, labels

EVENT = st.tuples(
    st.integers(0, 12),  # hour
    st.sampled_from(["DX//1", "DX//2", "LAB//K"]),
    st.none() | st.integers(0, 9),  # available so long after
    st.none() | st.integers(1, 9),  # superseded so long after
    st.none() | st.integers(1, 4),  # visit
)
FORMS = [{"form": "visits"}, {"form": "events", "values": "side"}]


def records(store, events):
    """Two subjects: one to learn from, who has everything, and the one asked about."""
    learnt = [("t", hour, code, 1.0, visit) for hour, code, visit in [(0, "DX//1", 1), (1, "DX//2", 1), (2, "LAB//K", 2)]]
    starts = [(name, 6, "START//X", None) for name in "ts"]
    return store([*learnt, *starts, *(("s", hour, code, 1.0, visit, a, s) for hour, code, a, s, visit in events)])


def fed(data, study, options):
    """The padded arrays of the row of each subject, its input fitted on the first."""
    module = registry.module("modalities", "codes")
    modality = module.build(config.convert({"min_count": 1, **options}, module.Config))
    rows, _ = cohort.build(data, study, labelled=False)
    known = cut.known(data, rows, None)
    state = modality.fit(cut.take(known, np.flatnonzero(rows.source_id == "t")))
    own = cut.take(known, np.flatnonzero(rows.source_id == "s"))
    return batch.collate({"codes": modality.read(own, state)}, np.arange(1)).inputs["codes"]


def same(one, other) -> bool:
    names = ("values", "mask", "position", "seen", "side")
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in names
        if getattr(one, name) is not None
    )


@pytest.fixture
def asked(study):
    def make(ahead: int):
        return study(
            cohort={"index": "START//X", "predict_at": f"{ahead}h"},
            outcome={"code": "DEATH", "within": "1h"},
            inputs={"codes": {"modality": "codes", "encoder": "gru"}},
        )

    return make


@pytest.mark.slow
@pytest.mark.parametrize("options", FORMS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_=st.lists(EVENT, min_size=1, max_size=8), ahead=st.integers(0, 6))
def test_a_batch_holds_what_was_known_at_the_prediction_and_nothing_else(store, asked, options, given_, ahead):
    prediction = 6 + ahead
    events = [(t, code, None if a is None else t + a, None if s is None else t + s, visit) for t, code, a, s, visit in given_]
    known = [
        (t, code, None, None, visit)
        for t, code, a, s, visit in events
        if max(t, t if a is None else a) <= prediction and (s is None or prediction < s)
    ]
    whole = fed(records(store, events), asked(ahead), options)
    assert same(whole, fed(records(store, known), asked(ahead), options))


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_=st.lists(EVENT, min_size=1, max_size=8), numbers=st.permutations([1, 2, 3, 4]))
def test_visits_stand_in_the_order_of_time_whatever_their_numbers(store, asked, given_, numbers):
    """Each visit on a day of its own, so that which of two comes first is not a question."""

    def numbered(number) -> list[tuple]:
        return [(6 - visit, code, None, None, number[visit - 1]) for _, code, _, _, visit in given_ if visit]

    one, other = (fed(records(store, numbered(number)), asked(0), FORMS[0]) for number in ([1, 2, 3, 4], numbers))
    assert same(one, other)
    assert (np.diff(one.position[one.mask]) >= 0).all()


@given(raw=st.one_of(st.sampled_from(["1", "True", "1.0", "yes", "0", "False", "0.0", "no"]), st.text(min_size=1, max_size=4)))
def test_a_label_is_understood_or_refused_and_never_silently_zero(raw):
    meant = {"1": 1, "true": 1, "1.0": 1, "yes": 1, "0": 0, "false": 0, "0.0": 0, "no": 0}

    try:
        target = labels.read({"y": [raw]}, "binary", ()).target
    except DataError:
        assert raw.lower() not in meant
    else:
        assert raw.lower().removesuffix(".0") in {"0", "1", "true", "false", "yes", "no"}
        assert target.known.all()
        assert target.values[0, 0] == (raw.lower().removesuffix(".0") in {"1", "true", "yes"})


def test_a_number_is_a_label_as_its_text_is(store, study):
    data = store(
        [("a", None, "LABEL//y", 1.0), ("b", None, "LABEL//y", "True"), ("c", None, "LABEL//y", "1"), ("d", None, "LABEL//y", 0)]
    )
    rows, _ = cohort.build(data, study(cohort={"index": "SAMPLE"}, outcome={"column": "y"}))
    assert rows.target.values[:, 0].tolist() == [1, 1, 1, 0]
