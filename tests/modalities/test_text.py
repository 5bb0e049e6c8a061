"""Text: every step points back to its place, nothing rare is kept, and what is shared or long reads alike."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.batch import pad
from sequela.errors import ConfigError, DataError
from sequela.modalities import text
from sequela.modalities._synthetic import Held, events
from sequela.modalities._text_cut import _numbered, numbering
from sequela.prep.vocabulary import UNKNOWN
from sequela.text import documents
from sequela.text.words import words
from sequela.types import DAY, Array, Known, Ragged, Shared

NOTES = (
    "No fever today. Cough since Monday!",
    "Fever and cough.\r\nNo rash; Dr. Wu was told.",
    "患者无发热，咳嗽三天。",
    "无发热。 Cough 38.5",
)


def known(texts: Sequence[str | None], rows: Sequence[int] | None = None, subject: Array | None = None) -> Known:
    """A note each, a row each unless told otherwise; None is an event without text."""
    row = list(range(len(texts))) if rows is None else list(rows)
    columns = {"row": row, "position": [float(place - len(row)) for place in range(len(row))], "code": ["NOTE//ward"] * len(row)}
    frame = events({**columns, "text_value": list(texts)}).sort("row", maintain_order=True)
    return Known(max(row, default=-1) + 1, frame, Held({}), {"NOTE//ward": "text"}, subject=subject)


def modality(**options: Any) -> text.Text:
    return text.build(config.convert(options, text.Config))


def told(ragged: Ragged, row: int) -> list[str]:
    """What stands at the place of each step of a row."""
    assert ragged.places is not None
    own = slice(*ragged.offsets[row : row + 2])
    begins, ends = ragged.places.begin[own].tolist(), ragged.places.end[own].tolist()
    return [ragged.places.texts[row][begin:end] for begin, end in zip(begins, ends, strict=True)]


def tokens(ragged: Ragged, state: text.State, row: int) -> list[str]:
    sequence = pad(ragged, np.array([row]))
    return [state.tokens[number] for number in sequence.values[0][sequence.mask[0]].tolist()]


# ----------------------------------------------------------------------------------------------------------------------- places


def test_steps_are_the_words_of_the_note_and_rare_ones_are_unknown() -> None:
    said = known(NOTES)
    state = modality().fit(said)
    ragged = modality().read(said, state)
    assert told(ragged, 1)[:6] == ["Fever", "and", "cough", ".", "No", "rash"]
    assert tokens(ragged, state, 1)[:6] == ["fever", UNKNOWN, "cough", ".", "no", UNKNOWN]
    assert ragged.position[:3].tolist() == [0, 1, 2]


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(ANY, min_size=1, max_size=5), st.sampled_from(["words", "sentences", "chunks"]))
@settings(max_examples=25, deadline=None)
def test_every_character_but_white_space_lies_in_one_step_at_its_place(texts: list[str], form: str) -> None:
    said = known([*texts, "one two", "one two"], [0] * len(texts) + [1, 2])
    ragged = modality(form=form, max_words=3).read(said, modality(form=form).fit(said))
    assert ragged.places is not None
    assert ragged.places.texts[0] == documents.BETWEEN.join(one for one in texts if one)
    assert "".join("".join(told(ragged, 0)).split()) == "".join("".join(texts).split())
    for piece, one in zip(ragged.places.pieces[0], [one for one in texts if one], strict=True):
        assert ragged.places.texts[0][piece.begin : piece.begin + len(one)] == one and piece.key == documents.key(one)


def test_a_row_reads_its_notes_in_order_of_time_or_the_last_alone() -> None:
    said = known(["one two", "two three", "one three"], [0, 0, 1])
    state = modality().fit(said)
    assert told(modality().read(said, state), 0) == ["one", "two", "two", "three"]
    last = modality(documents="last").read(said, state)
    assert told(last, 0) == ["two", "three"] and last.places is not None and last.places.texts[0] == "two three"


ROWS = st.lists(st.lists(st.sampled_from(["a b", "b c", "c d e", "a", "b b b b"]), max_size=5), min_size=1, max_size=5)


@given(ROWS, st.integers(0, 5), st.sampled_from(["first", "last"]))
@settings(max_examples=40, deadline=None)
def test_texts_pieces_and_steps_of_rows_are_those_of_their_notes_laid_by_hand(
    rows: list[list[str]], most: int, keep: str
) -> None:
    rows = [*rows, ["a b c d e"], ["a b c d e"]]
    said = known([one for notes in rows for one in notes], [row for row, notes in enumerate(rows) for _ in notes])
    made = modality(max_steps=most, keep=keep)
    ragged = made.read(said, made.fit(said))
    assert ragged.places is not None
    assert list(ragged.places.texts) == [documents.BETWEEN.join(notes) for notes in rows]
    for row, (notes, pieces) in enumerate(zip(rows, ragged.places.pieces, strict=True)):
        assert [(piece.key, piece.code) for piece in pieces] == [(documents.key(one), "NOTE//ward") for one in notes]
        written = [word for one in notes for word in one.split()]
        assert told(ragged, row) == (written if not most else written[:most] if keep == "first" else written[-most:])
    for beyond in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            ragged.places.texts[beyond]


def test_a_note_that_many_rows_know_is_held_once() -> None:
    notes = [f"a b {number} " + "c" * 10_000 for number in range(30)]
    said = known(notes * 30, np.repeat(np.arange(30), 30).tolist())
    made = modality(max_steps=5)
    ragged = made.read(said, made.fit(said))
    assert ragged.places is not None
    held = pickle.dumps((ragged.places.texts, ragged.places.take(np.arange(0, 30, 2)).texts))
    assert len(held) < 2 * sum(map(len, notes)) < len(ragged.places.texts[0]) * 30


def test_other_codes_and_events_without_text_are_not_read() -> None:
    said = known(["one", "one", None, ""])
    radiology = pl.col("code").str.replace("ward", "radiology")
    other = Known(5, pl.concat([said.events, said.events[:1].with_columns(radiology, row=pl.lit(4, pl.Int64))]), Held({}), {})
    assert modality(codes=["NOTE//ward"]).read(other, modality().fit(other)).lengths.tolist() == [1, 1, 0, 0, 0]
    with pytest.raises(DataError, match="no training row has a document with words"):
        modality(codes=["REPORT"]).fit(other)


def test_notes_that_rows_share_read_as_those_given_row_by_row() -> None:
    frame = pl.DataFrame({"code": ["NOTE"] * 3, "text_value": list(NOTES[:3])})
    columns = {name: pl.lit(None, dtype) for name, dtype in (("numeric_value", pl.Float32), ("payload", pl.String))}
    row, place = np.array([0, 1, 1, 2, 2, 2]), np.array([0, 0, 1, 0, 1, 2])
    time, high = np.arange(3) * DAY, np.arange(3) * DAY
    held = frame.with_columns(**columns, visit=pl.lit(None, pl.Int64))
    shared = Known(3, Shared(held, time, row, place, high), Held({}), {"NOTE": "text"})
    apart = Known(3, shared.events, Held({}), {"NOTE": "text"})
    state = modality().fit(shared)
    assert state == modality().fit(apart)
    one, other = modality().read(shared, state), modality().read(apart, state)
    assert one.offsets.tolist() == other.offsets.tolist() and [told(one, i) for i in range(3)] == [
        told(other, i) for i in range(3)
    ]
    np.testing.assert_array_equal(one.values[one.take], other.values[other.take])


@pytest.mark.parametrize(("keep", "expected"), [("first", ["No", "fever"]), ("last", ["Monday", "!"])])
def test_a_long_row_keeps_the_end_that_was_asked_for_and_training_counts_them(keep: str, expected: list[str]) -> None:
    made = modality(max_steps=2, keep=keep)
    state = made.fit(known([*NOTES, "cough"]))
    ragged = made.read(known(NOTES[:1]), state)
    assert told(ragged, 0) == expected and state.longer == 4
    assert ragged.position.tolist() == [0, 1]


# ----------------------------------------------------------------------------------------------------------------- what is kept


def test_a_word_of_one_person_is_not_kept_however_often_it_was_written() -> None:
    subject = np.array([0, 0, 1])
    state = modality(characters=4).fit(known(["Zxqy fever", "zxqy fever", "fever"], subject=subject))
    assert state.tokens == [UNKNOWN, "fever"] and state.subjects == [0, 2]
    kept = msgspec.json.encode(state).decode()
    assert "zxqy" not in kept and "z" not in state.letters and "q" not in state.letters


def test_a_note_that_two_people_have_is_written_by_both() -> None:
    assert modality().fit(known(["same words", "same words"])).tokens == [UNKNOWN, "same", "words"]


def test_runs_of_words_end_with_their_document_and_need_enough_subjects() -> None:
    said = known(["one two", "three one two", "two three", "three"], [0, 1, 2, 3])
    made = modality(ngrams=3)
    plain = made.plain(said, made.fit(said))
    bigrams = next(block for block in plain.counts if block.label == "bigrams")
    assert bigrams.names == ("bigrams.one two",) and bigrams.values.toarray().ravel().tolist() == [1, 1, 0, 0]
    assert [block.label for block in plain.counts] == ["words", "bigrams"]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=8), min_size=2, max_size=6))
@settings(max_examples=25, deadline=None)
def test_words_and_runs_are_counted_as_by_hand(notes: list[list[str]]) -> None:
    said = known([" ".join([*note, "z"]) for note in notes])
    made = modality(ngrams=3)
    plain = made.plain(said, made.fit(said))
    for block in plain.counts:
        for name, column in zip(block.names, block.values.toarray().T, strict=True):
            run = name.partition(".")[2].split()
            whole = [[*note, "z"] for note in notes]
            by_hand = [sum(note[i : i + len(run)] == run for i in range(len(note))) for note in whole]
            assert column.tolist() == by_hand


def test_negated_words_are_counted_apart() -> None:
    said = known(["No fever. Cough.", "Fever. No cough."])
    made = modality(side=["negated"], ngrams=1)
    state = made.fit(said)
    affirmed, negated = made.plain(said, state).counts
    assert affirmed.values.toarray()[:, affirmed.names.index("words.fever")].tolist() == [0, 1]
    assert negated.values.toarray()[:, negated.names.index("negated.not_fever")].tolist() == [1, 0]
    side = made.read(said, state).side
    assert side is not None and side[:, 0].tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]


def test_the_limit_keeps_the_most_frequent_words() -> None:
    state = modality(max_vocabulary=2).fit(known(["a b c", "a b c", "a b", "a"]))
    assert state.tokens == [UNKNOWN, "a", "b"]


# ------------------------------------------------------------------------------------------------------------------------ forms


def test_words_are_told_by_shape_and_letters_and_a_long_one_by_both_ends() -> None:
    made = modality(characters=4)
    said = known(["Hepatitis Hepatitis", "Hepatitis is"])
    state = made.fit(said)
    word = made.read(said, state).values[:1][0].tolist()
    letter = {name: number for number, name in enumerate(state.letters, 2)}
    assert word == [state.tokens.index("hepatitis"), 2, letter["H"], letter["e"], letter["i"], letter["s"]]
    spec = made.spec(state)
    assert spec.shape == (6,) and spec.words is not None and spec.words.characters == len(state.letters) + 2
    new = made.read(known(["Qe"]), state).values[np.array([0])][0].tolist()
    assert new == [0, 2, 1, letter["e"], 0, 0]


def test_words_that_differ_by_digits_are_one_where_asked() -> None:
    said = known(["38.5", "39.1"])
    assert modality(digits=True).fit(said).tokens == [UNKNOWN, "00.0"]
    with pytest.raises(DataError, match="no word of 2 training documents was written by 2 subjects"):
        modality().fit(said)


def test_a_sentence_is_a_step_of_its_words_in_order_and_a_long_one_goes_on() -> None:
    said = known(["a b. b a a b c.", "a b. b c."])
    made = modality(form="sentences", max_words=3)
    state = made.fit(said)
    ragged = made.read(said, state)
    assert told(ragged, 0) == ["a b.", "b a a", "b c."]
    sequence = pad(ragged, np.array([0]))
    assert [[state.tokens[n] for n in step[seen]] for step, seen in zip(sequence.values[0], sequence.seen[0], strict=True)] == [
        ["a", "b", "."], ["b", "a", "a"], ["b", "c", "."],
    ]  # fmt: skip


def test_beside_a_sentence_stands_the_share_of_its_words() -> None:
    said = known(["No fever. Cough.", "No fever. Cough."])
    made = modality(form="sentences", side=["negated"])
    side = made.read(said, made.fit(said)).side
    assert side is not None
    np.testing.assert_allclose(side[:2, 0], [1 / 3, 0])


def test_stop_words_are_dropped_but_not_those_that_turn_a_meaning() -> None:
    said = known(["There is no fever.", "There is no fever."])
    made = modality(stop_words="dropped", side=["negated"])
    ragged = made.read(said, made.fit(said))
    assert told(ragged, 0) == ["no", "fever", "."] and ragged.side is not None and ragged.side[:3, 0].tolist() == [0, 1, 0]


SECTIONED = "Seen today.\nFAMILY HISTORY:\nMother had asthma.\nPLAN:\nRest. Fluids."


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"sections": ["Family history"]}, "Mother had asthma ."),
        ({"sections": ["fam*", ""]}, "Seen today . Mother had asthma ."),
        ({"without_sections": ["family*", "plan"]}, "Seen today ."),
        ({"sections": ["*"], "without_sections": [""]}, "Mother had asthma . Rest . Fluids ."),
        ({"sections": ["allergies"]}, ""),
    ],
    ids=str,
)
def test_only_what_stands_under_the_headings_that_are_asked_for_is_read(options: dict[str, Any], expected: str) -> None:
    said = known([SECTIONED] * 2)
    state = modality().fit(said)
    assert told(modality(**options).read(said, state), 0) == expected.split()


def test_what_is_not_read_leaves_nothing_in_the_vocabulary_and_an_example_is_read() -> None:
    one = modality(sections=["family history"])
    state = one.fit(known([SECTIONED] * 2))
    assert set(state.tokens) == {UNKNOWN, "mother", "had", "asthma", "."}
    assert (np.diff(one.read(one.example(state, 3, 0), state).offsets) > 0).all()


def test_sentences_of_a_chosen_section_begin_where_they_did() -> None:
    one = modality(form="sentences", sections=["plan"])
    said = known([SECTIONED] * 2)
    assert told(one.read(said, one.fit(said)), 0) == ["Rest.", "Fluids."]


def test_chinese_is_read_by_characters_without_any_extra() -> None:
    said = known(["患者无发热", "患者咳嗽"])
    assert told(modality().read(said, modality().fit(said)), 0) == ["患", "者", "无", "发", "热"]


@pytest.mark.slow
def test_chinese_is_read_by_the_words_of_a_dictionary_where_asked() -> None:
    said, made = known(["患者无发热", "患者咳嗽"]), modality(chinese="jieba")
    assert told(made.read(said, made.fit(said)), 1) == ["患者", "咳嗽"]


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_subwords_are_learnt_of_what_enough_people_wrote_and_keep_their_places(kind: str) -> None:
    said = known(["fever feverish zxqy", "fever feverish", "feverish"])
    made = modality(form="subwords", subwords=kind, size=60, side=["negated"])
    state = made.fit(said)
    again = msgspec.json.decode(msgspec.json.encode(state), type=text.State)
    ragged = made.read(said, again)
    assert "".join(told(ragged, 0)) == "feverfeverishzxqy" and len(told(ragged, 2)) < len("feverish")
    assert made.spec(state).vocabulary == len(state.tokens) <= 60
    assert not any(letter in name for name in state.tokens[1:] for letter in "zxq")


def test_a_tokenizer_of_a_folder_is_read_into_the_state(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    made = Tokenizer(models.WordPiece({"[PAD]": 0, "[UNK]": 1, "fever": 2, "##ish": 3}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    reader = modality(form="subwords", tokenizer=f"hf:{tmp_path}")
    said = known(["Feverish cough", "fever"])
    state = reader.fit(said)
    (tmp_path / "tokenizer.json").unlink()
    ragged = reader.read(said, state)
    assert told(ragged, 0) == ["Fever", "ish", "cough"] and tokens(ragged, state, 0) == ["fever", "##ish", "[UNK]"]
    words_block = reader.plain(said, state).counts[0]
    assert words_block.values.toarray().sum(1).tolist() == [2, 1], "what is unknown is not counted"


# -------------------------------------------------------------------------------------------------------------------- refusals


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no tokenizer\.json"):
        modality(form="subwords", tokenizer=f"hf:{tmp_path}").fit(known(NOTES))
    with pytest.raises(ConfigError, match="names no folder"):
        modality(form="subwords", tokenizer="bert-base-uncased").fit(known(NOTES))


@pytest.mark.parametrize(
    "options",
    [
        {"form": "sentences", "characters": 5},
        {"form": "subwords", "characters": 5},
        {"tokenizer": "hf:x"},
        {"size": 100},
        {"form": "subwords", "digits": True},
        {"form": "subwords", "stop_words": "dropped"},
        {"form": "subwords", "chinese": "jieba"},
        {"form": "subwords", "max_vocabulary": 5},
        {"form": "subwords", "tokenizer": "hf:x", "lower": False},
        {"form": "subwords", "tokenizer": "hf:x", "size": 100},
        {"side": ["negated", "negated"]},
    ],
    ids=str,
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="text: ") as caught:
        modality(**options)
    assert caught.value.hint


@pytest.mark.parametrize("option", [{"min_subjects": 1}, {"side": ["loud"]}, {"codes": []}], ids=str)
def test_options_that_mean_nothing_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        modality(**option)


def test_empty_and_white_notes_have_no_steps_and_control_characters_are_words() -> None:
    said = known(["fever", "fever", "", " \r\n\t ", "\x00fever\x07"])
    state = modality().fit(said)
    ragged = modality().read(said, state)
    assert ragged.lengths.tolist() == [1, 1, 0, 0, 3] and told(ragged, 4) == ["\x00", "fever", "\x07"]
    assert ragged.places is not None and ragged.places.texts[3] == " \r\n\t "


def test_only_white_space_is_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="no training row has a document with words, of 2"):
        modality().fit(known([" ", "\n"]))


def test_a_long_note_is_cut_piece_by_piece_as_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    note = " ".join(NOTES * 5)
    cuts, forms, pieced = words(note), numbering(), numbering()
    whole = _numbered(note, cuts, forms)
    monkeypatch.setattr("sequela.modalities._text_cut.PIECE", 7)
    np.testing.assert_array_equal(_numbered(note, cuts, pieced), whole)
    assert forms == pieced


# ------------------------------------------------------------------------------------------------------------- plain, examples


def test_the_columns_of_a_step_say_what_its_word_looks_like() -> None:
    said = known(["Wilson has 38.5", "has fever"])
    made = modality()
    plain = made.plain_steps(said, made.fit(said))
    assert plain.values[:, plain.names.index("length")].tolist() == [6, 3, 4, 3, 5]
    assert plain.values[:, plain.names.index("shape.number")].tolist() == [0, 0, 1, 0, 0]
    np.testing.assert_allclose(plain.values[:, plain.names.index("subjects")], np.log1p([0, 2, 0, 2, 0]), rtol=1e-6)


def test_the_dense_columns_are_sizes_and_what_is_unknown() -> None:
    said = known(["aa bb", "aa", None, "aa cccc"])
    made = modality()
    plain = made.plain(said, made.fit(said))
    assert plain.names == ("documents.count", "words.count", "words.length", "unknown.share")
    np.testing.assert_allclose(plain.values, [[1, 2, 2, 0.5], [1, 1, 2, 0], [0, 0, np.nan, np.nan], [1, 2, 3, 0.5]])


def test_what_was_cut_last_is_not_taken_for_another_note() -> None:
    made = modality()
    state = made.fit(known(NOTES))
    first = told(made.read(known(NOTES[:1]), state), 0)
    second = told(made.read(known(NOTES[1:2]), state), 0)
    assert first[0] == "No" and second[0] == "Fever" and told(made.read(known(NOTES[:1]), state), 0) == first


def test_a_note_longer_than_any_is_refused_unless_max_steps_says_what_of_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "LONGEST", 10)
    said = known(["No fever since Monday.", "No fever. " * 5, "extraordinarily long word"])
    one = modality()
    assert one.refused(said, one.fit(said)) == [
        "",
        "its text has 15 steps, and 10 are read at once: max_steps says how many of them are",
        "",
    ]
    cut = modality(max_steps=4)
    assert cut.refused(said, cut.fit(said)) == [""] * 3
