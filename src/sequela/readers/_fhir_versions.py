"""Versions of one resource: which one is known when.

A version is known from the moment it was given out (issued, else meta.lastUpdated), and until the next one was. Of patients and
encounters only the latest counts, for they have no single moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import msgspec

from sequela.errors import DataError
from sequela.readers._fhir_files import Record
from sequela.readers._fhir_index import version_order
from sequela.readers._fhir_time import moment
from sequela.readers._fhir_types import Meta, Resource


class Version(NamedTuple):
    """A resource with the time in which it holds; None: from its own availability on, and for good."""

    record: Record
    resource: Resource
    since: datetime | None = None
    until: datetime | None = None


def ordered(found: Sequence[tuple[Record, Resource]]) -> tuple[list[Version], int]:
    """The versions, earliest first, each with the time in which it holds, and the number of copies that were dropped.

    Raises DataError where nothing tells when a version took the place of another.
    """
    distinct = _distinct(sorted(found, key=lambda pair: (version_order(pair[1].meta), _issued(pair[1]) or datetime.min)))
    starts: list[datetime | None] = [None]
    for (_, before), (_, after) in pairwise(distinct):
        start = _given_out(before, after)
        starts.append(start if starts[-1] is None else max(start, starts[-1]))
    held = zip(distinct, starts, [*starts[1:], None], strict=True)
    return [Version(*pair, since, until) for pair, since, until in held], len(found) - len(distinct)


def _distinct(found: list[tuple[Record, Resource]]) -> list[tuple[Record, Resource]]:
    """Without those that say no more than the one before them."""
    kept: list[tuple[Record, Resource]] = []
    for record, resource in found:
        if not kept or _content(resource) != _content(kept[-1][1]):
            kept.append((record, resource))
    return kept


def _content(resource: Resource) -> Resource:
    return msgspec.structs.replace(resource, meta=Meta())


def _given_out(before: Resource, after: Resource) -> datetime:
    """When the later of two versions became known."""
    issued = _issued(after)
    if issued is not None and issued != _issued(before):
        return issued
    if after.meta.last_updated:
        return moment(after.meta.last_updated).end
    raise DataError("several versions of one resource, and nothing tells when each became known")


def _issued(resource: Resource) -> datetime | None:
    text = getattr(resource, "issued", "")
    return moment(text).end if text else None
