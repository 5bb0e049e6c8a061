"""The sentences of the report in the language of its reader.

A sentence is written once, in English, where it is needed, and is its own key: `say("{n} rows", n=numbers.count(n))`. A catalogue
(catalogue/zh.toml) has it in another language, with the same names in braces. What a catalogue lacks stays English; names of
inputs, classes, models and groups are the study's own and are never translated.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources

LANGUAGES = {"en": "English", "zh": "中文"}
BETWEEN = "; "  # the sentences of a text that a run wrote
_language: ContextVar[str] = ContextVar("language", default="en")


def say(sentence: str, **values: object) -> str:
    """The sentence in the language of the page, with values in place of {names}."""
    told = _catalogue(_language.get()).get(sentence, sentence)
    return told.format(**values) if values else told


def later(sentence: str) -> str:
    """The sentence as it is: marks one that is said elsewhere, so that it can be looked for in a catalogue."""
    return sentence


def retold(text: str) -> str:
    """What a run wrote into its files (why a number is missing, what the audit found) in the language of the page.

    Sentence by sentence, by the patterns of the catalogue; one that fits none stays as it is.
    """
    return BETWEEN.join(map(_retold, text.split(BETWEEN))) if text and _language.get() != "en" else text


def _retold(sentence: str) -> str:
    for pattern, told in _patterns(_language.get()):
        if match := pattern.fullmatch(sentence):
            return told.format(**match.groupdict())
    return sentence


def language() -> str:
    """Of the page that is being made."""
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within, `say` speaks that language, one of LANGUAGES."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    return {one["en"]: one[language] for one in _entries(language, "sentences")}


@cache
def _patterns(language: str) -> Sequence[tuple[re.Pattern[str], str]]:
    """Of the sentences of files: what each looks like, and how it is told."""
    return [(re.compile(_pattern(one["en"])), one[language]) for one in _entries(language, "found")]


def _pattern(sentence: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(sentence))


@cache
def _entries(language: str, kind: str) -> Sequence[Mapping[str, str]]:
    if language == "en":
        return []
    file = resources.files("sequela.evaluate.report").joinpath("catalogue", f"{language}.toml")
    found: Sequence[Mapping[str, str]] = tomllib.loads(file.read_text(encoding="utf-8")).get(kind, [])
    return found
