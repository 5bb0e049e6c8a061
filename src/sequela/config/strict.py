"""The base of everything that a study may say, and the kinds of words in it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of everything that a study may say."""


Name = Annotated[str, Meta(min_length=1)]
Duration = Annotated[str, Meta(pattern=r"^-?\d+(\.\d+)?(us|ms|s|min|h|d|w|mo|y)$", description="such as 48h, 30d, 5y, 500ms")]
Named = str | dict[str, Any]  # "lstm", or { name = "lstm", width = 64 }
