"""The report of a run, made anew from its files."""

from __future__ import annotations

from pathlib import Path

from sequela.errors import DataError
from sequela.pipeline import files


def report(run: str | Path) -> Path:
    """Writes report.html in the run folder and gives its path. Raises DataError where the folder is not a finished run."""
    from sequela.evaluate.report import render

    folder = Path(run)
    if not (folder / files.METRICS).exists():
        raise DataError(f"{folder} is not a finished run: it has no {files.METRICS}", hint="sequela run STUDY --out DIR --resume")
    files.write(folder / files.REPORT, render(folder))
    return folder / files.REPORT
