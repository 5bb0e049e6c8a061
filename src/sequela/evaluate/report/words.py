"""The sentences of the report in the language of its reader.

A sentence is written once, in English, where it is needed, and is its own key: `say("{n} rows", n=numbers.count(n))`. A catalogue
(catalogue/zh.toml) has it in another language, with the same names in braces. What a catalogue lacks stays English; names of
inputs, classes, models and groups are the study's own and are never translated.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources

LANGUAGES = {"en": "English", "zh": "中文"}
_language: ContextVar[str] = ContextVar("language", default="en")


def say(sentence: str, **values: object) -> str:
    """The sentence in the language of the page, with values in place of {names}."""
    told = _catalogue(_language.get()).get(sentence, sentence)
    return told.format(**values) if values else told


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
    if language == "en":
        return {}
    file = resources.files("sequela.evaluate.report").joinpath("catalogue", f"{language}.toml")
    return {one["en"]: one[language] for one in tomllib.loads(file.read_text(encoding="utf-8"))["sentences"]}
