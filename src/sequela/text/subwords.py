"""Subwords: pieces of words that a vocabulary of a few thousand can spell any word with, by the package `tokenizers` (an extra).

Trained here, they are pieces of the words that `words` cuts, so both forms of a text have the same words and every place is
exact. What often stands together is merged (Sennrich et al 2016); "bpe" spells a word by the merges in their order, "wordpiece"
takes the longest piece first (Wu et al 2016), and gives a whole word up where it cannot spell all of it. A tokenizer of Hugging
Face that the user has in a folder is applied as it is, with rules of its own. Nothing is ever fetched.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from sequela.errors import ConfigError, DataError, MissingExtra
from sequela.extras import need
from sequela.text import characters
from sequela.text.encoding import decoded
from sequela.text.words import Cuts, lowered, words
from sequela.types import Array

UNKNOWN = "[UNK]"  # number 0 of what is trained here
_SURROGATES = re.compile("[\ud800-\udfff]")  # half of a character: no Unicode text, and refused by the package
BOUND = "##"  # before a piece that does not begin a word


@dataclass(frozen=True, slots=True)
class Pieces:
    """The subwords of N texts, laid end to end; text i has offsets[i]:offsets[i+1]. Places count in characters of their text."""

    offsets: Array  # int64 "N+1"
    id: Array  # int32 "W"
    begin: Array  # int32 "W"
    end: Array  # int32 "W"; equal to begin for a special token, which stands nowhere


@dataclass(frozen=True, slots=True)
class Subwords:
    """A vocabulary of pieces, and how texts are cut by it."""

    tokenizer: Any  # tokenizers.Tokenizer
    names: tuple[str, ...]  # by their numbers
    unknown: int  # the number of what cannot be spelled; -1 where nothing is unknown
    own: bool  # trained here, of words; False: a whole text is handed to a tokenizer with rules of its own
    lower: bool = False  # of words in lower case

    def state(self) -> str:
        """All of it as JSON, from which `read` makes the same again."""
        return msgspec.json.encode(_State(self.tokenizer.to_str(), self.own, self.lower)).decode()

    def encode(self, texts: Sequence[str], *, special: bool = False) -> Pieces:
        """The subwords of these texts; with `special`, among the tokens that a pretrained network wants around each text."""
        return _of_words(self, texts) if self.own else _of_texts(self, texts, special)


class _State(msgspec.Struct, frozen=True):
    tokenizer: str  # its own JSON
    own: bool
    lower: bool


def train(
    texts: Iterable[str], kind: Literal["bpe", "wordpiece"] = "bpe", *, size: int = 8000, min_texts: int = 2, lower: bool = False
) -> Subwords:
    """At most `size` subwords of the words that stand in at least `min_texts` of the texts, the same on every run.

    Give one text for each subject: so no word that only one person's notes have, such as a name, gets into the vocabulary. Raises
    ConfigError where `size` is too small to hold the characters.
    """
    package = need("tokenizers", "text")
    often = _counted(texts, min_texts, lower)
    fixed = [UNKNOWN, *sorted({BOUND + character for word in often for character in word[1:]})]
    _check_size(size, len(fixed) + len({word[0] for word in often}))
    models, trainers = package.models, package.trainers
    model, trainer = (models.BPE, trainers.BpeTrainer) if kind == "bpe" else (models.WordPiece, trainers.WordPieceTrainer)
    tokenizer = package.Tokenizer(model(unk_token=UNKNOWN, continuing_subword_prefix=BOUND))
    # the package numbers characters with the prefix in the order of a hash and breaks ties between merges by number: told here as
    # special tokens they have their numbers beforehand, and are none afterwards
    tokenizer.train_from_iterator(
        chain.from_iterable(repeat(word, count) for word, count in often.items()),
        trainer(
            vocab_size=size, min_frequency=min_texts, special_tokens=fixed, continuing_subword_prefix=BOUND, show_progress=False
        ),
    )
    return _of(_without_special(tokenizer), own=True, lower=lower)


def _check_size(size: int, characters: int) -> None:
    if size < characters:
        raise ConfigError(
            f"size = {size} subwords are fewer than the {characters} characters that the words are spelled with",
            hint="more subwords (8,000 are usual), or words that occur in more texts (min_texts)",
        )


def _without_special(tokenizer: Any) -> Any:
    """The same, but nothing that stands in a text is taken for a special token."""
    told = msgspec.json.decode(tokenizer.to_str())
    return type(tokenizer).from_str(msgspec.json.encode({**told, "added_tokens": []}).decode())


def read(state: str) -> Subwords:
    """What `state` wrote. Raises DataError for anything else."""
    try:
        told = msgspec.json.decode(state, type=_State)
    except msgspec.DecodeError as error:
        raise DataError("a state of subwords is damaged, or was written by another version") from error
    return _of(_parsed(told.tokenizer, "a state of subwords"), own=told.own, lower=told.lower)


def load(folder: Path) -> Subwords:
    """The tokenizer of a folder as Hugging Face keeps it, from its tokenizer.json. Raises DataError where there is none."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise DataError(
            f"{folder} has no tokenizer.json",
            hint="save it there with `AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)`",
        )
    tokenizer = _parsed(decoded(path.read_bytes()), str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return _of(tokenizer, own=False, lower=False)


def _parsed(told: str, where: str) -> Any:
    try:
        return need("tokenizers", "text").Tokenizer.from_str(told)
    except MissingExtra:
        raise
    except Exception as error:  # the package has no error of its own
        raise DataError(f"{where} is no tokenizer that the installed package `tokenizers` can read: {error}") from error


def _of(tokenizer: Any, *, own: bool, lower: bool) -> Subwords:
    number = tokenizer.get_vocab(with_added_tokens=True)
    names = [""] * (max(number.values(), default=-1) + 1)
    for name, place in number.items():
        names[place] = name
    model = msgspec.json.decode(tokenizer.to_str())["model"]
    unknown = number.get(model.get("unk_token"), model.get("unk_id"))
    return Subwords(tokenizer, tuple(names), -1 if unknown is None else unknown, own, lower)


def _counted(texts: Iterable[str], min_texts: int, lower: bool) -> dict[str, int]:
    """How often each word of enough texts occurs, in the order of the alphabet."""
    often, spread = Counter[str](), Counter[str]()
    for text in texts:
        count = Counter(_words(text, lower)[1])
        often.update(count)
        spread.update(count.keys())
    return {word: often[word] for word in sorted(spread) if spread[word] >= min_texts}


def _words(text: str, lower: bool) -> tuple[Cuts, list[str]]:
    whole = _SURROGATES.sub("\ufffd", lowered(text) if lower else text)
    cuts = words(whole)
    return cuts, cuts.of(whole)


def _of_words(subwords: Subwords, texts: Sequence[str]) -> Pieces:
    """Each distinct word is cut once."""
    found = [_words(text, subwords.lower) for text in texts]
    number = {word: place for place, word in enumerate(dict.fromkeys(chain.from_iterable(told for _, told in found)))}
    encoded = subwords.tokenizer.encode_batch(list(number), add_special_tokens=False)
    size = np.array([len(one.ids) for one in encoded], np.int64)
    place = np.array([number[word] for _, told in found for word in told], np.int64)
    piece = _ranges(np.append(0, np.cumsum(size))[place], size[place])
    start = np.repeat(np.concatenate([np.zeros(0, np.int32), *(cuts.begin for cuts, _ in found)]), size[place])
    ids = np.array([id_ for one in encoded for id_ in one.ids], np.int32)
    inside = np.array([pair for one in encoded for pair in one.offsets], np.int32).reshape(-1, 2)
    row = np.repeat(np.arange(len(texts)), [len(told) for _, told in found])
    lengths = np.bincount(row, size[place], minlength=len(texts)).astype(np.int64)
    return Pieces(np.append(0, np.cumsum(lengths)), ids[piece], start + inside[piece, 0], start + inside[piece, 1])


def _ranges(first: Array, size: Array) -> Array:
    """first[0], first[0] + 1, ... of each size, end to end."""
    return np.repeat(first - np.append(0, np.cumsum(size))[:-1], size) + np.arange(size.sum())


def _of_texts(subwords: Subwords, texts: Sequence[str], special: bool) -> Pieces:
    whole = [_SURROGATES.sub("\ufffd", text) for text in texts]
    encoded = subwords.tokenizer.encode_batch(whole, add_special_tokens=special)
    placed = [_placed(text, one.offsets) for text, one in zip(whole, encoded, strict=True)]
    none = np.zeros((0, 2), np.int32)
    begin, end = np.concatenate([none, *placed]).T
    ids = np.array([id_ for one in encoded for id_ in one.ids], np.int32)
    return Pieces(np.append(0, np.cumsum([len(one.ids) for one in encoded])).astype(np.int64), ids, begin, end)


def _placed(text: str, offsets: Sequence[tuple[int, int]]) -> Array:
    """Begin and end of each piece without white space around it, int32 "W 2"."""
    begin, end = np.array(offsets, np.int64).reshape(-1, 2).T
    solid = np.append(np.append(True, characters.kinds(characters.code_points(text)) != characters.SPACE), True)
    place = np.arange(-1, len(text) + 1)
    following = np.minimum.accumulate(np.where(solid, place, len(text))[::-1])[::-1][1:]
    ended = np.maximum.accumulate(np.where(solid, place + 1, 0))[:-1]
    begin = np.minimum(following[begin], end)
    end = np.maximum(ended[end], begin)
    return np.stack([begin, end], 1).astype(np.int32)
