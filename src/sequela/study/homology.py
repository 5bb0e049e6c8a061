"""Rows by their sequences: groups for the split, and how like the sequences of one part are to those of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.residues import clusters, identity, mmseqs, molecules, record
from sequela.residues.alphabets import PROTEIN
from sequela.residues.identity import Nearest
from sequela.residues.words import alphabet, tidy
from sequela.study import cut, groups
from sequela.study.groups import LEAST_OF_NUCLEOTIDES
from sequela.study.records import Records
from sequela.types import Array, Cohort


def grouped(store: Records, plan: config.Cohort, rows: Cohort) -> Cohort:
    """The rows with the groups of their sequences as units, of which all rows are needed at once; "" where a row has none.

    Raises ConfigError where the data has no such sequence, or it cannot be grouped so.
    """
    asked = [group for group in map(groups.declared, plan.groups) if group.sequence]
    codes = store.codes["code"].to_list() if asked else []
    found = dict(rows.units)
    for group in asked:
        groups.check(group, codes)
        found[group.name] = levels(group, texts(store, rows, group.sequence))
    return replace(rows, units=found)


def texts(store: Records, rows: Cohort, name: str) -> list[str]:
    """The sequence of this name that was known at each row, "" where there was none."""
    line = cut.timeline(store.events([record.code(name)]))
    place = line.last_known(rows.subject_id, cut.microseconds_of(rows.time))
    held = ["" if one is None else one.strip() for one in line.events["text_value"].to_list()]
    return [held[number] if number >= 0 else "" for number in place.tolist()]


def levels(group: config.Group, sequences: Sequence[str]) -> Array:
    """The group of each sequence as text: its scaffold, or the number of its cluster, 1 the largest; "" where there is none.

    All molecules without a ring are of one scaffold, as MoleculeNet has it (Wu 2018).
    """
    rows = np.flatnonzero([bool(one) for one in sequences])
    told = [sequences[row] for row in rows.tolist()]
    found = np.full(len(sequences), "", object)
    if told:
        found[rows] = _scaffolds(group, told) if group.by == "scaffold" else _numbered(group, told)
    return found.astype(str)


def _scaffolds(group: config.Group, told: list[str]) -> list[str]:
    """Each molecule's scaffold, "" of what is none."""
    found = molecules.scaffolds(told)
    if not any(found):
        raise ConfigError(
            f"the group {group.name!r} asks for scaffolds, and none of {len(told):,} sequences {group.sequence!r} is a molecule",
            hint='scaffolds are of SMILES; of proteins, DNA and RNA by = "kmers"',
        )
    return found


def _numbered(group: config.Group, told: list[str]) -> list[str]:
    """Each sequence's cluster."""
    if group.by == "exact":
        found = clusters.exact(plain(told))
    else:
        _check_alignable(group, told)
        cluster = clusters.clusters if group.by == "kmers" else mmseqs.clusters
        found = cluster(list(map(tidy, told)), group.identity or 1.0)
    return [str(number + 1) for number in clusters.by_size(found).tolist()]


def _check_alignable(group: config.Group, told: list[str]) -> None:
    if of_molecules(told):
        raise ConfigError(f"the group {group.name!r} would align molecules letter by letter", hint='by = "scaffold"')
    _check_identity(f"the group {group.name!r}", told, group.identity or 1.0)


def _check_identity(what: str, told: Sequence[str], identity: float) -> None:
    if identity < LEAST_OF_NUCLEOTIDES and alphabet(told) is not PROTEIN:
        raise ConfigError(
            f"{what} asks for an identity of {identity} of nucleotides: unrelated ones have half",
            hint=f"{LEAST_OF_NUCLEOTIDES} or more",
        )


def nearest(asked: Sequence[str], among: Sequence[str]) -> Nearest:
    """Of each sequence the most alike of `among`: by letters aligned, of molecules by Tanimoto, 1 for equal ones.

    What has no sequence ("") is like nothing. Raises MissingExtra where molecules are asked about without RDKit.
    """
    every = plain([*asked, *among])
    said, held = every[: len(asked)], every[len(asked) :]
    names, place = np.unique(np.array(said, object), return_inverse=True)
    first, number = np.unique(np.array(held, object), return_index=True)
    measure = molecules.nearest if of_molecules(every) else identity.nearest
    found = measure(names.tolist(), first.tolist())
    other = np.where(found.other >= 0, np.append(number, -1)[found.other], -1)
    return Nearest(found.identity[place], other[place])


def too_like(part: Array, sequences: Sequence[str], apart: config.Apart) -> Array:
    """Why each row of train and tune should leave, str "N": its sequence is too like one of test; "" where it is not.

    Raises DataError where no row has a sequence, ConfigError for an identity that unrelated ones have.
    """
    if not any(sequences):
        raise DataError(f"no row has the sequence {apart.sequence!r}, which split.apart names")
    if not of_molecules(sequences):
        _check_identity("split.apart", sequences, apart.identity)
    learnt, test = np.flatnonzero(np.isin(part, ("train", "tune"))), np.flatnonzero(part == "test")
    near = nearest(*([sequences[row] for row in rows.tolist()] for rows in (learnt, test)))
    gone = learnt[(near.other >= 0) & (near.identity >= apart.identity)]
    how = "the same as" if apart.identity == 1 else f"alike by {apart.identity:g} or more to"
    return np.where(np.isin(np.arange(len(part)), gone), f"its {apart.sequence} is {how} one of test", "")


def plain(sequences: Sequence[str]) -> list[str]:
    """Sequences in the one form in which equal ones are equal: molecules as RDKit writes them, letters without masking."""
    if not of_molecules(sequences):
        return list(map(tidy, sequences))
    found = {one: molecules.canonical(one) if one and molecules.installed() else one for one in set(sequences)}
    return [found[one] for one in sequences]


def of_molecules(sequences: Sequence[str]) -> bool:
    """Whether the sequences that are there are SMILES."""
    return molecules.are_smiles([one for one in sequences if one])
