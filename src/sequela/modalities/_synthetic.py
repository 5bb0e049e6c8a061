"""Events and payloads that come from no patient: what a modality's `example` is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from sequela.errors import DataError
from sequela.study.cut import SCHEMA
from sequela.types import Payload


@dataclass(frozen=True, slots=True)
class Held:
    """Payloads that are in memory (types.Payloads)."""

    by_uri: Mapping[str, Payload]

    def open(self, uri: str) -> Payload:
        if uri not in self.by_uri:
            raise DataError(f"there is no payload {uri!r}")
        return self.by_uri[uri]


def events(columns: Mapping[str, Any]) -> pl.DataFrame:
    """These columns as Known.events; a column that is not given is null."""
    frame = pl.DataFrame(dict(columns), schema_overrides={name: SCHEMA[name] for name in columns})
    missing = [pl.lit(None, SCHEMA[name]).alias(name) for name in SCHEMA if name not in columns]
    return frame.with_columns(missing).select(list(SCHEMA))
