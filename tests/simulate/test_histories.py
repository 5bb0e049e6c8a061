"""The simulated histories: what is said of a chance is how often it happens, and two codes of a disease are alike but in name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import sequela
from sequela import simulate
from sequela.simulate import histories


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate.write("histories", tmp_path_factory.mktemp("simulated") / "histories", subjects=40)


def test_the_reader_takes_every_code_and_outcome_by_the_mapping_that_lies_there(folder: Path, tmp_path: Path) -> None:
    store = sequela.import_data("csv", folder, tmp_path / "histories.store")
    drawn = histories.drawn(40, 0)
    events = store.events().filter(code="LABEL//outcome")
    assert store.flow.refused_count == 0 and len(events) == 40
    assert len(store.events()) - 40 == drawn.length.sum()
    assert (events["numeric_value"] == 1).to_list() == drawn.outcome.tolist()


def test_the_surprise_told_is_that_of_the_chain_s_own_frequencies() -> None:
    """Each pair of diseases is followed by its own mixture; the mean surprise is its entropy, worked out from the table alone."""
    drawn = histories.drawn(3000, 1)
    share, courses = histories.shares(), histories.courses()
    rest = (1 - histories.STAYS - histories.COURSE) / histories.DISEASES
    within = -(share * np.log(share)).sum()
    total = count = 0.0
    for now in range(histories.DISEASES):
        for before in range(histories.DISEASES):
            chance = np.full(histories.DISEASES, rest)
            chance[now] += histories.STAYS
            chance[courses[before, now]] += histories.COURSE
            here = (drawn.disease[:, 1:-1] == now) & (drawn.disease[:, :-2] == before)
            times = (here & (np.arange(here.shape[1]) + 2 < drawn.length[:, None])).sum()
            total += times * (within - (chance * np.log(chance)).sum())
            count += times
    told = drawn.nats.sum() / (drawn.length - 1).sum()
    assert told == pytest.approx(total / count, rel=0.01)


def test_the_bound_is_of_the_patients_asked_for(folder: Path) -> None:
    drawn = histories.drawn(40, 0)
    assert histories.bound(folder) == pytest.approx(np.exp(drawn.nats.sum() / (drawn.length - 1).sum()), rel=1e-5)
    assert histories.bound(folder, ["3"]) == pytest.approx(np.exp(drawn.nats[2] / (drawn.length[2] - 1)), rel=1e-5)


def test_codes_are_named_apart_and_do_not_tell_their_disease() -> None:
    names = [histories.code(disease, rank) for disease in range(histories.DISEASES) for rank in range(histories.CODES)]
    assert max(Counter(names).values()) == 1
    numbers = np.array([int(name.removeprefix("DX//")) for name in names])
    assert abs(np.corrcoef(numbers, np.arange(len(names)))[0, 1]) < 0.1


def test_the_outcome_comes_as_often_as_its_risk_says() -> None:
    drawn = histories.drawn(4000, 2)
    high = drawn.risk > 0.5
    for some in (high, ~high):
        assert drawn.outcome[some].mean() == pytest.approx(drawn.risk[some].mean(), abs=0.03)
    share = ((drawn.disease < histories.GRAVE) & (np.arange(histories.LONGEST) < drawn.length[:, None])).sum(1) / drawn.length
    assert np.corrcoef(share, np.log(drawn.risk / (1 - drawn.risk)))[0, 1] == pytest.approx(1)


def test_the_first_patients_are_the_same_however_many_are_drawn() -> None:
    few, many = histories.drawn(5, 0), histories.drawn(9, 0)
    np.testing.assert_array_equal(few.disease, many.disease[:5])
    np.testing.assert_array_equal(few.risk, many.risk[:5])
