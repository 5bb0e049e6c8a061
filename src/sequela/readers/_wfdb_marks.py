"""The annotations of a WFDB record, in the form that all readers of signals share, and what its comments say of the person.

A beat is a label and an event, a change of rhythm a label of its text; every other annotation is a mark, with its text. A beat
with a text is a mark besides. Symbols: https://physionet.org/physiotools/wpg/wpg_36.htm (annotation codes).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sequela.errors import DataError
from sequela.readers._signals import BEAT, Annotations, annotated, joined
from sequela.readers._wfdb_waves import waves
from sequela.types import Array

BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")  # the symbols that mark a QRS complex
RHYTHM = "+"
END = b"\0\0"  # of an annotation file
AGE = re.compile(r"\bage\W*?(\d{1,3})\b", re.IGNORECASE)
SEX = re.compile(r"\b(?:sex|gender)\W*?([MF])(?:ale|emale)?\b", re.IGNORECASE)
MIT_AGE_SEX = re.compile(r"^\s*(-?\d{1,3})\s+([MF?])\b")  # the first comment of the MIT-BIH records: "69 M 1085 1629 x1"


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warning that wfdb 4.3, on import and on reading annotations, calls pandas as pandas 3 deprecates."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The inplace keyword")
        yield


def marks(wfdb: ModuleType, path: Path, endings: Sequence[str], rate_hz: float) -> Annotations:
    """The annotations of all the files of a record with these endings that there are, in time."""
    return joined([_read(wfdb, file, rate_hz) for ending in endings if (file := path.with_suffix(f".{ending}")).is_file()])


def delineated(wfdb: ModuleType, path: Path, endings: Sequence[str], rate_hz: float) -> Annotations:
    """Where waves begin and end, by the files of a record with these endings that there are."""
    files = [file for ending in endings if (file := path.with_suffix(f".{ending}")).is_file()]
    return joined([waves(seconds, symbols, BEATS) for seconds, symbols, _ in (_told(wfdb, file, rate_hz) for file in files)])


def _read(wfdb: ModuleType, path: Path, rate_hz: float) -> Annotations:
    return _sorted(*_told(wfdb, path, rate_hz))


def _told(wfdb: ModuleType, path: Path, rate_hz: float) -> tuple[Array, list[str], list[str]]:
    """Seconds, symbols and texts of the annotations of a file. Raises DataError for one cut short or of another format."""
    content = path.read_bytes()
    if not content.endswith(END) or len(content) % 2:
        raise DataError(f"its annotations ({path.suffix}) are cut short or of another format")
    if content == END:
        return np.zeros(0), [], []
    found = _loaded(lambda: wfdb.rdann(str(path.with_suffix("")), path.suffix[1:]), path)
    seconds = np.asarray(found.sample, np.float64) / (found.fs or rate_hz)
    return seconds, [str(symbol) for symbol in found.symbol], [_plain(note) for note in found.aux_note]


def _loaded(load: Callable[[], Any], path: Path) -> Any:
    """What `load` gives; whatever it raises is the reason to refuse the record."""
    try:
        with quiet():
            return load()
    except Exception as error:  # wfdb fails on bad annotations in many ways, and one bad record never stops an import
        raise DataError(f"its annotations ({path.suffix}) cannot be read ({type(error).__name__})") from error


def _sorted(seconds: Array, symbols: Sequence[str], texts: Sequence[str]) -> Annotations:
    """Beats, changes of rhythm and marks, each in its column."""
    symbol, text = np.asarray(symbols, np.str_), np.asarray(texts, np.str_)
    beat, rhythm = np.isin(symbol, list(BEATS)), (symbol == RHYTHM) & (text != "")
    mark = ~(beat | rhythm) | (beat & (text != ""))
    return joined(
        [
            annotated(seconds[beat], symbol[beat], column=BEAT),
            annotated(seconds[rhythm], text[rhythm], column="rhythm"),
            annotated(seconds[mark], symbol[mark], text=text[mark]),
        ]
    )


def _plain(note: object) -> str:
    """A note without its end; wfdb gives the empty ones as it likes."""
    return str(note or "").rstrip("\0").strip()


def age_and_sex(comments: Sequence[str]) -> tuple[float | None, str | None]:
    """What a header's comments say of age in years and of sex, M or F; None where they do not.

    >>> age_and_sex(["69 M 1085 1629 x1"]), age_and_sex(["Age: 81", "Sex: female"]), age_and_sex(["-1 M"])
    ((69.0, 'M'), (81.0, 'F'), (None, 'M'))
    """
    first = MIT_AGE_SEX.match(comments[0]) if comments else None
    if first:
        years = float(first[1])
        return years if years >= 0 else None, first[2] if first[2] in "MF" else None
    text = "\n".join(comments)
    age, sex = AGE.search(text), SEX.search(text)
    return float(age[1]) if age else None, sex[1].upper() if sex else None
