"""Which codes get a number: by training subjects, rolled up where rare, the same however the subjects come in parts."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.prep.sample import Sample
from sequela.prep.vocabulary import UNKNOWN, Coded, Count, Numbers, Vocabulary

Said = list[tuple[int, str]]  # a subject and a code


def coded(said: Said, values: list[float] | None = None) -> tuple[Coded, np.ndarray]:
    names = sorted({code for _, code in said})
    code = np.array([names.index(code) for _, code in said], np.int32)
    value = np.array(values or [np.nan] * len(said), np.float32)
    return Coded(names, code, value), np.array([subject for subject, _ in said], np.int64)


def learnt(said: Said, fewest: int = 3, parents: dict[str, list[str]] | None = None, most: int = 0) -> Vocabulary:
    count = Count(fewest, values=False)
    count.add(*coded(said), parents or {})
    return count.vocabulary(most)


def each(code: str, *subjects: int) -> Said:
    return [(subject, code) for subject in subjects]


def test_a_code_of_enough_subjects_has_a_number_and_one_said_often_of_one_subject_has_none() -> None:
    found = learnt([*each("ICD9CM//401.9", 1, 2, 3), *each("NDC//00409672924", 1, 1, 1, 1)])
    assert found.tokens == [UNKNOWN, "ICD9CM//401.9"] and found.subjects == [0, 3]


def test_rare_codes_of_one_category_are_read_as_that_category() -> None:
    found = learnt([*each("ICD9CM//038.11", 1), *each("ICD9CM//038.12", 2), *each("ICD9CM//038.9", 3)])
    assert found.tokens[1:] == ["ICD9CM//038"] and found.subjects == [0, 3]
    numbers = Numbers(found, {}).encode(coded([(9, "ICD9CM//038.11"), (9, "ICD9CM//038.42"), (9, "ICD9CM//250.00")])[0])
    assert numbers.tolist() == [1, 1, 0]


def test_the_nearest_broader_code_with_enough_subjects_is_taken_and_a_subject_counts_once() -> None:
    said = [*each("ICD9CM//038.11", 1, 2), *each("ICD9CM//038.12", 2, 3), *each("ICD9CM//038.9", 1)]
    assert learnt(said).tokens[1:] == ["ICD9CM//038.1"]
    said = [*each("ICD9CM//038.11", 1, 2), *each("ICD9CM//038.12", 2)]
    assert learnt(said).tokens == [UNKNOWN]


def test_broader_codes_that_the_records_name_are_climbed_too() -> None:
    parents = {"HOUSE//a1": ["HOUSE//a"], "HOUSE//a2": ["HOUSE//a"], "HOUSE//a": ["HOUSE//all"]}
    said = [*each("HOUSE//a1", *range(6)), *each("HOUSE//a2", *range(6, 12))]
    assert learnt(said, parents=parents).tokens[1:] == ["HOUSE//a"]


def test_a_code_of_no_public_system_needs_ten_subjects() -> None:
    said = [
        *each("MIMIC3//DRUG//for Mr X", *range(9)),
        *each("MIMIC3//DRUG//Aspirin", *range(10)),
        *each("NDC//00409672924", 1, 2, 3),
    ]
    assert learnt(said).tokens[1:] == ["MIMIC3//DRUG//Aspirin", "NDC//00409672924"]


def test_the_most_frequent_stay_where_so_many_are_asked_for() -> None:
    said = [*each("NDC//1", 1, 2, 3), *each("NDC//2", 1, 2, 3, 4), *each("NDC//3", 1, 2, 3, 4, 5)]
    assert learnt(said, most=2).tokens[1:] == ["NDC//2", "NDC//3"]


def test_numbers_beside_a_code_are_told_by_its_quantiles() -> None:
    said, values = each("LOINC//2160-0", *range(100)), [float(number) for number in range(100)]
    count = Count(5, values=True)
    count.add(*coded(said, values), {})
    found = count.vocabulary(bins=4)
    assert found.tokens[1:] == ["LOINC//2160-0", *(f"LOINC//2160-0//Q{n}" for n in (1, 2, 3, 4))]
    asked, _ = coded(each("LOINC//2160-0", 1, 2, 3, 4), [-5.0, 60.0, 1e9, np.nan])
    assert Numbers(found, {}).encode(asked).tolist() == [2, 4, 5, 1]


CODES = [
    "ICD9CM//038.11",
    "ICD9CM//038.12",
    "ICD9CM//038.9",
    "ICD9CM//401.9",
    "NDC//1",
    "HOUSE//x",
    "ATC//C03CA01",
    "ATC//C03CB01",
]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(CODES), st.floats(0, 9, width=32)), min_size=1), st.integers(1, 30))
@settings(max_examples=80, deadline=None)
def test_subjects_that_come_in_parts_make_the_same_vocabulary(said: list[tuple[int, str, float]], cut: int) -> None:
    whole, parted = Count(4, values=True), Count(4, values=True)
    for count, parts in (
        (whole, [said]),
        (parted, [[one for one in said if one[0] < cut], [one for one in said if one[0] >= cut]]),
    ):
        for part in parts:
            count.add(*coded([one[:2] for one in part], [one[2] for one in part]), {})
    assert msgspec.json.encode(whole.vocabulary(bins=3)) == msgspec.json.encode(parted.vocabulary(bins=3))


@given(st.permutations(range(8)), st.integers(1, 40), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_a_sample_is_the_same_in_whatever_parts_its_owners_come(order: list[int], most: int, seed: int) -> None:
    owner = np.sort(np.random.default_rng(seed).integers(0, 8, 60))
    values = np.arange(60.0)
    whole, parted = Sample(most), Sample(most)
    whole.add(owner, values)
    for one in order:
        parted.add(owner[owner == one], values[owner == one])
    assert whole.values.tolist() == parted.values.tolist() and len(whole.values) == min(most, 60)


@pytest.mark.parametrize("code", ["", "ICD9CM//", "nonsense", "ICD10CM//???"])
def test_a_code_that_is_none_of_its_system_is_unknown(code: str) -> None:
    found = learnt(each("ICD9CM//401.9", 1, 2, 3))
    assert Numbers(found, {}).encode(coded([(1, code)])[0]).tolist() == [0]
