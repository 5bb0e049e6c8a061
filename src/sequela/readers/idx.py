"""MNIST's own idx files: images and their labels, plain or gzipped, with the parts that their names say.

The format (http://yann.lecun.com/exdb/mnist): two zero bytes, the type, the number of axes, the length of each as a big-endian
int32, then the values. `train-images-idx3-ubyte` belongs with `train-labels-idx1-ubyte`, `t10k-…` (or `test-…`) is the test part.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import polars as pl

from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers._samples import events, label_events
from sequela.types import Array, Part, Payload

VERSION = 1
IMAGES = re.compile(r"^(.*)images?([-.]idx3[-.]ubyte)(\.gz)?$")
PARTS: Mapping[str, Part] = {"train": "train", "t10k": "test", "test": "test", "val": "tune"}
TYPES: Mapping[int, str] = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


class Config(Strict, frozen=True):
    transposed: bool = False  # rows and columns are exchanged (as in EMNIST)


@dataclass(frozen=True, slots=True)
class IdxReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every image with its label; a pair of files that cannot be used is refused by name.

        Raises DataError where the source has no file of images.
        """
        files = set(source.files())
        pairs = [(name, match) for name in sorted(files) if (match := IMAGES.match(name))]
        if not pairs:
            raise DataError(f"{source.name} has no file named …images-idx3-ubyte", hint="the reader idx takes MNIST's own files")
        for done, (name, match) in enumerate(pairs, 1):
            plain = f"{match[1]}labels{match[2].replace('idx3', 'idx1')}"
            labels = next((label for label in (plain, f"{plain}.gz") if label in files), None)
            try:
                images, numbers = _pair(source, name, labels)
            except DataError as error:
                sink.refuse(name, error.message)
            else:
                self._write(sink, match[1].rstrip("-_."), images, numbers)
            sink.progress(done, len(pairs))

    def _write(self, sink: Sink, prefix: str, images: Array, labels: Array | None) -> None:
        images = images.swapaxes(1, 2) if self.config.transposed else images
        names = [f"{prefix or 'image'}-{i:05d}" for i in range(len(images))]
        uris = [sink.payload(name, Payload(image[None], None, ("grey",))) for name, image in zip(names, images, strict=True)]
        sink.code("IMAGE", "payload")
        sink.events(events(names, "IMAGE", {"payload": pl.Series(uris, dtype=pl.String)}))
        if labels is not None:
            sink.code("LABEL//label", "label")
            sink.events(label_events(names, "label", labels))
        part = PARTS.get(PurePosixPath(prefix).name.split("-")[-1])
        for name in names if part else ():
            assert part is not None
            sink.part(name, part)
        sink.accept(len(names))


def _pair(source: Source, images: str, labels: str | None) -> tuple[Array, Array | None]:
    found = array(source.read(images))
    if found.ndim != 3 or found.dtype != np.uint8:
        raise DataError(f"holds {found.dtype} with {found.ndim} axes, expected images of uint8 (n, H, W)")
    if labels is None:
        return found, None
    numbers = array(source.read(labels))
    if numbers.shape != (len(found),):
        raise DataError(f"{len(found)} images but labels of shape {numbers.shape}")
    return found, numbers


def array(content: bytes) -> Array:
    """The array in an idx file. Raises DataError for another format, or fewer or more values than it promises."""
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError("a damaged gzip file") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES or not content[3]:
        raise DataError("not an idx file: it does not begin with the format's number")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise DataError("an idx file cut short in its header")
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", content[3], 4))
    kind = np.dtype(TYPES[content[2]])
    promised = start + kind.itemsize * int(np.prod(shape, dtype=np.int64))
    if len(content) != promised:
        raise DataError(f"an idx file of {len(content)} bytes, where its header promises {promised}")
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def build(config: Config) -> IdxReader:
    return IdxReader(config)
