"""What several verbs print alike."""

from __future__ import annotations

import sys
from typing import Any

import msgspec


def as_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def line(text: str = "") -> None:
    """A line of data on stdout."""
    sys.stdout.write(text + "\n")


def remark(text: str) -> None:
    """A line for the person watching, on stderr."""
    sys.stderr.write(text + "\n")
