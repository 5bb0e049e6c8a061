"""Rules that hold for every registered reader: what it cannot read is refused by name, and never half read."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

import sequela
from sequela import registry
from sequela.errors import ConfigError, DataError, SequelaError

READERS = registry.names("readers")
OPTIONS: dict[str, dict[str, Any]] = {
    "arrays": {"rate_hz": 100},
    "csv": {"subject": "id", "values": ["a"], "time": "t", "timezone": "UTC"},
    "deepdta": {"scale": "as_is"},
    "omop": {"timezone": "UTC"},
    "sequences": {"sequences": {"dna": "dna"}},
    "survival": {"unit": "days", "time": "t", "event": "e", "causes": {"death": 1}},
    "text": {"text": "note"},
}
FILES = {  # reader -> a name that its files have
    "arrays": "eeg/1.txt",
    "brat": "a.txt",
    "chestxray14": "Data_Entry_2017.csv",
    "chexpert": "train.csv",
    "conll": "train.tsv",
    "csv": "chart.csv",
    "deepdta": "ligands_can.txt",
    "dicom": "scan.dcm",
    "edf": "night/1.edf",
    "eicu": "patient.csv",
    "fasta": "genes.fa",
    "fastq": "run/reads.fq",
    "fhir": "bundle.json",
    "genbank": "phage.gb",
    "idx": "train-images-idx3-ubyte",
    "images": "train/NORMAL/1.png",
    "meds": "data/0.parquet",
    "lidc": "LIDC-IDRI-0001/1.dcm",
    "medmnist": "chestmnist.npz",
    "mimic3": "PATIENTS.csv",
    "mimic4": "hosp/patients.csv",
    "nifti": "images/scan.nii.gz",
    "npz": "set.npz",
    "omop": "person.csv",
    "physionet2012": "set-a/132539.txt",
    "pubtator": "corpus.txt",
    "sdf": "drugs.sdf",
    "sequences": "genes.csv",
    "slides": "tumour/1.svs",
    "survival": "cohort.csv",
    "text": "notes.csv",
    "vcf": "exome.vcf",
    "wfdb": "100.hea",
}
DAMAGED = {  # what a file of that name may hold instead of what it should
    "nothing": b"",
    "noise": bytes(range(256)) * 40,
    "text": b"id;letter\n1;to the editor\n",
    "half a gzip": gzip.compress(b"id,t,a\n" * 1000)[:20],
}
each = pytest.mark.parametrize("reader", READERS)


def read(reader: str, source: Path, store: Path) -> Any:
    return sequela.import_data(reader, source, store, options=OPTIONS.get(reader, {}))


def test_every_registered_reader_is_tried() -> None:
    assert set(FILES) >= set(READERS), "a new reader needs the name of one of its files here"


@each
def test_an_empty_folder_is_refused(reader: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as refused:
        read(reader, tmp_path / "empty", tmp_path / "it.store")
    assert "empty" in refused.value.message or reader in (refused.value.hint or "")
    assert not (tmp_path / "it.store").exists()


@each
def test_a_folder_of_other_files_is_refused(reader: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.docx").write_bytes(b"PK\x03\x04 not a record")
    with pytest.raises(DataError):
        read(reader, tmp_path / "other", tmp_path / "it.store")
    assert not (tmp_path / "it.store").exists()


@each
@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_refused_and_leaves_no_store(reader: str, damage: str, tmp_path: Path) -> None:
    file = tmp_path / "source" / FILES[reader]
    file.parent.mkdir(parents=True)
    file.write_bytes(DAMAGED[damage])
    with pytest.raises(DataError) as refused:
        read(reader, tmp_path / "source", tmp_path / "it.store")
    assert refused.value.message and "editor" not in str(refused.value), "an error shows what is in the rows"
    assert not (tmp_path / "it.store").exists()


@each
def test_a_source_that_is_not_there_is_refused(reader: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing at"):
        read(reader, tmp_path / "nowhere", tmp_path / "it.store")


@each
def test_an_unknown_option_is_refused_before_anything_is_read(reader: str, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with pytest.raises(ConfigError, match="no_such_option"):
        sequela.import_data(reader, tmp_path / "source", tmp_path / "it.store", options={"no_such_option": 1})


@each
def test_a_file_in_place_of_a_folder_is_read_or_refused_by_name(reader: str, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_bytes(DAMAGED["text"])
    with pytest.raises(SequelaError) as refused:
        read(reader, file, tmp_path / "it.store")
    assert isinstance(refused.value, DataError) and not (tmp_path / "it.store").exists()
