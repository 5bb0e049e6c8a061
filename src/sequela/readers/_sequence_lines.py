"""The lines of files of sequences, plain or gzipped, one at a time: a file may be larger than memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, cast

from sequela.contracts import Source
from sequela.errors import DataError

LONGEST = 2**28  # bytes of a line: the longest human chromosome has 249 million letters
_UNREADABLE = "surrogateescape"  # a byte that is no UTF-8 is kept as one that is no letter, so that its record alone is refused


def lines(source: Source, file: str) -> Iterator[str]:
    """Each line without its end. Raises DataError for a file that is empty or damaged, or has a line longer than LONGEST."""
    path = source.path(file)
    with path.open("rb") as plain:
        zipped = plain.read(2) == b"\x1f\x8b"
    number = 0
    try:
        with gzip.open(path, "rb") if zipped else path.open("rb") as opened:
            for number, line in enumerate(_cut(cast("IO[bytes]", opened), file), 1):
                yield line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").decode(errors=_UNREADABLE)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file} is a damaged gzip file after line {number}", hint="copy or download it again") from error
    if not number:
        raise DataError(f"{file} is empty")


def _cut(opened: IO[bytes], file: str) -> Iterator[bytes]:
    while line := opened.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise DataError(f"{file} has a line longer than {LONGEST:,} bytes", hint="is it text?")
        yield line


def is_text(line: str) -> bool:
    """Whether all of a line's bytes were UTF-8 and none of them a NUL."""
    return "\0" not in line and not any("\udc80" <= sign <= "\udcff" for sign in line)
