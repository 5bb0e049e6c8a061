"""Ctrl-C and SIGTERM as a wish that training reads between two steps, so that what it saves is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from sequela.errors import Interrupted


@dataclass(slots=True)
class Wish:
    """Whether the user asked to stop; a second time stops at once, at the last checkpoint."""

    resume_command: str
    asked: bool = False

    def hear(self, signum: int, frame: FrameType | None) -> None:
        if self.asked:
            raise self.stopped("at once")
        self.asked = True

    def stopped(self, where: str) -> Interrupted:
        return Interrupted(f"training was interrupted {where}", hint=f"to go on: {self.resume_command}")


@contextmanager
def listening(resume_command: str) -> Iterator[Wish]:
    """A Wish that hears SIGINT and SIGTERM; in a thread other than the main one, where none arrive, it stays silent."""
    wish = Wish(resume_command)
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.signal(number, wish.hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
