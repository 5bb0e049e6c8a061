"""Families of alike sequences are found again; who is in one does not hang on the order."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.residues import mmseqs
from sequela.residues.clusters import by_size, clusters, exact

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def families(count: int, each: int, kept: float) -> list[str]:
    """The members of each family one after the other, every one changed from its ancestor by itself."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(count):
        ancestor = random.choice(LETTERS, 150)
        for _ in range(each):
            found.append("".join(np.where(random.random(150) < kept, ancestor, random.choice(LETTERS, 150))))
    return found


def test_each_family_is_a_cluster_across_the_blocks_in_which_they_are_compared():
    found = clusters(families(300, 3, 0.85), 0.5)
    assert len(set(found.tolist())) == 300
    assert (found.reshape(300, 3) == found.reshape(300, 3)[:, :1]).all()


def test_at_a_high_identity_only_equal_sequences_are_one():
    sequences = families(20, 2, 0.85)
    assert len(set(clusters(sequences, 0.95).tolist())) == 40
    doubled = clusters([*sequences, *sequences], 0.95)
    assert (doubled[:40] == doubled[40:]).all()


def test_shuffled_sequences_are_clustered_alike():
    sequences = families(40, 3, 0.85)
    order = np.random.default_rng(1).permutation(120)
    found, shuffled = clusters(sequences, 0.5), clusters([sequences[row] for row in order], 0.5)
    same, other = found[order][:, None] == found[order], shuffled[:, None] == shuffled
    assert (same == other).all()


def test_clusters_are_numbered_by_falling_size_then_by_first_place():
    assert by_size(np.array([7, 3, 3, 5, 9, 9])).tolist() == [2, 0, 0, 3, 1, 1]
    assert exact(["MK", "AC", "MK", ""]).tolist() == [0, 1, 0, 2]
    assert clusters([], 0.5).tolist() == []


def program(folder, said: str) -> None:
    path = folder / "mmseqs"
    path.write_text(f"#!/bin/sh\n{said}\n")
    path.chmod(0o755)


def test_the_clusters_that_mmseqs_writes_are_read(tmp_path, monkeypatch):
    program(tmp_path, 'test "$1" = easy-cluster && test "$6" = 0.4 && printf "1\\t1\\n1\\t0\\n2\\t2\\n" > "$3_cluster.tsv"')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert mmseqs.clusters(["MKV", "MKVL", "AAA"], 0.4).tolist() == [1, 1, 2]


def test_without_mmseqs_or_where_it_fails_it_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="needs the program mmseqs"):
        mmseqs.clusters(["MKV"], 0.4)
    program(tmp_path, 'echo "Error: no k-mers" >&2\nexit 3')
    with pytest.raises(DataError, match="exit code 3 on 1 sequences") as refused:
        mmseqs.clusters(["MKV"], 0.4)
    assert refused.value.hint == "Error: no k-mers"
