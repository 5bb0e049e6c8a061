"""The data contract: what a store holds, column by column (MEDS 0.4, with four columns and three files of our own).

    data/000.parquet …              EVENTS; a subject in one shard only, its events together, by time, those without time first
    metadata/dataset.json           MEDS: name, origin, versions
    metadata/codes.parquet          CODES: every code that occurs
    metadata/subject_splits.parquet SPLITS: only where the source itself assigns parts
    metadata/subjects.parquet       SUBJECTS: what the source called each subject (ours)
    metadata/payloads.parquet       PAYLOADS: what each payload is (ours)
    metadata/store.json             Manifest: format, provenance, import flow, content hash, size of every file (ours)
    payloads/*.npy                  waveforms and images

Times are UTC without a zone, as MEDS has them. An event is known from `time` on, or from `available` where that is later (a
diagnosis coded at discharge, a value stored after it was measured), until it is `superseded` by a later version of itself; only
study/cut.py applies this. `visit` tells the visits of one subject apart.
Source: Medical Event Data Standard, schema.py of the package `meds` 0.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import msgspec
import pyarrow as pa

from sequela.types import Part

FORMAT = 2  # raised when a store of before can no longer be read
MEDS_VERSION = "0.4.1"

CodeKind: TypeAlias = Literal[
    "measurement",  # a number at a time
    "static",  # of the subject: without time, or (an age) stamped where it was told
    "event",  # an admission, a diagnosis, a drug, a beat: no number, or (a dose) one that is not a measurement
    "text",  # NOTE, NOTE//<category>: a document, whole, as its text
    "sequence",  # SEQUENCE//<name>: DNA, RNA, a protein, a molecule, whole, as its text
    "outcome",  # a death, a readmission: never an input unless named
    "label",  # LABEL//<column>, SPANS//<name> (stretches of a document: text/documents.py), PAIRS//<name>: never an input
    "score",  # SCORE//SAPS-I: a clinical score the source brings, to stand beside the model
    "payload",  # points to a waveform, an image, a volume
]
KINDS: tuple[CodeKind, ...] = get_args(CodeKind)

EVENTS = pa.schema(
    [
        pa.field("subject_id", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("us")),
        pa.field("code", pa.string(), nullable=False),
        pa.field("numeric_value", pa.float32()),
        pa.field("text_value", pa.large_string()),
        pa.field("payload", pa.large_string()),
        pa.field("visit", pa.int64()),
        pa.field("available", pa.timestamp("us")),
        pa.field("superseded", pa.timestamp("us")),
    ]
)
CODES = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("description", pa.string()),
        pa.field("parent_codes", pa.list_(pa.string())),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
    ]
)
SPLITS = pa.schema([pa.field("subject_id", pa.int64(), nullable=False), pa.field("split", pa.string(), nullable=False)])
SUBJECTS = pa.schema([pa.field("subject_id", pa.int64(), nullable=False), pa.field("source_id", pa.string(), nullable=False)])
PAYLOADS = pa.schema(
    [
        pa.field("uri", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("shape", pa.list_(pa.int64()), nullable=False),
        pa.field("dtype", pa.string(), nullable=False),
        pa.field("rate_hz", pa.float64()),
        pa.field("channels", pa.list_(pa.string()), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("affine", pa.list_(pa.float64())),  # types.Space: 16 numbers, row by row; null where the space is not known
        pa.field("axes", pa.string()),
        pa.field("oriented", pa.bool_()),
    ]
)

SPLIT_OF: Mapping[Part, str] = {"train": "train", "tune": "tuning", "test": "held_out"}  # ours -> MEDS
PART_OF: Mapping[str, Part] = {split: part for part, split in SPLIT_OF.items()}


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Where a store came from."""

    name: str
    reader: str
    reader_version: int
    options: dict[str, Any]
    source_hash: str  # of the source's bytes; "" where the events were not read from files
    relative_times: bool  # times count from an anchor the reader chose: differences mean something, dates do not
    created: str  # ISO 8601, UTC
    sequela: str  # the version that wrote it
    content_hash: str  # of events, codes, parts and payloads; the same for the same content, whenever and however sharded


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Records refused for one reason: how many, and the names of the first few."""

    reason: str
    count: int
    first: list[str]


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the source's records at import."""

    accepted: int
    refused: list[Refusal] = []
    notes: dict[str, int] = {}  # what the reader did to records -> how many times

    @property
    def refused_count(self) -> int:
        return sum(refusal.count for refusal in self.refused)

    @property
    def refused_share(self) -> float:
        """Of all records seen; 0 where there were none."""
        return self.refused_count / max(1, self.accepted + self.refused_count)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """metadata/store.json: written last, so that a folder without it is no store."""

    format: int
    dataset: Dataset
    flow: Flow
    events: int
    files: dict[str, int]  # path inside the store -> bytes
