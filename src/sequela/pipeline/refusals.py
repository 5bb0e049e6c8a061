"""What of raw files was refused when they were read: records of which no row is made, so that no prediction tells of them."""

from __future__ import annotations

from pathlib import Path

from sequela.bundle import Bundle, load
from sequela.contracts import Progress
from sequela.pipeline.data import other_records
from sequela.pipeline.progress import silent
from sequela.store.schema import Refusal
from sequela.store.store import is_store

SHOWN = 3  # names of records that are told of each reason


def passed_over(bundle: str | Path | Bundle, data: str | Path, *, reader: str = "", progress: Progress = silent) -> list[str]:
    """A line for each reason why records of raw files were refused, with how many and the first of them; none of a store.

    The import of a store told them already. Raises as `predict` does where the files cannot be read.
    """
    if is_store(Path(data)):
        return []
    held = bundle if isinstance(bundle, Bundle) else load(bundle)
    store = other_records(held.study.data, data, reader, progress, labelled=False)
    return list(map(_told, store.flow.refused))


def _told(refusal: Refusal) -> str:
    """A reason, how many records were refused for it, and which."""
    more = ", …" if refusal.count > SHOWN else ""
    records = "record" if refusal.count == 1 else "records"
    return f"{refusal.count:,} {records} not read: {refusal.reason} ({', '.join(refusal.first[:SHOWN])}{more})"
