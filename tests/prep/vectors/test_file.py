"""Vectors from files: the same words out of every form, and what is refused, with its line."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.prep.vectors.file import Config, read

NAMES = ("", "fever", "Cough", "发热", "absent")
TOLD = {"fever": [1.0, -2.5, 0.5], "cough": [0.25, 1e-3, 3.0], "发热": [7.0, 8.0, 9.0], "nausea": [5.0, 5.0, 5.0]}
LINES = "".join(f"{word} {' '.join(map(str, numbers))}\n" for word, numbers in TOLD.items())


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def binary() -> bytes:
    return b"4 3\n" + b"".join(word.encode() + b" " + struct.pack("<3f", *numbers) + b"\n" for word, numbers in TOLD.items())


def of(path: Path, **options: object) -> object:
    return read(path, NAMES, Config(path=path.name, **options))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("glove.txt", LINES.encode()),
        ("fast.vec", b"4 3\n" + LINES.replace("\n", " \n").encode()),
        ("fast.vec.gz", b"4 3\n" + LINES.encode()),
        ("old.txt", LINES.replace("\n", "\r\n").encode()),
        ("google.bin", binary()),
        ("google.bin.gz", binary()),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_every_form_of_file_gives_the_same_vectors(tmp_path: Path, name: str, content: bytes) -> None:
    found = of(write(tmp_path / name, content))
    assert found.known.tolist() == [False, True, True, True, False]
    np.testing.assert_array_equal(
        found.vectors, np.array([[0] * 3, TOLD["fever"], TOLD["cough"], TOLD["发热"], [0] * 3], np.float32)
    )
    assert (found.lower, found.repeated) == (1, 0)


def test_arrays_give_the_same_vectors(tmp_path: Path) -> None:
    np.savez(tmp_path / "told.npz", words=np.array([*TOLD]), vectors=np.array([*TOLD.values()]))
    (tmp_path / "told.txt").write_text(LINES, encoding="utf-8")
    np.testing.assert_array_equal(of(tmp_path / "told.npz").vectors, of(tmp_path / "told.txt").vectors)


def test_of_a_word_that_stands_twice_the_first_is_taken_and_counted(tmp_path: Path) -> None:
    found = of(write(tmp_path / "twice.vec", (LINES + "fever 9 9 9\nnausea 9 9 9\n").encode()))
    assert found.vectors[1].tolist() == TOLD["fever"]
    assert found.repeated == 1


def test_as_written_comes_before_lower_case(tmp_path: Path) -> None:
    found = of(write(tmp_path / "both.vec", (LINES + "Cough 4 4 4\n").encode()))
    assert found.vectors[2].tolist() == [4, 4, 4]
    assert found.lower == 0


def test_a_word_may_hold_spaces(tmp_path: Path) -> None:
    assert of(write(tmp_path / "spaced.txt", (LINES + ". . . 1 2 3\n").encode())).known.sum() == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("narrow.vec", LINES + "fever 1 2\n", "line 5 of narrow.vec holds 2 numbers; expected a word and 3"),
        ("wide.vec", LINES + "fever 1 2 3 4\n", "line 5 of wide.vec holds 4 numbers; expected a word and 3"),
        ("headed.vec", "4 2\n" + LINES, "line 2 of headed.vec holds 3 numbers; expected a word and 2"),
        ("nan.vec", "cough nan 2 3\n", "line 1 of nan.vec has a number that is not finite"),
        ("word.vec", "cough 1 two 3\n", "line 1 of word.vec holds something that is no number"),
        ("others.vec", "nausea 1 2 3\n", "has none of the 5 words"),
        ("empty.txt", "", "has none of the 5 words"),
        ("headless.bin", "fever", "does not begin with how many words"),
    ],
)
def test_a_file_of_vectors_is_refused_with_its_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        of(write(tmp_path / name, content.encode()))


def test_words_that_are_not_utf8_are_refused_without_being_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the word in line 2 of latin\.vec is not UTF-8") as refused:
        of(write(tmp_path / "latin.vec", b"fever 1 2 3\nfi\xe8vre 1 2 3\n"))
    assert "vre" not in str(refused.value)


def test_a_file_that_ends_too_soon_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ends within word 4 of 4"):
        of(write(tmp_path / "cut.bin", binary()[:-6]))
    short = tmp_path / "cut.vec.gz"
    short.write_bytes(gzip.compress((LINES * 50).encode())[:-20])
    with pytest.raises(DataError, match=r"cut\.vec\.gz is cut off or damaged"):
        of(short)


def test_another_width_than_was_asked_for_is_refused(tmp_path: Path) -> None:
    for path in (write(tmp_path / "a.vec", b"4 3\n" + LINES.encode()), write(tmp_path / "a.bin", binary())):
        with pytest.raises(ConfigError, match="have 3 numbers; expected width = 100"):
            of(path, width=100)


def test_other_arrays_and_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", words=np.array(["a", None], object), vectors=np.zeros((2, 3)))
    np.savez(tmp_path / "shapes.npz", words=np.array(["a"]), vectors=np.zeros((2, 3)))
    np.savez(tmp_path / "names.npz", tokens=np.array(["a"]), vectors=np.zeros((1, 3)))
    for name in ("objects.npz", "shapes.npz", "names.npz"):
        with pytest.raises(DataError, match=name):
            of(tmp_path / name)
    with pytest.raises(ConfigError, match=r"expected \.vec, \.txt or \.bin"):
        of(write(tmp_path / "model.pickle", b""))
