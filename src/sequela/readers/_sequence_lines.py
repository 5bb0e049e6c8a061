"""The lines of files of sequences, plain or gzipped, one at a time: a file may be larger than memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, cast

from sequela.contracts import Sink, Source
from sequela.errors import DataError

LONGEST = 2**28  # bytes of a line: the longest human chromosome has 249 million letters
OFTEN = 2**14  # lines between two tellings of progress
_UNREADABLE = "surrogateescape"  # a byte that is no UTF-8 is kept as one that is no letter, so that its record alone is refused


@dataclass
class Progress:
    """Tells a sink how many bytes of all files were read."""

    sink: Sink
    total: int
    before: int = 0  # of the files that are done

    @classmethod
    def over(cls, source: Source, files: Iterable[str], sink: Sink) -> Progress:
        """Of these files, which are read one after the other."""
        return cls(sink, sum(source.path(file).stat().st_size for file in files))

    def at(self, place: int) -> None:
        """So many bytes of the file that is being read."""
        self.sink.progress(self.before + place, self.total)

    def done(self, size: int) -> None:
        """The file, of this size, is done."""
        self.at(size)
        self.before += size


def lines(source: Source, file: str, progress: Progress | None = None) -> Iterator[str]:
    """Each line without its end. Raises DataError for a file that is empty or damaged, or has a line longer than LONGEST."""
    path, number = source.path(file), 0
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            opened = cast("IO[bytes]", gzip.GzipFile(fileobj=plain)) if zipped else plain
            for number, line in enumerate(_cut(opened, file), 1):
                yield line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").decode(errors=_UNREADABLE)
                if progress is not None and not number % OFTEN:
                    progress.at(plain.tell())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file} is a damaged gzip file after line {number}", hint="copy or download it again") from error
    if not number:
        raise DataError(f"{file} is empty")
    if progress is not None:
        progress.done(path.stat().st_size)


def _cut(opened: IO[bytes], file: str) -> Iterator[bytes]:
    while line := opened.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise DataError(f"{file} has a line longer than {LONGEST:,} bytes", hint="is it text?")
        yield line


def is_text(line: str) -> bool:
    """Whether all of a line's bytes were UTF-8 and none of them a NUL."""
    return "\0" not in line and not any("\udc80" <= sign <= "\udcff" for sign in line)
