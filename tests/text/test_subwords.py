"""Subwords: the same on every run, and every one of them stands where it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.text.subwords import UNKNOWN, Subwords, load, read, train
from sequela.text.words import words

Kind = Literal["bpe", "wordpiece"]
KINDS: tuple[Kind, ...] = ("bpe", "wordpiece")
NOTES = [
    "Adenoma of the colon, carcinoma of the breast 1.5 cm. 患者无发热👩\u200d⚕️",
    "Adenomas and carcinomas of the colon. 1.5 cm 患者发热 cafe\u0301 👩\u200d⚕️",
    "The adenoma, no carcinoma; café cafe\u0301 Smithers Smithers Smithers",
] * 2


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest) -> Subwords:
    return train(NOTES, request.param, size=150)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer as GPT-2 has it: pieces of bytes, with the space before a word; saved so that it pads and cuts off."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        NOTES, trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=5)
    path = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(str(path / "tokenizer.json"))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_training_gives_the_same_on_every_run(kind: Kind) -> None:
    assert len({train(NOTES, kind, size=150).state() for _ in range(5)}) == 1
    assert train(NOTES[::-1], kind, size=150).state() == train(NOTES, kind, size=150).state()


def test_a_state_gives_the_same_subwords_back(own: Subwords, folder: Path, unicode_texts: list[str]) -> None:
    for subwords in (own, load(folder)):
        again = read(subwords.state())
        assert (again.names, again.unknown, again.own, again.lower) == (
            *(subwords.names, subwords.unknown),
            *(subwords.own, subwords.lower),
        )
        one, other = subwords.encode(unicode_texts[:50]), again.encode(unicode_texts[:50])
        assert (one.id == other.id).all()
        assert (one.begin == other.begin).all()


def test_the_pieces_of_a_word_lie_end_to_end_in_it(own: Subwords, unicode_texts: list[str]) -> None:
    pieces = own.encode(unicode_texts)
    assert len(pieces.offsets) == len(unicode_texts) + 1
    for text, first, last in zip(unicode_texts, pieces.offsets[:-1], pieces.offsets[1:], strict=True):
        cuts = words(text)
        begin, end = pieces.begin[first:last], pieces.end[first:last]
        assert (begin < end).all()
        assert "".join(text[b:e] for b, e in zip(begin, end, strict=True)) == "".join(text.split())
        assert set(cuts.begin.tolist()) <= set(begin.tolist())
        assert set(cuts.end.tolist()) <= set(end.tolist())


def test_a_piece_is_spelled_as_the_text_where_it_stands(own: Subwords, unicode_texts: list[str]) -> None:
    known = 0
    pieces = own.encode(unicode_texts)
    row = np.repeat(np.arange(len(unicode_texts)), np.diff(pieces.offsets))
    for text, piece, begin, end in zip(row, pieces.id, pieces.begin, pieces.end, strict=True):
        if piece != own.unknown:
            known += 1
            assert own.names[piece] in (stretch := unicode_texts[text][begin:end], f"##{stretch}")
    assert known > 1000


def test_a_foreign_tokenizer_points_into_the_text(folder: Path, unicode_texts: list[str]) -> None:
    subwords = load(folder)
    pieces = subwords.encode(unicode_texts)
    for row, text in enumerate(unicode_texts):
        own = slice(*pieces.offsets[row : row + 2])
        begin, end = pieces.begin[own], pieces.end[own]
        assert (begin >= 0).all() and (begin <= end).all() and (end <= len(text)).all()
        covered = np.zeros(len(text), bool)
        for low, high in zip(begin, end, strict=True):
            assert text[low:high] == text[low:high].strip()
            covered[low:high] = True
        assert all(covered[place] or character.isspace() for place, character in enumerate(text))


def test_special_tokens_come_where_they_are_asked_for_and_stand_nowhere(folder: Path) -> None:
    subwords = load(folder)
    plain, special = subwords.encode(["The colon."]), subwords.encode(["The colon."], special=True)
    assert special.id.tolist() == [0, *plain.id.tolist(), 1]
    assert (special.begin[[0, -1]] == special.end[[0, -1]]).all()
    assert subwords.unknown == -1


def test_a_foreign_tokenizer_is_not_cut_off_nor_padded(folder: Path) -> None:
    pieces = load(folder).encode([" ".join(NOTES), "a"])
    assert np.diff(pieces.offsets)[0] > 5
    assert np.diff(pieces.offsets)[1] == 1


def test_a_word_of_one_subject_leaves_nothing_in_the_vocabulary(own: Subwords) -> None:
    names = train(NOTES[:3], size=150).names
    assert not [name for name in names if "Smi" in name or "ther" in name]
    assert "Smithers" in own.names  # of two


def test_what_cannot_be_spelled_is_unknown(own: Subwords) -> None:
    pieces = own.encode(["Ω", ""])
    assert pieces.id.tolist() == [0]
    assert own.names[0] == UNKNOWN
    assert own.unknown == 0
    assert pieces.offsets.tolist() == [0, 1, 1]


def test_what_looks_like_a_special_token_is_text(own: Subwords) -> None:
    pieces = own.encode(["[UNK]##."])
    assert pieces.begin[0] == 0
    assert pieces.end[0] == 1


def test_without_capitals_places_stay() -> None:
    subwords = train([note.upper() for note in NOTES], size=150, lower=True)
    pieces = subwords.encode(["İADENOMA"])
    assert "adenoma" in subwords.names
    assert pieces.end[-1] == len("İADENOMA")


def test_half_a_character_is_unknown_and_keeps_its_place(own: Subwords, folder: Path) -> None:
    assert own.encode(["\ud800 colon"]).begin.tolist() == [0, 2]
    assert load(folder).encode(["\ud800 colon"]).begin[0] == 0


def test_a_vocabulary_too_small_for_its_characters_is_refused() -> None:
    with pytest.raises(ConfigError, match="size = 10 subwords are fewer"):
        train(NOTES, size=10)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no tokenizer\.json"):
        load(tmp_path)


@pytest.mark.parametrize("told", ["", "{}", '{"model": {"type": "Sorcery"}}'])
def test_a_file_that_is_no_tokenizer_is_refused(told: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(told)
    with pytest.raises(DataError, match="is no tokenizer"):
        load(tmp_path)
    with pytest.raises(DataError, match="state of subwords"):
        read(json.dumps({"tokenizer": told, "own": True, "lower": False}))


def test_a_damaged_state_is_refused() -> None:
    with pytest.raises(DataError, match="state of subwords is damaged"):
        read('{"tokenizer": 1}')
