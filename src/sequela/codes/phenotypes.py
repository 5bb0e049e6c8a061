"""The 25 acute-care conditions of the MIMIC-III benchmark, each as a set of ICD-9-CM diagnoses.

An admission has a condition where any of its billed diagnoses is in the set. The groups are those of AHRQ's Clinical
Classifications Software of 2015; data/phenotypes.toml says where they are from. Source: Harutyunyan et al. 2019, Multitask
learning and benchmarking with clinical time series data, Scientific Data 6:96.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from sequela.codes import icd9


@dataclass(frozen=True, slots=True)
class Phenotype:
    """A condition and the codes that say it."""

    name: str  # of the group, as AHRQ writes it
    ccs: int  # its number
    kind: Literal["acute", "chronic", "mixed"]  # mixed: chronic with acute episodes
    codes: frozenset[str]  # ICD9CM//428.0


@cache
def phenotypes() -> tuple[Phenotype, ...]:
    """All 25, by name.

    >>> [(phenotype.name, len(phenotype.codes)) for phenotype in phenotypes()][-1]
    ('Shock', 4)
    """
    text = resources.files("sequela.codes").joinpath("data/phenotypes.toml").read_text(encoding="utf-8")
    return tuple(
        Phenotype(entry["name"], entry["ccs"], entry["kind"], _codes(entry["codes"]))
        for entry in tomllib.loads(text)["phenotype"]
    )


def _codes(written: str) -> frozenset[str]:
    return frozenset(f"ICD9CM//{icd9.dotted(code)}" for code in written.split())
