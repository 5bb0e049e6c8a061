"""The sets of MedMNIST, pictures and volumes: pathmnist.npz, chestmnist_224.npz, organmnist3d_64.npz and their like.

An archive has train_images, train_labels, and so for val and test. Pictures are (n, H, W), or (n, H, W, 3) in colour; volumes
(n, D, H, W) with equal sides. They are stored as they are; MedMNIST does not say how its volumes lie in the patient. Written,
without time:

    IMAGE               uint8 (C, H, W) or (1, D, H, W)
    LABEL//label        the class, a number; of RetinaMNIST a grade, 0 to 4, whose order counts
    LABEL//<finding>    of ChestMNIST: 0 or 1 of each of its fourteen findings

Source: Yang et al. 2023, MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical image classification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl

from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers import _archive
from sequela.readers._picture import CHANNELS
from sequela.readers._samples import events, label_events
from sequela.types import Array, Part, Payload

VERSION = 1
PARTS: Mapping[str, Part] = {"train": "train", "val": "tune", "test": "test"}
CHEST = (
    "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax", "consolidation",
    "edema", "emphysema", "fibrosis", "pleural", "hernia",
)  # fmt: skip


class Config(Strict, frozen=True):
    pass


@dataclass(frozen=True, slots=True)
class MedMnistReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every sample of every archive; an archive that is not one of MedMNIST is refused by its name.

        Raises DataError where the source has no .npz file.
        """
        files = [name for name in source.files() if name.lower().endswith(".npz")]
        if not files:
            raise DataError(f"{source.name} has no .npz file", hint="the reader medmnist takes an archive, or a folder of them")
        for done, file in enumerate(files, 1):
            name = PurePosixPath(file).stem
            prefix = f"{name}-" if len(files) > 1 else ""
            try:
                columns = _check(source.path(file), name)
                for part in PARTS:
                    _write(sink, _part(source.path(file), part), f"{prefix}{part}-", PARTS[part], columns)
            except DataError as error:
                sink.refuse(file, error.message)
            sink.progress(done, len(files))


def _check(path: Path, name: str) -> Sequence[str]:
    """The names of the label columns. Raises DataError where any part is not as MedMNIST has it, before any is written."""
    count = {part: _part(path, part)[1].shape[1] for part in PARTS}
    if len(set(count.values())) > 1:
        raise DataError(f"its parts have {', '.join(map(str, count.values()))} labels a sample")
    if count["train"] == 1:
        return ("label",)
    if count["train"] != len(CHEST) or not name.startswith("chestmnist"):
        raise DataError(f"{count['train']} labels a sample; only chestmnist has several, {len(CHEST)}")
    return CHEST


def _part(path: Path, part: str) -> tuple[Array, Array]:
    """Images "n C H W" or "n 1 D H W", and labels "n K"."""
    with _archive.opened(path) as archive:
        images, labels = (_archive.array(archive, f"{part}_{what}") for what in ("images", "labels"))
    if labels.dtype.kind not in "biu" or labels.ndim not in (1, 2) or len(labels) != len(images):
        raise DataError(
            f"the part {part} has {len(images)} images, and labels of the shape {labels.shape} and type {labels.dtype}"
        )
    return _channels_first(images), labels.reshape(len(labels), -1)


def _channels_first(images: Array) -> Array:
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise DataError(
            f"images of the shape {images.shape} and type {images.dtype}, expected uint8 (n, H, W), (n, H, W, 3) or volumes"
        )
    if images.ndim == 3:
        return images[:, None]
    if images.shape[-1] == 3:
        return np.moveaxis(images, -1, 1)
    if len(set(images.shape[1:])) > 1:
        raise DataError(f"images of the shape {images.shape}, neither in colour nor volumes of equal sides")
    return images[:, None]


def _write(sink: Sink, samples: tuple[Array, Array], prefix: str, part: Part, columns: Sequence[str]) -> None:
    images, labels = samples
    names = [f"{prefix}{number:05d}" for number in range(len(images))]
    channels = CHANNELS["colour" if images.shape[1] == 3 else "grey"]
    uris = [sink.payload(name, Payload(image, None, channels)) for name, image in zip(names, images, strict=True)]
    sink.code("IMAGE", "payload")
    sink.events(events(names, "IMAGE", {"payload": pl.Series(uris, dtype=pl.String)}))
    for column, values in zip(columns, labels.T, strict=True):
        sink.code(f"LABEL//{column}", "label")
        sink.events(label_events(names, column, values))
    for name in names:
        sink.part(name, part)
    sink.accept(len(names))


def build(config: Config) -> MedMnistReader:
    return MedMnistReader(config)
