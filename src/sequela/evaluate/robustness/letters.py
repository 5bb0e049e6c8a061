"""Texts and sequences, spoilt: words left out, cut short, garbled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from sequela import seed as streams
from sequela.types import Known

TOLD = ("text", "sequence")  # kinds of codes whose texts are spoilt
WORD = re.compile(r"\S+\s*")
NOISE = "\ufffd\x00¿#"  # as of a wrong encoding
Change = Callable[[str, np.random.Generator], str]


def hidden(known: Known, share: float, seed: int) -> Known:
    """Without that share of the words of each document."""
    return changed(known, lambda text, random: _hidden(text, share, random), seed, ("text",))


def cut_short(known: Known, share: float, *, end: bool) -> Known:
    """That share alone of the characters of each document or sequence: its end, or its beginning."""
    return changed(known, lambda text, _: _part(text, share, end=end), 0)


def garbled(known: Known, share: float, seed: int) -> Known:
    """That share of the characters as none that anybody wrote."""
    return changed(known, lambda text, random: _garbled(text, share, random), seed)


def changed(known: Known, change: Change, seed: int, kinds: tuple[str, ...] = TOLD) -> Known:
    """Every text of these kinds changed, each by a draw of its own; the same text alike wherever it stands."""
    events = known.events
    own = pl.col("code").is_in([code for code, kind in known.kinds.items() if kind in kinds])
    texts = events.filter(own)["text_value"].drop_nulls().unique().to_list()
    made = {text: change(text, streams.generator(seed, "text", text)) for text in texts}
    if not made:
        return known
    told = pl.col("text_value").replace_strict(made, default=pl.col("text_value"), return_dtype=pl.String)
    return replace(known, source=events.with_columns(pl.when(own).then(told).otherwise("text_value").alias("text_value")))


def _hidden(text: str, share: float, random: np.random.Generator) -> str:
    words = WORD.findall(text)
    kept = random.random(len(words)) >= share
    return "".join(word for word, stays in zip(words, kept, strict=True) if stays)


def _part(text: str, share: float, *, end: bool) -> str:
    count = max(1, round(share * len(text)))
    return text[-count:] if end else text[:count]


def _garbled(text: str, share: float, random: np.random.Generator) -> str:
    hit, which = random.random(len(text)) < share, random.integers(0, len(NOISE), len(text))
    return "".join(NOISE[k] if bad else letter for letter, bad, k in zip(text, hit, which, strict=True))
