"""Entities looked up in texts."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sequela import model as models
from sequela.baselines import dictionary
from sequela.baselines.dictionary import Dictionary, Term
from sequela.config import Study, convert, dump
from sequela.config import options as options_of
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.text.words import words
from sequela.types import Piece, Places, Plain, Ragged, Spanned, Spans, Tags, Target

TYPES = ("Disease", "Drug")
Marked = tuple[str, list[tuple[str, int, str]]]  # a text, and words of it with their type and concept

TRAIN: list[Marked] = [
    ("The cancer was a Breast cancer.", [("Breast cancer", 0, "D001943"), ("cancer", 0, "D009369")]),
    ("Aspirin for breast cancer, as usual", [("Aspirin", 1, "D001241"), ("breast cancer", 0, "D001943")]),
    ("AS is Angelman syndrome", [("AS", 0, "D017204"), ("Angelman syndrome", 0, "D017204")]),
    ("as mean as a mean lead", [("lead", 1, "D007854")]),
    ("Lead the way; they lead, we lead.", []),
]


def evidence(rows: list[Marked], known: list[bool] | None = None) -> Evidence:
    """Rows of one text each; None is known of those that nobody read."""
    texts = tuple(text for text, _ in rows)
    cuts = [words(text) for text in texts]
    offsets = np.cumsum([0, *map(len, cuts)])
    begin, end = (np.concatenate([getattr(cut, name) for cut in cuts] or [np.zeros(0, np.int32)]) for name in ("begin", "end"))
    places = Places(offsets, begin, end, texts, tuple((Piece(0, "", "NOTE"),) for _ in texts))
    ragged = Ragged(offsets, np.zeros(offsets[-1], np.int32), np.zeros(offsets[-1]), places=places)
    marks = [[(text.index(one), text.index(one) + len(one), kind, code) for one, kind, code in those] for text, those in rows]
    flat = [mark for row in marks for mark in sorted(row)]
    numbers = np.array([mark[:3] for mark in flat], np.int64).reshape(-1, 3)
    spans = Spans(np.cumsum([0, *map(len, marks)]), *numbers.T, None, np.array([mark[3] for mark in flat], object))
    tags = Tags(offsets, np.full(offsets[-1], -1), np.ones(offsets[-1], bool))
    seen = np.array([True] * len(rows) if known is None else known)[:, None]
    target = Target(np.diff(spans.offsets).astype(float)[:, None], seen, TYPES, Spanned(spans, tags))
    nothing = Plain(np.zeros((len(rows), 0), np.float32), ())
    return Evidence({"note": ragged}, {}, nothing, target, np.arange(len(rows)), np.arange(len(rows)).astype(str))


def fitted(tune: list[Marked] = TRAIN, **options: object) -> Dictionary:
    made = dictionary.build(convert(options, dictionary.Config, "dictionary"))
    made.fit(evidence(TRAIN), evidence(tune), "entities", 0)
    return made


def said(made: Dictionary, text: str) -> list[tuple[str, str, float, str]]:
    spans = made.answer(evidence([(text, [])])).spanned
    assert spans is not None and spans.score is not None and spans.concept is not None
    columns = zip(spans.begin, spans.end, spans.label, spans.score, spans.concept, strict=True)
    return [(text[begin:end], TYPES[label], score, concept) for begin, end, label, score, concept in columns]


def test_training_names_are_found_in_other_texts_with_type_share_and_concept() -> None:
    assert said(fitted(), "BREAST-CANCER: aspirin. Cancer?") == [
        ("BREAST-CANCER", "Disease", 1.0, "D001943"),
        ("aspirin", "Drug", 1.0, "D001241"),
        ("Cancer", "Disease", 1.0, "D009369"),
    ]


def test_a_word_that_is_seldom_an_entity_is_looked_for_only_under_a_low_share() -> None:
    assert said(fitted(shares=[0.1]), "Lead.") == [("Lead", "Drug", 0.25, "D007854")]
    assert said(fitted(shares=[0.5]), "Lead.") == []
    assert fitted(shares=[0.1, 0.5]).chosen["names"]["chosen"] == {"share": 0.5}


def test_the_share_is_the_one_of_the_best_f1_on_tune() -> None:
    told = fitted([("lead", [("lead", 1, "")])], shares=[0.5, 0.1]).chosen["names"]
    assert told["chosen"] == {"share": 0.1} and told["tried"] == [{"share": 0.5, "loss": 1.0}, {"share": 0.1, "loss": 0.0}]


def test_the_sum_of_scores_of_each_type_is_the_row_s_value() -> None:
    answer = fitted(shares=[0.0]).answer(evidence([("lead and aspirin", []), ("", []), ("AS cancer", [])]))
    np.testing.assert_allclose(answer.values, [[0.0, 1.25], [0.0, 0.0], [2.0, 0.0]])
    assert answer.spanned is not None and answer.spanned.offsets.tolist() == [0, 2, 2, 4]


def test_rows_that_nobody_read_teach_nothing() -> None:
    made = dictionary.build(dictionary.Config())
    rows = evidence(TRAIN, [False, True, True, True, True])
    made.fit(rows, rows, "entities", 0)
    assert said(made, "cancer") == []


def test_terms_of_a_file_are_added_where_training_has_none(tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("term,type,concept\nWarfarin,Drug,D014859\nbreast cancer,Drug,X\nfoo,,\n")
    config = dictionary.gathered(dictionary.Config(terms="terms.csv"), lambda name: tmp_path / name)
    assert config.terms == [Term("Warfarin", "Drug", "D014859"), Term("breast cancer", "Drug", "X")]
    made = dictionary.build(config)
    made.fit(evidence(TRAIN), evidence(TRAIN), "entities", 0)
    assert said(made, "warfarin, breast cancer") == [
        ("warfarin", "Drug", 1.0, "D014859"),
        ("breast cancer", "Disease", 1.0, "D001943"),
    ]


def test_a_study_holds_the_terms_of_the_file_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("term,type\nWarfarin,Drug\n")
    given = {
        "name": "drugs",
        "question": "Where is a drug named?",
        "data": {"source": "notes"},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"spans": "drugs"},
        "inputs": {"note": {"modality": "text", "encoder": "bilstm"}},
        "task": "entities",
        "baselines": {"names": [{"name": "dictionary", "terms": "terms.csv"}]},
    }
    study = models.gathered(convert(given, Study), lambda name: tmp_path / name)
    for one in (study, convert(tomllib.loads(dump(study)), Study)):
        assert one.baselines.names is not None
        assert options_of("baselines", one.baselines.names[0], "baselines.names")[1].terms == [Term("Warfarin", "Drug")]
    assert models.gathered(study, lambda name: tmp_path / "nowhere") == study


@pytest.mark.parametrize(
    ("table", "reason"),
    [("term,kind\na,Drug\n", "has no column 'type'"), ("", "cannot be read as a table of terms")],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, table: str, reason: str) -> None:
    (tmp_path / "terms.csv").write_text(table)
    with pytest.raises(DataError, match=reason):
        dictionary.gathered(dictionary.Config(terms="terms.csv"), lambda name: tmp_path / name)


def test_a_term_of_a_type_that_is_not_asked_for_is_refused() -> None:
    with pytest.raises(DataError, match="of type 'Gene', which is not asked for"):
        fitted(terms=[["BRCA1", "Gene"]])


def test_a_file_that_nobody_read_is_refused() -> None:
    with pytest.raises(DataError, match="the file of terms has not been read"):
        fitted(terms="terms.csv")


def test_rows_without_a_text_are_refused() -> None:
    rows = evidence(TRAIN)
    bare = replace(rows, inputs={"chart": replace(rows.inputs["note"], places=None)})
    with pytest.raises(DataError, match="reads one input of texts, and 0 are there"):
        dictionary.build(dictionary.Config()).fit(bare, rows, "entities", 0)
