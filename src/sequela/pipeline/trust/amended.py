"""trust.json of a finished run with one thing more, that was examined afterwards, and its report made anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sequela.evaluate.trusted import Trusted
from sequela.pipeline import files, page
from sequela.pipeline.reopened import Reopened


def amended(run: Path, opened: Reopened, change: Callable[[Trusted], Trusted]) -> Path:
    """The report of the run in a folder. Of several splits the first, which `opened` is, and the top change alike."""
    for folder in dict.fromkeys((opened.folder, run)):
        path = folder / files.TRUST
        held = files.read_json(path, Trusted) if path.exists() else Trusted(part=opened.part)
        files.write_json(path, change(held))
    return [page.report(folder) for folder in dict.fromkeys((opened.folder, run))][-1]
