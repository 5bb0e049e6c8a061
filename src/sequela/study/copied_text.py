"""Documents held out that hold long passages of a training document: notes copied forward, letters sent twice.

Two texts share a passage where they share runs of RUN letters and digits, whatever stands between these: case, blanks and
punctuation do not hide a copy, and it is asked alike of every script. Runs that many documents hold are a form's or a habit's,
and say nothing. Of large data every so many-th run is looked at, chosen by its digest, so that both sides choose the same (Broder
1997, On the resemblance and containment of documents).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from sequela.study.likeness import Pair
from sequela.types import Array, Cohort, Known

RUN = 32  # letters and digits, about six English words
COMMON = 5  # documents of different subjects that hold a run from which on it recognises nobody
COPIED = 0.5  # share of a document's telling runs that one other document holds too
FEWEST = 64  # telling runs that a document needs to be recognised: short notes are alike by chance
LOOKED_AT = 20_000_000  # runs in all
_BASE = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def copies(known: Known, cohort: Cohort) -> list[Pair]:
    """Rows held out with a document of which a training row of another subject knows a copy, and that row, by row."""
    documents = _documents(known)
    if not len(documents):
        return []
    text, row = documents["text_value"].to_list(), documents["row"].to_numpy()
    run, place = _runs(text)
    run, place = _telling(run, place, cohort.subject_id[row])
    held_out = np.isin(cohort.part[row], ("tune", "test"))
    train = cohort.part[row] == "train"
    return _pairs(run, place, held_out, train, row, cohort.subject_id[row])


def _documents(known: Known) -> pl.DataFrame:
    """Each document of each row once."""
    codes = [code for code, kind in known.kinds.items() if kind == "text"]
    if not codes:
        return pl.DataFrame()
    said = known.events.filter(pl.col("code").is_in(codes) & pl.col("text_value").is_not_null())
    return said.select("row", "text_value").unique(maintain_order=True)


def _runs(texts: list[str]) -> tuple[Array, Array]:
    """A digest of each run of letters and digits, uint64 "R", and the document that holds it; of each document each run once."""
    size = sum(map(len, texts))
    every = np.uint64(max(1, -(-size // LOOKED_AT)))
    found, place = [], []
    for number, text in enumerate(texts):
        digest = np.unique(_digests(text))
        kept = digest[(digest >> np.uint64(20)) % every == 0]
        found.append(kept)
        place.append(np.full(len(kept), number))
    return np.concatenate(found), np.concatenate(place)


def _digests(text: str) -> Array:
    """Of the runs of RUN letters and digits, in lower case."""
    letters = "".join(filter(str.isalnum, text.lower()))
    code = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if len(code) < RUN:
        return np.zeros(0, np.uint64)
    digest = np.zeros(len(code) - RUN + 1, np.uint64)
    for offset in range(RUN):
        digest = digest * _BASE + code[offset : offset + len(digest)]
    return (digest ^ (digest >> np.uint64(29))) * _MIX


def _telling(run: Array, place: Array, subject: Array) -> tuple[Array, Array]:
    """The runs that documents of few subjects hold, sorted."""
    frame = pl.DataFrame({"run": run, "place": place, "subject": subject[place]})
    few = frame.filter(pl.col("subject").n_unique().over("run") < COMMON).sort("run", "place")
    return few["run"].to_numpy(), few["place"].to_numpy()


def _pairs(run: Array, place: Array, held_out: Array, train: Array, row: Array, subject: Array) -> list[Pair]:
    telling = np.bincount(place, minlength=len(row))
    frame = pl.DataFrame({"run": run, "place": place})
    asked = frame.filter(pl.Series(held_out[place] & (telling[place] >= FEWEST)))
    learnt = frame.filter(pl.Series(train[place])).rename({"place": "other"})
    shared = asked.join(learnt, on="run").group_by("place", "other").len().sort("place", "other")
    own, other, count = (shared[name].to_numpy() for name in ("place", "other", "len"))
    copied = (count >= COPIED * telling[own]) & (subject[own] != subject[other])
    first = {int(row[a]): int(row[b]) for a, b in zip(own[copied][::-1], other[copied][::-1], strict=True)}
    return [Pair(held, source) for held, source in sorted(first.items())]
