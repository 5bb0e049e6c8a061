"""Vectors of words from a file on this machine: word2vec's text (.vec, .txt), its binary form (.bin), each also as .gz, or .npz.

    .vec .txt    a word and its numbers on each line, parted by spaces, in UTF-8; a first line of two numbers, "words width", is
                 passed over (word2vec, fastText), and need not be there (GloVe)
    .bin         that line; then for each word its bytes, a space, and float32 numbers
    .npz         the arrays `words` (of text) and `vectors` "V D"

Only words of the vocabulary are kept, as they are written or else in lower case. Nothing is fetched, and nothing is unpickled.
"""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO

import numpy as np
from msgspec import Meta

from sequela.config import Name, Strict
from sequela.errors import ConfigError, DataError
from sequela.types import Array

LONGEST = 1_000  # bytes of a word in the binary form: without an end to it, the file is another


class Config(Strict, frozen=True):
    path: Name  # looked for beside the study, then under SEQUELA_DATA
    width: Annotated[int, Meta(ge=0)] = 0  # that the file must have; 0: whatever it has


@dataclass(frozen=True, slots=True)
class Found:
    """What a file says of a vocabulary."""

    vectors: Array  # float32 "V D": 0 for a word that it lacks
    known: Array  # bool "V"
    lower: int  # words of the vocabulary that were found in lower case alone
    repeated: int  # words of the vocabulary that the file has more than once: the first is taken


def read(path: Path, names: Sequence[str], config: Config) -> Found:
    """The vectors of these words.

    Raises ConfigError for another kind of file or another width than `config` asks for; DataError, with the line or place, for a
    word that is not UTF-8, more or fewer numbers than others have, one that is not finite, and a file without any of the words.
    """
    told: dict[str, Array] = {}
    repeated: set[str] = set()
    wanted = {*names, *(name.lower() for name in names)} - {""}
    try:
        for word, vector in _entries(path, wanted, config):
            if word in told:
                repeated.add(word)
            else:
                told[word] = vector
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is cut off or damaged: {error}") from error
    if not told:
        raise DataError(f"{path.name} has none of the {len(names):,} words", hint="is it of this language?")
    return _laid(told, names, len(repeated))


def _laid(told: dict[str, Array], names: Sequence[str], repeated: int) -> Found:
    vectors = np.zeros((len(names), len(next(iter(told.values())))), np.float32)
    as_written = np.array([name in told for name in names])
    known = np.array([name in told or name.lower() in told for name in names])
    for place in np.flatnonzero(known).tolist():
        vectors[place] = told.get(names[place], told.get(names[place].lower()))
    return Found(vectors, known, int((known & ~as_written).sum()), repeated)


def _entries(path: Path, wanted: set[str], config: Config) -> Iterator[tuple[str, Array]]:
    ending = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if ending == "npz":
        return _arrays(path, wanted, config)
    if ending not in ("vec", "txt", "bin"):
        raise ConfigError(f"{path.name} is no file of vectors", hint="expected .vec, .txt or .bin, each also as .gz, or .npz")
    return (_binary if ending == "bin" else _text)(path, wanted, config)


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


# -------------------------------------------------------------------------------------------------------------------------- text


def _text(path: Path, wanted: set[str], config: Config) -> Iterator[tuple[str, Array]]:
    width = config.width
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            parts = line.rstrip(b" \r\n").split(b" ")
            if number == 1 and _is_head(parts):
                width = _agreed(path, int(parts[1]), config)
                continue
            width = width or max(len(parts) - 1, 1)
            word = _decoded(_before(parts, width, path, number), path, f"line {number:,}")
            if word in wanted:
                yield word, _numbers(parts[-width:], path, f"line {number:,}")


def _before(parts: list[bytes], width: int, path: Path, number: int) -> bytes:
    """The word of a line, which may hold spaces (GloVe has such). Raises DataError for more or fewer numbers than `width`."""
    word = parts[:-width]
    if not any(word) or (len(word) > 1 and _is_number(word[-1])):
        raise DataError(f"line {number:,} of {path.name} holds {len(parts) - 1} numbers; expected a word and {width}")
    return b" ".join(word)


def _is_number(written: bytes) -> bool:
    try:
        float(written)
    except ValueError:
        return False
    return True


def _decoded(word: bytes, path: Path, where: str) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"the word in {where} of {path.name} is not UTF-8", hint="write the file anew in UTF-8") from error


def _is_head(parts: list[bytes]) -> bool:
    return len(parts) == 2 and all(part.isdigit() for part in parts)


def _agreed(path: Path, width: int, config: Config) -> int:
    """Raises ConfigError where the file has vectors of another width than was asked for."""
    if config.width and width != config.width:
        raise ConfigError(f"the vectors of {path.name} have {width} numbers; expected width = {config.width}")
    return width


def _numbers(written: list[bytes], path: Path, where: str) -> Array:
    try:
        return _finite(np.array(written, np.float32), path, where)
    except ValueError as error:
        raise DataError(f"{where} of {path.name} holds something that is no number") from error


def _finite(vector: Array, path: Path, where: str) -> Array:
    if not np.isfinite(vector).all():
        raise DataError(f"{where} of {path.name} has a number that is not finite")
    return vector


# ----------------------------------------------------------------------------------------------------------------- binary, arrays


def _binary(path: Path, wanted: set[str], config: Config) -> Iterator[tuple[str, Array]]:
    with _opened(path) as file:
        head = file.readline(LONGEST).split()
        if not _is_head(head):
            raise DataError(f"{path.name} does not begin with how many words it has, and how wide", hint="is it word2vec's .bin?")
        count, width = int(head[0]), _agreed(path, int(head[1]), config)
        for number in range(1, count + 1):
            word, numbers = _word(file, path, number), file.read(4 * width)
            if len(numbers) < 4 * width:
                raise DataError(f"{path.name} ends within word {number:,} of {count:,}")
            if word in wanted:
                yield word, _finite(np.frombuffer(numbers, "<f4"), path, f"word {number:,}")


def _word(file: BinaryIO | gzip.GzipFile, path: Path, number: int) -> str:
    """What stands before the next space."""
    letters = bytearray()
    while (letter := file.read(1)) not in (b" ", b"") and len(letters) < LONGEST:
        letters += letter
    return _decoded(bytes(letters.lstrip(b"\n")), path, f"place {number:,}")


def _arrays(path: Path, wanted: set[str], config: Config) -> Iterator[tuple[str, Array]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            words, vectors = file["words"], file["vectors"]
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name} does not hold the arrays `words`, of text, and `vectors`") from error
    if words.dtype.kind != "U" or vectors.ndim != 2 or words.shape != vectors.shape[:1] or vectors.dtype.kind != "f":
        raise DataError(
            f"{path.name} holds words {words.dtype} {words.shape} and vectors {vectors.dtype} {vectors.shape}; "
            "expected text (V,) and numbers (V, D)"
        )
    _agreed(path, vectors.shape[1], config)
    for place, word in enumerate(words.tolist()):
        if word in wanted:
            yield word, _finite(vectors[place].astype(np.float32), path, f"word {place + 1:,}")
