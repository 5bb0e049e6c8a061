"""What a reader reads from, writes to, and does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from sequela.types import Payload

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


class Source(Protocol):
    """Where records come from: a folder, a file, a zip or a tar (gz, bz2, xz), read alike."""

    name: str

    def files(self, pattern: str = "**") -> Sequence[str]:
        """Names of the files that match, sorted, with / between folders."""
        ...

    def read(self, name: str) -> bytes: ...

    def path(self, name: str) -> Path:
        """A real file with that content (and, for an archive, its neighbours beside it)."""
        ...


class Sink(Protocol):
    """Where a reader writes. Subjects are named as the source names them; the store gives them integers."""

    def events(self, frame: pl.DataFrame) -> None:
        """Adds events.

        Columns: source_id str or int64, time Datetime("us") in UTC or null (static), code str or categorical; and, each of which
        may be left out or null, numeric_value; text_value; payload; visit int64, which tells the visits of one subject apart;
        available and superseded Datetime("us") in UTC: known only from then on, and no longer from then on, since a later version
        takes its place.
        """
        ...

    def payload(self, name: str, payload: Payload) -> str:
        """Adds a payload and gives its uri. Same-shaped images are packed together; a signal is a file of its own."""
        ...

    def code(self, code: str, kind: str, *, unit: str = "", description: str = "", parents: Sequence[str] = ()) -> None:
        """Declares what a code is; kinds are those of store/schema.py, parents the next broader codes of its system."""
        ...

    def part(self, source_id: str, part: str) -> None:
        """The part (train, tune, test) to which the source itself assigns a subject."""
        ...

    def relative_times(self) -> None:
        """Declares that times count from an anchor the reader chose: differences mean something, dates do not."""
        ...

    def refuse(self, record: str, reason: str) -> None:
        """Counts one record as refused. Raises DataError once the share of refused records passes the limit."""
        ...

    def accept(self, count: int = 1) -> None:
        """Counts records as taken: the other half of the refused share."""
        ...

    def note(self, text: str, count: int) -> None:
        """Counts something the reader did to the records that a user should know (a value clipped, a row ignored)."""
        ...

    def progress(self, done: int, total: int) -> None: ...


class Reader(Protocol):
    """Turns one source format into events and payloads; one bad record never stops it (see Sink.refuse)."""

    def read(self, source: Source, sink: Sink) -> None: ...
