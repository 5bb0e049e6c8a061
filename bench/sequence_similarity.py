"""How alike the sequences of training and test are in public data, and how well a search by words finds what is alike.

    SEQUELA_DATA=/data python bench/sequence_similarity.py

Simulated first: of 200 letters drawn as proteins have them, a share is exchanged and two in a hundred are lost or put in; the
nearest of 3,000 ancestors is sought. Then proteins, molecules, and the drugs and kinases of the Davis table, as they are split.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness import measure, peak_megabytes, record

from sequela import config
from sequela.residues import clusters, molecules
from sequela.residues.identity import Nearest, nearest
from sequela.study import homology, split
from sequela.types import Array, Cohort, Target

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
FREQUENCY = np.array(  # of the letters in UniProtKB/Swiss-Prot, in per cent
    [8.25, 1.38, 5.46, 6.72, 3.86, 7.07, 2.27, 5.91, 5.80, 9.65, 2.41, 4.06, 4.74, 3.93, 5.53, 6.63, 5.35, 6.86, 1.10, 2.92]
)
KEPT = (0.9, 0.7, 0.5, 0.4, 0.3)
FOLDS = 5


def main() -> None:
    data = Path(os.environ["SEQUELA_DATA"])
    record(
        "sequence_similarity",
        {
            "found_again": {f"{kept:.0%} of the letters kept": _found_again(kept) for kept in KEPT},
            "unrelated": _unrelated(),
            "clusters_of_20,000": _cost(),
            "proteins": _proteins(data / "protein_ss/cu-ssp/model_3"),
            "molecules": {name: _molecules(data / "molecules" / file) for name, file in _FILES.items()},
            "davis_held_out": _davis(data / "dti_davis"),
        },
    )


# -------------------------------------------------------------------------------------------------------------------- simulated


def _drawn(random: np.random.Generator, length: int = 200) -> Array:
    return random.choice(LETTERS, length, p=FREQUENCY / FREQUENCY.sum())


def _changed(ancestor: Array, kept: float, random: np.random.Generator) -> tuple[str, float]:
    """A descendant, and how many of its letters are still those of the ancestor, as a share of the shorter of the two."""
    drawn = np.where(random.random(len(ancestor)) < kept, ancestor, _drawn(random, len(ancestor)))
    same, said = 0, []
    for letter, before, chance in zip(drawn, ancestor, random.random(len(ancestor)), strict=True):
        if chance < 0.01:
            continue
        same += int(letter == before)
        said += [letter, *(_drawn(random, 1) if chance > 0.99 else [])]
    return "".join(said), same / min(len(said), len(ancestor))


def _found_again(kept: float) -> dict[str, Any]:
    random = np.random.default_rng(0)
    ancestors = [_drawn(random) for _ in range(3000)]
    asked, true = zip(*(_changed(one, kept, random) for one in ancestors[:300]), strict=True)
    found = nearest(asked, ["".join(one) for one in ancestors])
    right = found.other == np.arange(300)
    error = found.identity[right] - np.array(true)[right]
    return {
        "true_identity": float(np.mean(true)),
        "ancestor_found": float(right.mean()),
        "mean_error": float(error.mean()),
        "sd_of_error": float(error.std()),
    }


def _unrelated() -> dict[str, float]:
    random = np.random.default_rng(1)
    asked, among = (["".join(_drawn(random)) for _ in range(count)] for count in (500, 3000))
    identity = nearest(asked, among).identity
    return {"median_nearest": float(np.median(identity)), "largest_of_500": float(identity.max())}


def _cost() -> dict[str, float]:
    """Four descendants each of 5,000 ancestors; two of them share about 0.6 of their letters."""
    random = np.random.default_rng(2)
    sequences = [_changed(one, 0.77, random)[0] for one in (_drawn(random) for _ in range(5000)) for _ in range(4)]
    with measure() as took:
        found = clusters.clusters(sequences, 0.4)
    family = found.reshape(-1, 4)
    whole = float((family == family[:, :1]).all(1).mean())
    return {
        "clusters": int(found.max()) + 1,
        "families_whole": whole,
        "cpu_seconds": took.cpu_seconds,
        "peak_megabytes": peak_megabytes(),
    }


# ------------------------------------------------------------------------------------------------------------------ public data


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return list(csv.DictReader(file))


def _near(found: Nearest) -> dict[str, float]:
    shares = {f"alike_by_{step:g}": float((found.identity >= step).mean()) for step in (1.0, 0.9, 0.5, 0.3)}
    return {**shares, "median": float(np.median(found.identity))}


def _proteins(folder: Path) -> dict[str, Any]:
    train, test = ([row["input"].strip() for row in _rows(folder / f"{name}.npy.csv")] for name in ("cb6133filtered", "cb513"))
    near, back = homology.nearest(test, train), homology.nearest(train, test)
    leave = {
        f"training_rows_alike_by_{step:g}_or_more": int((back.identity >= step).sum()) for step in (1.0, 0.9, 0.5, 0.3, 0.25)
    }
    return {
        "training_rows": len(train),
        "test_rows": len(test),
        "training_rows_that_repeat_another": len(train) - len(set(train)),
        **{f"test_rows_{name}": share for name, share in _near(near).items()},
        **leave,
        "clusters_of_both_by_0.3": int(clusters.clusters([*train, *test], 0.3).max()) + 1,
    }


_FILES = {"Tox21": "tox21.csv.gz", "BBBP": "BBBP.csv", "Delaney": "delaney-processed.csv"}


def _molecules(path: Path) -> dict[str, Any]:
    texts = [row["smiles"].strip() for row in _rows(path)]
    told = molecules.scaffolds(texts)
    held = [text for text, scaffold in zip(texts, told, strict=True) if scaffold]
    scaffold = np.array([one for one in told if one])
    by_scaffold = _part(scaffold, {"order": "largest"})
    return {
        "read": len(held),
        "refused": len(texts) - len(held),
        "scaffolds": len(set(scaffold.tolist())),
        "without_a_ring": int((scaffold == molecules.RINGLESS).sum()),
        "train_tune_test": [int((by_scaffold == part).sum()) for part in ("train", "tune", "test")],
        "test_to_train_by_scaffold": _near(_across(held, by_scaffold)),
        "test_to_train_at_random": _near(_across(held, _part(np.arange(len(held)).astype(str), {}))),
    }


def _part(unit: Array, how: dict[str, Any]) -> Array:
    """The parts 80/10/10 of rows that have no label."""
    count = len(unit)
    names, never = np.arange(count).astype(str), np.full(count, np.datetime64("NaT"), "datetime64[us]")
    target = Target(np.zeros((count, 0)), np.zeros((count, 0), bool), ())
    cohort = Cohort(np.arange(count), names, names, never, never, np.full(count, ""), target, units={"unit": unit})
    given = config.convert({**_STUDY, "split": {"unit": "unit", "shares": [0.8, 0.1, 0.1], **how}}, config.Study)
    (plan,) = split.plans(cohort, given, _NO_RECORDS, Path())
    return plan.part


_STUDY = {
    "name": "t", "question": "?", "data": {"source": "x"}, "cohort": {"index": "SAMPLE"}, "outcome": {"column": "y"},
    "inputs": {"x": {"modality": "residues", "encoder": "gru"}}, "task": "binary",
}  # fmt: skip
_NO_RECORDS: Any = None  # a split by subject reads none


def _across(texts: Sequence[str], part: Array) -> Nearest:
    return homology.nearest(*([texts[row] for row in np.flatnonzero(part == name).tolist()] for name in ("test", "train")))


def _davis(folder: Path) -> dict[str, Any]:
    """Each drug, or kinase, held out in a fold: its nearest among those that are not."""
    held = {"drugs": "ligands_can.txt", "kinases": "proteins.txt"}
    return {name: _folds(list(json.loads((folder / file).read_text()).values())) for name, file in held.items()}


def _folds(texts: list[str]) -> dict[str, Any]:
    fold = np.random.default_rng(0).permutation(len(texts)) % FOLDS
    found = [_across(texts, np.where(fold == number, "test", "train")) for number in range(FOLDS)]
    whole = Nearest(np.concatenate([one.identity for one in found]), np.concatenate([one.other for one in found]))
    return {"sequences": len(texts), "different": len(set(homology.plain(texts))), **_near(whole)}


if __name__ == "__main__":
    main()
