"""Explained texts: phrases with their places that sum to the answer, on simulated notes whose words of evidence are known."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import torch

from sequela import batch, config, pipeline
from sequela import model as models
from sequela.bundle import Bundle, reasons
from sequela.bundle.prediction import NOTHING, Prediction
from sequela.bundle.predictor import Predictor
from sequela.errors import UsageError
from sequela.evaluate.report import reading
from sequela.explain.tokens.phrases import Phrase
from sequela.pipeline import attributed, left_out_words
from sequela.pipeline.attributed import Method, Texts, Told
from sequela.pipeline.texts import page, terms
from sequela.readers import _documents
from sequela.readers._documents import Document
from sequela.store.store import Store, open_store
from sequela.store.write import StoreWriter
from sequela.study import cohort as cohorts
from sequela.study import cut
from sequela.text.documents import Mark
from sequela.types import Piece, Places

SIGNS = {"flu": "high fever", "angina": "chest pain", "asthma": "wheezing breath"}  # two words that alone decide
PATIENTS = 30
CLASSES = tuple(SIGNS)
SIGN_OF = {f"p{k:02d}": k % 3 for k in range(PATIENTS)}
FILLER = ["the", "patient", "was", "seen", "today", "in", "clinic", "and", "went", "home", "after", "tea"]


def note(random: np.random.Generator, name: str) -> str:
    """Fifteen words of no meaning, and the sign of one condition among them; another is written in a script of its own."""
    words = random.choice(FILLER, 15).tolist()
    words.insert(int(random.integers(0, 15)), SIGNS[name])
    return " ".join(words) + "."


def written(folder: Path) -> Store:
    """The notes of 30 patients, most with one document, the first with two, and one with a note that holds markup."""
    random = np.random.default_rng(0)
    classes = [list(SIGNS)[k % 3] for k in range(PATIENTS)]
    found = [
        Document(f"p{k:02d}", note(random, one), labels={"condition": one}, told={"sex": "FM"[k % 2]})
        for k, one in enumerate(classes)
    ]
    second = Document("p00", "A second note:\r\nshe drinks tea. \U0001f600", category="Nursing")
    said = "<script>alert(1)</script> high fever & <b>tea</b>"
    markup = Document("q", said, labels={"condition": "flu"}, marks={"sign": [Mark(26, 36, "sign")]})
    with StoreWriter(folder, "notes", "none", 1) as sink:
        _documents.write([*found, second, markup], sink)
    return open_store(folder)


STUDY: dict[str, Any] = {
    "name": "notes",
    "question": "Which condition is described?",
    "data": {"source": "."},
    "cohort": {"index": "SAMPLE"},
    "outcome": {"column": "condition"},
    "inputs": {"note": {"modality": "text", "encoder": {"name": "lstm", "width": 12, "pool": "max"}}},
    "task": "multiclass",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return written(tmp_path_factory.mktemp("notes") / "notes.store")


@pytest.fixture(scope="module")
def held(store: Store) -> Bundle:
    """A network that has learnt the signs, as a bundle that no run had to make."""
    return taught(store)


KERNELS: dict[str, dict[str, Any]] = {"cnn_text": {"kernels": [2]}, "caml": {"kernel": 2}}


def taught(store: Store, encoder: str = "cnn_text", task: object = "multiclass", form: str = "words", epochs: int = 25) -> Bundle:
    modality = {"name": "text", "form": form}
    study = config.convert(
        {
            **STUDY,
            "inputs": {"note": {"modality": modality, "encoder": {"name": encoder, "width": 8, **KERNELS.get(encoder, {})}}},
            "task": task,
        },
        config.Study,
    )
    cohort, _ = cohorts.eligible(store, study)
    labels = np.array([SIGN_OF.get(str(one), 0) for one in cohort.source_id])
    names = tuple(sorted(SIGNS))
    known = cut.known(store, cohort, None)
    fitted = models.fit_inputs(study, known)
    inputs, specs = models.read_inputs(fitted, known)
    model, made = models.build(study, specs, names)
    optimizer = torch.optim.AdamW(model.parameters(), 0.05)
    truth = torch.tensor([names.index(CLASSES[label]) for label in labels])
    seqs = models.tensors(batch.collate(inputs, np.arange(len(cohort))), "cpu").inputs
    for _ in range(epochs):
        out = model(seqs)
        loss = torch.nn.functional.cross_entropy(out, truth)
        if made.kind == "multilabel":
            loss = torch.nn.functional.binary_cross_entropy_with_logits(out, torch.nn.functional.one_hot(truth, 3).float())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    predictor = Predictor(study, fitted, made, [model.eval()], thresholds={f"model/{name}": 0.5 for name in names})
    return Bundle(Path(), predictor, {}, [])


def of_class(one: Prediction, name: str) -> list[dict[str, Any]]:
    return [term for term in one.explanation or () if term["class"] == name]


CASES = [
    ("cnn_text", "multiclass", "words", "gradients"),
    ("cnn_text", "multiclass", "words", "lime"),
    ("han", "multiclass", "sentences", "gradients"),
    ("caml", {"name": "multiclass", "attention": "label"}, "words", "attention"),
    ("caml", {"name": "multilabel", "attention": "label"}, "words", "auto"),
]


@pytest.mark.parametrize(("encoder", "task", "form", "method"), CASES)
def test_the_strongest_phrase_is_the_planted_sign_and_all_terms_sum_to_the_log_odds(
    store: Store, encoder: str, task: object, form: str, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_out_words, "SAMPLES", 100)
    held = taught(store, encoder, task, form)
    few = [f"p{k:02d}" for k in range(8)]
    found = pipeline.predict(held, store, subject=few, explain=True, method=method)
    hits = 0
    for one in found:
        name = CLASSES[SIGN_OF[one.row_id]]
        *shown, rest = of_class(one, name)
        hits += any(word in str(shown[0]["text"]) for word in SIGNS[name].split())
        assert sum(term["change"] for term in (*shown, rest)) + rest["missing"] == pytest.approx(rest["told"])
        assert msgspec.json.decode(one.json())["explanation"]
        if method != "lime":
            assert abs(rest["missing"]) < 0.02 * max(1, abs(rest["told"]))
    assert hits >= 6  # by chance 1 to 2


def test_a_phrase_stands_where_it_is_said_to_in_its_own_document(held: Bundle, store: Store) -> None:
    texts = store.events(["NOTE", "NOTE//Nursing"]).sort("subject_id", "time")["text_value"].to_list()
    (one,) = pipeline.predict(held, store, subject="p00", explain=True)
    own = [text for text in texts if text.startswith("A second")] + texts
    for term in one.explanation or ():
        if "text" in term:
            assert any(text[term["begin"] : term["end"]] == term["text"] for text in own)
            assert term["document"] in (1, 2) and term["code"] == ("NOTE" if term["document"] == 1 else "NOTE//Nursing")
    assert {term["class"] for term in one.explanation or ()} >= {"flu"}
    assert msgspec.json.decode(one.json())["explanation"]


def test_classes_are_explained_that_are_asked_for_and_one_that_is_not_there_is_refused(held: Bundle, store: Store) -> None:
    (one,) = pipeline.predict(held, store, subject="p01", explain=True, classes=["asthma"])
    assert {term["class"] for term in one.explanation or ()} == {"asthma"}
    with pytest.raises(UsageError, match="is no class") as error:
        pipeline.predict(held, store, subject="p01", explain=True, classes=["asthmas"])
    assert "asthma" in error.value.hint


def test_a_method_that_does_not_fit_is_refused_with_those_that_do(held: Bundle, store: Store) -> None:
    with pytest.raises(UsageError, match="attention") as error:
        pipeline.predict(held, store, explain=True, method="attention")
    assert "gradients or lime" in error.value.hint
    with pytest.raises(UsageError, match="none is asked for"):
        pipeline.predict(held, store, method="lime")


def test_a_page_of_a_note_that_holds_markup_is_inert(held: Bundle, store: Store, tmp_path: Path) -> None:
    (one,) = pipeline.predict(held, store, subject="q", explain=True, out=tmp_path)
    page = Path(one.file or "").read_text(encoding="utf-8")
    assert "<script" not in page and "<b>" not in page
    assert "&lt;script&gt;" in page or "&lt;" in page
    assert "high fever" in re.sub("<[^>]*>", "", page)
    assert "do not show what is true of the patient" in page and "integrated gradients" in page


def test_the_same_seed_of_lime_tells_the_same(held: Bundle, store: Store) -> None:
    cohort, _ = held.eligible(store, ["p03"])
    known = held.known(store, cohort)
    texts = Texts(held.predictor, held.predictor.evidence(known, cohort.subject_id, cohort.row_id), "note")
    first, again, other = (
        attributed.by_leaving_out(texts, known, {0: [1]}, seed=seed, samples=60)[0][0].change for seed in (1, 1, 2)
    )
    assert (first == again).all() and (first != other).any()


def test_a_long_text_is_left_out_in_parts_and_read_to_a_bound(held: Bundle, store: Store) -> None:
    places = Places(np.array([0, 0]), np.zeros(0, int), np.zeros(0, int), ("word " * 9_000,), ((Piece(0, "k", "NOTE"),),))
    parts = left_out_words.parts(places, 0, attributed.options_of(held.study, "note"), 20_000)
    assert len(parts.begin) <= left_out_words.PARTS and parts.samples < left_out_words.SAMPLES
    assert (parts.begin[1:] > parts.end[:-1]).all() and parts.end[-1] == 9_000 * 5 - 1
    (left,) = parts.kept(np.arange(len(parts.begin)) > 0)
    assert left.count("word") == 9_000 - (9_000 // len(parts.begin) + 1)


def test_a_text_without_words_and_a_row_without_a_text_have_no_explanation(held: Bundle, store: Store) -> None:
    cohort, _ = held.eligible(store, ["p03"])
    known = held.known(store, cohort)
    bare = replace(known, source=known.events.filter(pl.col("code") != "NOTE"))
    rows = held.predictor.evidence(bare, cohort.subject_id, cohort.row_id)
    texts = Texts(held.predictor, rows, "note")
    assert attributed.by_network(texts, {0: [0]}, "gradients") == {}
    assert attributed.by_leaving_out(texts, bare, {0: [0]}) == {}


def test_a_row_without_time_whose_documents_all_have_times_is_refused_for_it(held: Bundle, tmp_path: Path) -> None:
    monday = datetime(2150, 1, 5, 8)
    found = [
        Document("timed", "high fever", time=monday),
        Document("both", "chest pain"),
        Document("both", "high fever", time=monday),
    ]
    with StoreWriter(tmp_path / "timed.store", "notes", "none", 1) as sink:
        _documents.write(found, sink)
    store = open_store(tmp_path / "timed.store")
    said = {one.source_id: one.refused for one in held.predict(store)}
    assert said["both"] is None
    assert said["timed"] == "no input is known at that time: its documents have times, and this study reads those without"
    others = [Prediction("a", "both", None, refused=NOTHING), Prediction("b", "timed", "2150-01-01T00:00:00Z", refused=NOTHING)]
    assert reasons.told(held.predictor, others, store) == others


def test_shades_grow_with_what_a_phrase_adds() -> None:
    marks = reading.stretches([Phrase(0, 2, 4.0), Phrase(3, 5, -4.0), Phrase(6, 7, 0.9)], " to flu")
    assert [one.class_ for one in marks] == ["for w4", "against w4", "for w1"]
    assert marks[1].title == "-4.00 to flu"


def test_phrases_that_two_decimals_show_as_nothing_join_all_other_words(held: Bundle, store: Store) -> None:
    cohort, _ = held.eligible(store, ["p03"])
    texts = Texts(held.predictor, held.predictor.evidence(held.known(store, cohort), cohort.subject_id, cohort.row_id), "note")
    places = texts.ragged.places
    assert places is not None
    change = np.array([0.0049, -0.03, 0.006])
    told = Told(1, places.begin[:3], places.end[:3], change, 0.1 + float(change.sum()), 0.1, "gradients")
    *shown, rest = terms(texts, 0, [told])
    assert [round(term["change"], 4) for term in shown] == [-0.03, 0.006]
    assert rest["change"] == pytest.approx(0.1 + 0.0049)
    quiet = replace(told, change=change / 100)
    said = page(texts, 0, [quiet], np.zeros(3))
    assert (
        "0.00</td>" not in said
        and "No phrase adds or takes 0.005 or more." in said
        and said.count("the natural logarithm of p") == 1
    )


def test_entities_are_marked_on_a_page_and_not_explained(store: Store, tmp_path: Path) -> None:
    study = config.convert({**STUDY, "outcome": {"spans": "sign"}, "task": "entities"}, config.Study)
    cohort, _ = cohorts.eligible(store, study)
    known = cut.known(store, cohort, None)
    fitted = models.fit_inputs(study, known)
    model, task = models.build(study, {name: one.spec for name, one in fitted.items()}, ("sign",))
    held = Bundle(Path(), Predictor(study, fitted, task, [model.eval()]), {}, [])
    (one,) = pipeline.predict(held, store, subject="q", explain=True, out=tmp_path)
    page = Path(one.file or "").read_text(encoding="utf-8")
    assert one.explanation is None and "<script" not in page
    assert page.count('<mark class="said"') >= len(one.spans or ()) > 0
    listed = page[page.index("<tbody>") :]
    for span in one.spans or ():
        place = f"document {span['document']}, characters {span['begin']}–{span['end']}"
        assert f"<td>{span['score']:.3f}</td><td>{place}</td>" in listed


@pytest.mark.parametrize("method", ["gradients", "lime"])
def test_a_text_beyond_the_bound_is_explained_by_its_beginning_and_says_so(
    held: Bundle, store: Store, method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attributed, "LONGEST", 6)
    monkeypatch.setattr(left_out_words, "SAMPLES", 100)
    (one,) = pipeline.predict(held, store, subject="p01", explain=True, method=method, out=tmp_path)
    text = store.events(["NOTE"])["text_value"][1]
    rest = next(term for term in one.explanation or () if "told" in term)
    assert rest["read"] == len(" ".join(text.split()[:6]))
    assert all(term["end"] <= rest["read"] for term in one.explanation or () if "text" in term)
    assert f"Only the first {rest['read']} characters" in Path(one.file or "").read_text(encoding="utf-8")


def test_beside_a_text_other_inputs_stay_as_they_are_and_are_told_by_their_codes(store: Store) -> None:
    inputs = {**STUDY["inputs"], "patient": {"modality": "static", "encoder": {"name": "mlp", "width": 4}}}
    study = config.convert({**STUDY, "inputs": inputs}, config.Study)
    cohort, _ = cohorts.eligible(store, study)
    fitted = models.fit_inputs(study, cut.known(store, cohort, None))
    model, task = models.build(study, {name: one.spec for name, one in fitted.items()}, CLASSES)
    both = Bundle(Path(), Predictor(study, fitted, task, [model.eval()]), {}, [])
    (one,) = pipeline.predict(both, store, subject="p01", explain=True)
    codes = [term["code"] for term in one.explanation or () if "class" not in term]
    assert codes == ["SEX"]
    for rest in (term for term in one.explanation or () if "told" in term):
        own = [term["change"] for term in one.explanation or () if term.get("class") == rest["class"]]
        assert sum(own) + rest["missing"] == pytest.approx(rest["told"])
