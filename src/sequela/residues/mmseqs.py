"""Clusters by MMseqs2 (Steinegger 2017), a program of its own, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sequela.errors import ConfigError, DataError
from sequela.types import Array

COVERAGE = 0.8  # share of the longer sequence that the alignment covers: MMseqs2's own default


def clusters(sequences: Sequence[str], identity: float) -> Array:
    """The number of each tidy sequence's cluster, int64 "N", by `mmseqs easy-cluster --min-seq-id IDENTITY -c 0.8`.

    Raises ConfigError where the program is not installed, DataError where it fails.
    """
    program = shutil.which("mmseqs")
    if program is None:
        raise ConfigError(
            'a group by = "mmseqs" needs the program mmseqs, which is not found on the PATH',
            hint='install MMseqs2, or write by = "kmers", which needs no other program',
        )
    with tempfile.TemporaryDirectory(prefix="sequela_mmseqs_") as folder:
        return _run(program, sequences, identity, Path(folder))


def _run(program: str, sequences: Sequence[str], identity: float, folder: Path) -> Array:
    fasta = folder / "sequences.fasta"
    fasta.write_text("".join(f">{number}\n{one}\n" for number, one in enumerate(sequences)))
    settings = ["--min-seq-id", str(identity), "-c", str(COVERAGE), "--threads", "1", "-v", "1"]
    done = subprocess.run(
        [program, "easy-cluster", str(fasta), str(folder / "found"), str(folder / "work"), *settings],
        capture_output=True,
        text=True,
        check=False,
    )
    table = folder / "found_cluster.tsv"
    if done.returncode or not table.is_file():
        raise DataError(f"mmseqs ended with exit code {done.returncode} on {len(sequences)} sequences", hint=_last(done.stderr))
    found = np.full(len(sequences), -1, np.int64)
    for line in table.read_text().splitlines():
        first, member = line.split("\t")
        found[int(member)] = int(first)
    return np.where(found < 0, np.arange(len(found)), found)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
