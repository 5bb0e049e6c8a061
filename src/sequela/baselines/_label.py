"""What a baseline is called beside the model: its name, and after it what tells it from others of that name."""

from __future__ import annotations

from sequela.config import Strict


def label(name: str, options: Strict) -> str:
    """ "baseline:boosting"; "baseline:logistic:scan.mean" of one held to some columns; "baseline:score:CODE" of a score."""
    told = options.code if name == "score" else ", ".join(getattr(options, "columns", ()))  # type: ignore[attr-defined]
    return ":".join(part for part in ("baseline", name, told) if part)
