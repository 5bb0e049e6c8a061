"""Which sequence each row has: the last that is known of one SEQUENCE// code; rows that have the same text share it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.residues.record import SEQUENCE, code
from sequela.types import Array, Known


@dataclass(frozen=True, slots=True)
class Sequences:
    """The different texts, and which of them each row has."""

    texts: list[str]
    of: Array  # int64 "N": place in texts, -1 for a row without one


def named(known: Known, name: str) -> str:
    """The code that is read: of that name, or the only one of the data.

    Raises ConfigError where several could be meant, DataError where there is none, with the nearest.
    """
    codes = sorted(one for one, kind in known.kinds.items() if kind == "sequence")
    if not codes:
        raise DataError("the data has no sequences", hint="its reader writes events SEQUENCE//…: fasta, sequences, sdf, …")
    if not name and len(codes) > 1:
        names = ", ".join(one.removeprefix(f"{SEQUENCE}//") for one in codes)
        raise ConfigError(f"the data has {len(codes)} kinds of sequences: {names}", hint='sequence = "…" says which is read')
    wanted = code(name) if name else codes[0]
    if wanted not in codes:
        raise DataError(f"the data has no sequences {name!r}", hint=nearest(wanted, codes))
    return wanted


def read(known: Known, code: str) -> Sequences:
    """The last sequence of that code of each row; blank ones are none."""
    events = known.events.filter(pl.col("code") == code).select("row", pl.col("text_value").str.strip_chars().alias("text"))
    last = events.filter(pl.col("text") != "").group_by("row", maintain_order=True).last()
    texts = last["text"].unique(maintain_order=True)
    of = np.full(known.count, -1, np.int64)
    of[last["row"].to_numpy()] = (
        pl.Series(last["text"]).replace_strict(texts, np.arange(len(texts)), return_dtype=pl.Int64).to_numpy()
    )
    return Sequences(texts.to_list(), of)
