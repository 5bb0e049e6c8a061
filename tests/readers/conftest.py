"""A source that is a folder and a sink that remembers: what a reader's tests need in place of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sequela import config, registry
from sequela.store.source import open_source
from sequela.store.store import Store
from sequela.types import Cohort, Payload, Target


@dataclass(frozen=True)
class Folder:
    """A folder of files (contracts.Source)."""

    root: Path
    name: str = "test source"

    def files(self, pattern: str = "**") -> Sequence[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(f"{pattern}/*") if path.is_file())

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def path(self, name: str) -> Path:
        return self.root / name


@dataclass
class Memory:
    """Everything a reader wrote (contracts.Sink)."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    payloads: dict[str, Payload] = field(default_factory=dict)
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    relative: bool = False

    def events(self, frame: pl.DataFrame) -> None:
        assert set(frame["code"]) <= set(self.codes), "a code that was not declared"
        self.frames.append(frame)

    def payload(self, name: str, payload: Payload) -> str:
        assert name not in self.payloads, "a payload's name given twice"
        values = payload.values if isinstance(payload.values, np.ndarray) else payload.values[:, :]  # read in pieces by a store
        self.payloads[name] = replace(payload, values=values)
        return name

    def code(self, code: str, kind: str, *, unit: str = "", description: str = "", parents: Sequence[str] = ()) -> None:
        assert self.codes.setdefault(code, (kind, unit)) == (kind, unit), "a code declared in two ways"
        self.parents[code] = tuple(parents)

    def relative_times(self) -> None:
        self.relative = True

    def part(self, source_id: str, part: str) -> None:
        self.parts[source_id] = part

    def refuse(self, record: str, reason: str) -> None:
        self.refused[record] = reason

    def accept(self, count: int = 1) -> None:
        self.accepted += count

    def note(self, text: str, count: int) -> None:
        self.notes[text] += count

    def progress(self, done: int, total: int) -> None:
        assert done <= total

    @property
    def all(self) -> pl.DataFrame:
        return pl.concat(self.frames, how="diagonal")

    def of(self, code: str) -> pl.DataFrame:
        return self.all.filter(pl.col("code") == code)


@pytest.fixture
def sink() -> Memory:
    return Memory()


@pytest.fixture
def folder() -> Callable[[Path], Folder]:
    return Folder


@pytest.fixture(scope="session")
def memory() -> Callable[[], Memory]:
    """Makes a sink: for tests that need several."""
    return Memory


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Memory]:
    """What a reader writes of files, by name, with these options."""

    def reading(reader: str, files: dict[str, str | bytes], **options: object) -> Memory:
        for name, content in files.items():
            file = tmp_path / "source" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        module, sink = registry.module("readers", reader), Memory()
        module.build(config.convert(options, module.Config, "options")).read(open_source(tmp_path / "source"), sink)
        return sink

    return reading


@pytest.fixture(scope="session")
def known_at() -> Callable[[Store, int, datetime], set[str]]:
    """The codes that the cut knows of a subject at a time, outcomes apart."""
    from sequela.study import cut

    def codes(store: Store, subject: int, moment: datetime) -> set[str]:
        at, text = np.array([moment], "datetime64[us]"), np.array([str(subject)])
        target = Target(np.zeros((1, 1)), np.ones((1, 1), bool), ("y",))
        cohort = Cohort(np.array([subject]), text, text, at, at, text, target)
        return set(cut.known(store, cohort, None).events["code"].cast(pl.String))

    return codes
