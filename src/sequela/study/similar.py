"""How like the sequences of the rows held out are to those that training sees: copies, and the nearest of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sequela import seed as streams
from sequela.residues import molecules, record
from sequela.study import homology
from sequela.types import Array, Cohort, Known

ASKED = 2000  # rows held out whose nearest training sequence is sought, at most
AMONG = 20_000  # different training sequences it is sought among, at most; exact copies are sought among all
STEPS = (0.9, 0.5, 0.3)


@dataclass(frozen=True, slots=True)
class Similarity:
    """The nearest training sequence of rows held out."""

    sequence: str  # its name
    identity: Array  # float64 of each row looked at: of letters aligned, of molecules Tanimoto; 0 where nothing is shared
    of: int  # rows held out that have such a sequence
    whole: bool  # all training sequences were looked at

    def told(self) -> str:
        shares = ", ".join(f"{(self.identity >= step).mean():.1%} by {step:g}" for step in STEPS)
        sample = f" (a sample of {len(self.identity)})" if len(self.identity) < self.of else ""
        among = "" if self.whole else f" of {AMONG} drawn"
        return (
            f"{self.sequence} of {self.of} rows held out{sample}: alike to a training sequence{among} are {shares} or more; "
            f"the median row's nearest is alike by {np.median(self.identity):.2f}"
        )


def sequences(known: Known) -> dict[str, list[str]]:
    """Name -> the last sequence of that name known at each row, "" where there is none."""
    codes = [code for code, kind in known.kinds.items() if kind == "sequence"]
    if not codes:
        return {}
    said = known.events.filter(pl.col("code").is_in(codes) & pl.col("text_value").is_not_null())
    found = {}
    for code in sorted(said["code"].unique().cast(str).to_list()):
        own, column = said.filter(pl.col("code") == code), [""] * known.count
        for row, text in zip(own["row"].to_list(), own["text_value"].to_list(), strict=True):
            column[row] = text.strip()
        found[code.removeprefix(f"{record.SEQUENCE}//")] = column
    return found


def copies(held: Mapping[str, Sequence[str]], cohort: Cohort) -> list[int]:
    """Rows held out whose sequences are, all of them, those of a training row of another subject."""
    columns = [homology.plain(column) for column in held.values()]
    keys = list(zip(*columns, strict=True))
    learnt: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for row in cohort.of("train").tolist():
        if any(keys[row]):
            learnt[keys[row]].add(int(cohort.subject_id[row]))
    asked = np.flatnonzero(np.isin(cohort.part, ("tune", "test"))).tolist()
    return [row for row in asked if learnt.get(keys[row], set()) - {int(cohort.subject_id[row])}]


def similarities(held: Mapping[str, Sequence[str]], cohort: Cohort, seed: int) -> list[Similarity]:
    """Of each sequence, how near the rows held out are to training; those without one, or none in training, are left aside."""
    found = []
    for name, column in held.items():
        if homology.of_molecules(column) and not molecules.installed():
            continue  # copies are told all the same
        present = np.array([bool(one) for one in column])
        asked = np.flatnonzero(np.isin(cohort.part, ("tune", "test")) & present)
        among = sorted({column[row] for row in np.flatnonzero((cohort.part == "train") & present).tolist()})
        if len(asked) and among:
            random = streams.generator(seed, "similar")
            own = np.sort(random.permutation(asked)[:ASKED])
            drawn = [among[place] for place in np.sort(random.permutation(len(among))[:AMONG]).tolist()]
            near = homology.nearest([column[row] for row in own.tolist()], drawn)
            found.append(Similarity(name, near.identity, len(asked), len(drawn) == len(among)))
    return found
