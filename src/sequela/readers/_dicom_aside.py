"""Decoding in a process of its own: of a damaged file a decoder written in C++ may end its process, or never end.

The process is started when the first such file is read. It is asked by lines of a frame's number (-1: all) and a path, and
answers with a line of JSON, {"shape", "dtype"} followed by the pixels, or {"error"}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import weakref
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Timer
from typing import Any
from warnings import simplefilter

import numpy as np

from sequela.errors import DataError
from sequela.types import Array

SECONDS = 120.0  # after which a decoder is taken not to end


@dataclass(eq=False)
class Aside:
    """A process that decodes; a new one follows one that broke down."""

    seconds: float = SECONDS
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def decode(self, path: Path, frame: int | None, what: str) -> Array:
        """The decoded frame, or all of them. Raises DataError where the file cannot be decoded."""
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        timer = Timer(self.seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(f"{-1 if frame is None else frame} {path.resolve()}\n".encode())
            process.stdin.flush()
            told = json.loads(process.stdout.readline() or "{}")
            pixels = process.stdout.read(told.get("bytes", 0))
        except OSError:
            told = {}
        finally:
            timer.cancel()
        if "error" in told:
            raise DataError(f"its {what} cannot be read ({told['error']})")
        if not told or len(pixels) != told["bytes"]:
            self._process = None
            raise DataError(f"its {what} cannot be read (the decoder broke down)")
        return np.frombuffer(pixels, told["dtype"]).reshape(told["shape"])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-m", "sequela.readers._dicom_aside"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


@lru_cache(maxsize=1)
def _opened(path: str) -> Any:
    """The file, kept while its frames are asked for."""
    import pydicom

    return pydicom.dcmread(path, force=True)


def _answer(path: str, frame: int) -> tuple[dict[str, Any], bytes]:
    import pydicom

    try:
        found = pydicom.pixels.pixel_array(_opened(path), index=None if frame < 0 else frame)
    except Exception as error:  # whatever it is, the file is refused for it
        raise DataError(type(error).__name__) from error
    return {"shape": found.shape, "dtype": found.dtype.str, "bytes": found.nbytes}, found.tobytes()


def main() -> None:
    """Answers until its input ends; what decoders print goes nowhere."""
    simplefilter("ignore")
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin.buffer:
        frame, _, path = line.decode().rstrip("\n").partition(" ")
        try:
            told, pixels = _answer(path, int(frame))
        except DataError as error:
            told, pixels = {"error": error.message}, b""
        out.write(json.dumps(told).encode() + b"\n" + pixels)
        out.flush()


if __name__ == "__main__":
    main()
