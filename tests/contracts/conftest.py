"""Small simulated stores that the rules over every registered name are run on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import sequela
from sequela import simulate
from sequela.store.store import Store, open_store
from sequela.store.write import StoreWriter

READERS = {
    "ward": ("physionet2012", 60),
    "ecg": ("wfdb", 4),
    "xray": ("npz", 60),
    "scans": ("nifti", 24),
    "notes": ("", 60),
    "sequences": ("", 60),
    "molecules": ("", 80),
}  # set -> its reader, and how many subjects


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Store]:
    """The store of a simulated set, made once."""

    @cache
    def made(name: str) -> Store:
        reader, subjects = READERS[name]
        folder: Path = tmp_path_factory.mktemp("simulated")
        if name == "notes":
            return write_notes(folder / f"{name}.store", subjects)
        if name == "sequences":
            return write_sequences(folder / f"{name}.store", subjects)
        if name == "molecules":
            return write_molecules(folder / f"{name}.store", subjects)
        if name == "scans":
            write_scans(folder / name, subjects)
        else:
            simulate.write(name, folder / name, subjects, seed=3)
        options = {"volumes": True} if name == "scans" else {}
        return sequela.import_data(reader, folder / name, folder / f"{name}.store", options=options)

    return made


def write_scans(folder: Path, subjects: int) -> None:
    """Small volumes as NIfTI, each with a bright ball, and its mask: the larger the ball, the larger LABEL//volume."""
    nibabel = pytest.importorskip("nibabel")
    random, affine = np.random.default_rng(3), np.diag([-2.0, 1.5, 3.0, 1.0])
    for i in range(subjects):
        shape = (10 + i % 3, 12, 8 + i % 2)
        points = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) - np.array(shape) / 2
        ball = np.linalg.norm(points * affine.diagonal()[:3], axis=-1) < 4 + 4 * random.random()
        image = np.rint(40 + 10 * random.normal(size=shape) + 60 * ball).astype(np.int16)
        for name, values in (("images", image), ("labels", ball.astype(np.uint8))):
            (folder / name).mkdir(parents=True, exist_ok=True)
            made = nibabel.Nifti1Image(values, affine)
            made.header.set_xyzt_units("mm")
            made.to_filename(folder / name / f"{i:03d}.nii.gz")


FINDINGS = ("fever", "cough", "rash", "wheezing", "chest pain", "咳嗽", "发热")
PHRASES = (
    "Presents with {}.",
    "No {}.",
    "Her mother had {}.",
    "{} since Monday, 38.5 C.\r\n",
    "患者有{}。",
    "无{}。",
    "Seen by {} again;",
)


def write_notes(path: Path, subjects: int) -> Store:
    """Admissions with a note a day, partly Chinese; two come before a prediction after 30 hours. Ill is who is with wheezing."""
    random, rows = np.random.default_rng(3), []
    for i in range(subjects):
        came = datetime(2020, 1, 1) + timedelta(days=i)
        rows.append((f"n{i}", came, "ADMISSION", None))
        said = [[random.choice(PHRASES).format(random.choice(FINDINGS)) for _ in range(random.integers(1, 7))] for _ in range(3)]
        for day, one in enumerate(said):
            code = "NOTE//nursing" if random.random() < 0.7 else "NOTE"
            rows.append((f"n{i}", came + timedelta(hours=2 + 24 * day), code, " ".join([*one, f"Nr {i}"])))
        ill = any("with wheezing" in phrase for one in said[:2] for phrase in one)
        rows.append((f"n{i}", came, "LABEL//ill", str(int(ill))))
    frame = pl.DataFrame(rows, schema=["source_id", "time", "code", "text_value"], orient="row")
    with StoreWriter(path, "notes", "none", 1) as sink:
        for code, kind in (("ADMISSION", "event"), ("NOTE", "text"), ("NOTE//nursing", "text"), ("LABEL//ill", "label")):
            sink.code(code, kind)
        sink.events(frame)
        sink.accept(subjects)
    return open_store(path)


def write_molecules(path: Path, subjects: int) -> Store:
    """Molecules of which half have a ring; those with an acid group bind, and every ninth is no molecule."""
    random, rows = np.random.default_rng(3), []
    for i in range(subjects):
        chain = "".join(random.choice(["C", "CC", "N", "O", "C(C)", "C(=O)"], random.integers(1, 5)))
        acid, ring = random.random() < 0.5, random.random() < 0.5
        smiles = ("c1ccccc1" if ring else "C") + chain + ("C(=O)O" if acid else "CN")
        rows.append((f"m{i}", "SEQUENCE//smiles", smiles if i % 9 else "C1CC"))
        rows.append((f"m{i}", "LABEL//binds", str(int(acid))))
    frame = pl.DataFrame(rows, schema=["source_id", "code", "text_value"], orient="row")
    with StoreWriter(path, "molecules", "none", 1) as sink:
        sink.code("SEQUENCE//smiles", "sequence")
        sink.code("LABEL//binds", "label")
        sink.events(frame.with_columns(pl.lit(None, pl.Datetime("us")).alias("time")))
        sink.accept(subjects)
    return open_store(path)


DRUGS = ("CC(=O)Oc1ccccc1C(=O)O", "C1CC1", "[nH+]1ccccc1Cl", "BrC#N", "C/C=C\\C", "O=C(N)c1ccncc1")


def write_sequences(path: Path, subjects: int) -> Store:
    """Samples without time, each with DNA (partly in lower case), a protein and a drug; few proteins and drugs, each in many."""
    random, rows = np.random.default_rng(3), []
    letters = {"dna": "ACGTN", "protein": "ACDEFGHIKLMNPQRSTVWYX"}
    proteins = ["".join(random.choice(list(letters["protein"]), size)) for size in random.integers(15, 40, 12)]
    for i in range(subjects):
        dna = "".join(random.choice(list(letters["dna"]), 20 + i % 5))
        for name, text in (("dna", dna[:10] + dna[10:].lower()), ("protein", proteins[i % 12]), ("drug", DRUGS[i % 6])):
            rows.append((f"s{i}", None, f"SEQUENCE//{name}", text))
        rows.append((f"s{i}", None, "LABEL//binds", str(int("A" in proteins[i % 12][:15]))))
    frame = pl.DataFrame(rows, schema=["source_id", "time", "code", "text_value"], orient="row")
    with StoreWriter(path, "sequences", "none", 1) as sink:
        for name in ("dna", "protein", "drug"):
            sink.code(f"SEQUENCE//{name}", "sequence")
        sink.code("LABEL//binds", "label")
        sink.events(frame.with_columns(pl.col("time").cast(pl.Datetime("us"))))
        sink.accept(subjects)
    return open_store(path)
