"""The simulated symptoms: what is said of a chance is how often it happens, and marks are where the text tells of a symptom."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from sequela import simulate
from sequela.simulate import symptoms
from sequela.simulate.symptoms.medicine import CONDITIONS, DIAGNOSES, NAMES, SYMPTOMS, chances, prior
from sequela.simulate.symptoms.sentences import PARTS as SENTENCES
from sequela.types import PARTS

PATIENTS = [symptoms.drawn(number, 0) for number in range(1500)]


def test_there_are_forty_conditions_and_every_one_shares_symptoms_with_others() -> None:
    assert len(DIAGNOSES) == 40 and prior().sum() == pytest.approx(1)
    assert set(" ".join(CONDITIONS.values()).split()) == set(SYMPTOMS)
    typical = chances() > symptoms.medicine.STRAY
    shared = typical.astype(int) @ typical.T.astype(int) - np.diag(typical.sum(1))
    assert (shared.max(1) >= 2).all()


def test_every_phrase_is_of_one_symptom_and_every_sentence_of_one_part() -> None:
    phrases = [phrase for several in SYMPTOMS.values() for phrase in several]
    assert len(phrases) == len(set(phrases))
    said = {part: {one for several in SENTENCES[part].values() for one in several} for part in PARTS}
    assert all(not said[one] & said[other] for one, other in combinations(PARTS, 2))


def test_the_posterior_is_bayes_rule_written_out() -> None:
    """Symptom by symptom: told, denied, or neither."""
    patient = PATIENTS[3]
    joint = prior().copy()
    for condition in range(len(DIAGNOSES)):
        for symptom in range(len(NAMES)):
            rate = chances()[condition, symptom]
            told, denied = symptom in patient.has, symptom in patient.denied
            there, absent = rate * symptoms.TOLD, (1 - rate) * symptoms.DENIED
            joint[condition] *= there if told else absent if denied else 1 - there - absent
    np.testing.assert_allclose(patient.posterior(), joint / joint.sum(), rtol=1e-9)


def test_the_likeliest_is_right_as_often_as_it_is_said_to_be() -> None:
    chance = np.array([patient.posterior() for patient in PATIENTS])
    truth = np.array([patient.diagnosis for patient in PATIENTS])
    assert (chance.argmax(1) == truth).mean() == pytest.approx(chance.max(1).mean(), abs=0.03)
    unsure = chance.max(1) < 0.7
    assert (chance.argmax(1) == truth)[unsure].mean() == pytest.approx(chance.max(1)[unsure].mean(), abs=0.08)


def test_what_others_have_and_what_is_over_says_nothing_of_the_condition() -> None:
    """It is drawn from the symptoms that are neither told nor denied, each alike."""
    for patient in PATIENTS:
        groups = (patient.has, patient.denied, patient.other, patient.past)
        assert len({k for group in groups for k in group}) == sum(map(len, groups))
    own = [chances()[patient.diagnosis, k] for patient in PATIENTS for k in (*patient.other, *patient.past)]
    left = [
        np.delete(chances()[patient.diagnosis], [*patient.has, *patient.denied]).mean()
        for patient in PATIENTS
        for _ in (*patient.other, *patient.past)
    ]
    assert np.mean(own) == pytest.approx(np.mean(left), abs=0.01)


def test_marks_are_the_phrases_of_the_symptoms_that_the_patient_has() -> None:
    for number in range(200):
        record = symptoms.written(number, 0)
        assert all(record.text[begin:end] in SYMPTOMS[name] for begin, end, name in record.evidence)
        assert {name for _, _, name in record.evidence} == {NAMES[k] for k in PATIENTS[number].has}


def test_the_bound_is_of_the_subjects_asked_for(tmp_path: Path) -> None:
    folder = simulate.write("symptoms", tmp_path / "symptoms", 60)
    lines = [json.loads(line) for line in (folder / "symptoms.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["diagnosis"] for line in lines] == [DIAGNOSES[patient.diagnosis] for patient in PATIENTS[:60]]
    test = [line["subject"] for line in lines if line["part"] == "test"]
    asked = [PATIENTS[int(subject) - 1] for subject in test]
    order = [np.argsort(-patient.posterior(), kind="stable") for patient in asked]
    found = symptoms.bound(folder, test)
    assert len(test) == 9
    assert found.top1 == pytest.approx(np.mean([one[0] == patient.diagnosis for one, patient in zip(order, asked, strict=True)]))
    assert found.top3 == pytest.approx(np.mean([patient.diagnosis in one[:3] for one, patient in zip(order, asked, strict=True)]))
