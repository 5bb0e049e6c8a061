"""Chapters and blocks as ranges of categories, from data/icd.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def table(system: str) -> Mapping[str, Any]:
    """The entry of a system in data/icd.toml: `chapters`, and `blocks` and `blocks_of` where it has them."""
    text = resources.files("sequela.codes").joinpath("data/icd.toml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = tomllib.loads(text)[system]
    return found


@cache
def ranges(system: str, level: str) -> tuple[str, ...]:
    """The ranges of one level as they are written, "030-041" or, of a single category, "042"."""
    return tuple(table(system)[level].split())


def ends(written: str) -> tuple[str, str]:
    """The first and the last category of a range.

    >>> ends("030-041"), ends("042")
    (('030', '041'), ('042', '042'))
    """
    first, _, last = written.partition("-")
    return first, last or first


def covering(category: str, among: tuple[str, ...]) -> tuple[str, ...]:
    """The ranges that hold a category, the narrowest first; digits come before letters in a category's order."""
    size = len(category)
    return tuple(written for first, last, written in _narrowest_first(among) if first <= category <= last and len(first) == size)


@cache
def _narrowest_first(among: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """First, last and name of each range; of those that hold one category, the narrower before the wider."""
    spans = [(*ends(written), written) for written in among]
    return tuple(sorted(sorted(spans, key=lambda span: span[1]), key=lambda span: span[0], reverse=True))
