"""A progress bar on stderr for work that takes over two seconds; silent where stderr is no terminal."""

from __future__ import annotations

import sys
from typing import Any

from sequela.contracts import Progress


def progress_bar() -> Progress:
    """A callback (what, done, total) that draws one bar for each `what`."""
    from tqdm import tqdm

    bars: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        bar = bars.get(what)
        if bar is None or bar.total != total:
            if bar is not None:
                bar.close()
            bar = bars[what] = tqdm(
                total=total, desc=what, file=sys.stderr, delay=2, leave=False, disable=not sys.stderr.isatty()
            )
        bar.update(done - bar.n)
        if done >= total:
            bar.close()
            del bars[what]

    return show


def silent(what: str, done: int, total: int) -> None:
    """Shows nothing: what Python callers get unless they pass their own."""
