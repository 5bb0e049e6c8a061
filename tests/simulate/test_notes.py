"""The simulated notes: labels are what the text asserts, marks are where, and words alone tell nothing of the hard half."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from sequela import simulate
from sequela.codes import icd10
from sequela.simulate import notes
from sequela.simulate.notes.conditions import CONDITIONS
from sequela.simulate.notes.grammar import STATUSES, Templates
from sequela.types import PARTS

LANGUAGES = tuple(notes.WRITERS)
CODES = tuple(one.code for one in CONDITIONS)
NUMBERS = range(1200)
PATIENTS = [notes.drawn(number, 0) for number in NUMBERS]


@pytest.fixture(scope="module", params=LANGUAGES)
def written(request: pytest.FixtureRequest) -> list[notes.Note]:
    return [notes.written(PATIENTS[number], number, 0, request.param) for number in NUMBERS]


def sentences(one: Templates) -> set[str]:
    several = (one.present, one.plain, one.turned, *one.absent.values(), *one.mixed.values())
    return {template for some in several for template in some}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_about_conditions_or_course_is_in_two_parts(language: str) -> None:
    parts = notes.WRITERS[language].grammar.parts
    assert all(not sentences(parts[one]) & sentences(parts[other]) for one, other in combinations(PARTS, 2))
    assert all(set(parts[part].absent) == set(parts[part].mixed) == set(STATUSES) for part in PARTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_is_of_one_condition_and_the_codes_are_those_of_the_system(language: str) -> None:
    names = [name for several in notes.WRITERS[language].names for name in several]
    assert len(names) == len(set(names))
    words = [word for several in notes.WRITERS[language].grammar.levels for word in several]
    assert len(words) == len(set(words)) and len(notes.WRITERS[language].grammar.levels) == 5
    assert len(set(CODES)) == len(CODES) and all(icd10.blocks(icd10.category(code)) for code in CODES)


def test_marks_are_the_names_of_exactly_the_codes_that_are_true(written: list[notes.Note]) -> None:
    names = {name.lower(): one.code for one in CONDITIONS for name in (*one.english, *one.chinese)}
    for patient, note in zip(PATIENTS, written, strict=True):
        said = [names[note.text[begin:end].lower()] for begin, end, _ in note.evidence]
        assert said == [code for _, _, code in note.evidence]
        assert sorted(said) == sorted(CODES[k] for k in patient.present)


def test_every_condition_that_is_named_is_named_once(written: list[notes.Note]) -> None:
    for patient, note in zip(PATIENTS, written, strict=True):
        slots = sum(len(re.findall(r"\{[pn]\}", template)) for template in note.templates)
        assert slots <= len(patient.present) + len(patient.absent)
        assert "{" not in note.text


def test_names_kept_from_training_stand_in_test_notes_alone(written: list[notes.Note]) -> None:
    kept = {several[-1].lower() for language in LANGUAGES for several in notes.WRITERS[language].names}
    found = dict.fromkeys(PARTS, 0)
    for patient, note in zip(PATIENTS, written, strict=True):
        found[patient.part] += sum(note.text[begin:end].lower() in kept for begin, end, _ in note.evidence)
    assert found["train"] == found["tune"] == 0 and found["test"] > 0


def test_half_of_what_a_hard_note_names_is_true_whatever_it_is() -> None:
    hard = [patient for patient in PATIENTS if patient.hard]
    assert all(len(patient.present) == len(patient.absent) for patient in hard)
    assert all(not patient.absent for patient in PATIENTS if not patient.hard)
    true = np.array([k for patient in hard for k in patient.present])
    false = np.array([k for patient in hard for k, _ in patient.absent])
    rate = np.bincount(true, minlength=28) / (np.bincount(true, minlength=28) + np.bincount(false, minlength=28))
    assert np.abs(rate - 0.5).max() < 4 * np.sqrt(0.25 / (len(true) * 2 / 28))


def pairs(hard: bool) -> list[tuple[int, int, bool]]:
    """Of the test notes: note, condition that it names, and whether it is true."""
    found = []
    for number, patient in enumerate(PATIENTS):
        if patient.part == "test" and patient.hard == hard:
            found += [(number, k, True) for k in patient.present] + [(number, k, False) for k, _ in patient.absent]
    return found


def bag(written: list[notes.Note], runs: int = 1) -> csr_array:
    """How often each word (of Chinese, each run of up to so many characters) stands in each note."""
    chinese = re.search(r"[一-鿿]", written[0].text) is not None
    vectorizer = CountVectorizer(analyzer="char", ngram_range=(1, runs)) if chinese else CountVectorizer()
    return csr_array(vectorizer.fit_transform(one.text for one in written))


def test_a_bag_of_words_is_at_chance_on_the_hard_half(written: list[notes.Note]) -> None:
    """Over the conditions that a note names; in Chinese the bag holds pairs of characters too, as words are such pairs."""
    counts, learnt = bag(written, 2), np.array([patient.part != "test" for patient in PATIENTS])
    named = pairs(hard=True)
    risk = np.zeros(len(named))
    for condition in range(0, 28, 4):
        true = np.array([condition in patient.present for patient in PATIENTS])
        fitted = LogisticRegression(C=1.0, solver="liblinear").fit(counts[learnt], true[learnt])
        here = [place for place, (_, k, _) in enumerate(named) if k == condition]
        if here:
            risk[here] = fitted.decision_function(counts[[named[place][0] for place in here]])
    asked = [place for place, (_, k, _) in enumerate(named) if k % 4 == 0]
    assert 0.38 < roc_auc_score([named[place][2] for place in asked], risk[asked]) < 0.62


def test_of_the_two_words_about_the_course_either_holds_as_often() -> None:
    higher = [patient.rating > patient.other for patient in PATIENTS if patient.hard]
    assert abs(np.mean(higher) - 0.5) < 0.08
    assert {patient.rating for patient in PATIENTS} == {1, 2, 3, 4, 5}


def test_a_bag_of_words_tells_which_two_ratings_a_hard_note_names_and_not_which_holds(written: list[notes.Note]) -> None:
    counts, learnt = bag(written), np.array([patient.part != "test" for patient in PATIENTS])
    rating, hard = np.array([patient.rating for patient in PATIENTS]), np.array([patient.hard for patient in PATIENTS])
    said = LinearSVC(C=0.1, random_state=0).fit(counts[learnt], rating[learnt]).predict(counts)
    right = said == rating
    assert right[~learnt & ~hard].mean() > 0.9
    assert 0.3 < right[~learnt & hard].mean() < 0.65


def test_the_files_hold_one_note_of_each_patient_in_each_language(tmp_path: Path) -> None:
    folder = simulate.write("notes", tmp_path / "notes", 20)
    for language in LANGUAGES:
        lines = [json.loads(line) for line in (folder / f"notes_{language}.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [line["subject"] for line in lines] == [str(number + 1) for number in range(20)]
        assert lines[7]["text"] == notes.written(notes.drawn(7, 0), 7, 0, language).text
        assert lines[7]["codes"] == ";".join(sorted(CODES[k] for k in notes.drawn(7, 0).present))
        assert {line["part"] for line in lines} == {"train", "tune", "test"}
