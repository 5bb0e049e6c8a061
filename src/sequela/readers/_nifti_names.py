"""What the paths of volumes say: which are images, which masks of them, of what part, and what a table may call them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from sequela.readers import _itk_file
from sequela.readers._picture_list import Entry
from sequela.readers._samples import PART_NAMES

NIFTI = (".nii.gz", ".nii", ".hdr")
IMAGES, LABELS = re.compile(r"^images?(?=$|Tr$|Ts$|[_-])", re.I), re.compile(r"^(labels?|masks?)(?=$|Tr$|Ts$|[_-])", re.I)


def ending(name: str) -> str:
    """The ending by which it is a volume; "" where it is none."""
    return next((end for end in (*NIFTI, *_itk_file.ENDINGS) if name.lower().endswith(end)), "")


def stem(name: str) -> str:
    """The path without its ending, and without the folder that only says that it holds images."""
    path = PurePosixPath(name[: len(name) - len(ending(name))])
    return str(PurePosixPath(*(step for step in path.parts[:-1] if not IMAGES.match(step)), path.name))


def called(entries: Iterable[Entry], by: str) -> dict[str, set[str]]:
    """What a line of a table may call them -> files."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        bare = entry.file[: len(entry.file) - len(ending(entry.file))]
        paths = {entry.file, bare, stem(entry.file)} if by == "file" else set()
        for name in paths | {PurePosixPath(path).name for path in paths} or {entry.subject}:
            found.setdefault(name, set()).add(entry.file)
    return found


def in_images(names: Sequence[str]) -> list[str]:
    """Those in folders of images; where there is none, all that are not in folders of masks."""
    found = [name for name in names if _among(name, IMAGES)]
    return found or [name for name in names if not _among(name, LABELS)]


def in_labels(names: Sequence[str]) -> list[str]:
    """Those in folders of masks."""
    return [name for name in names if _among(name, LABELS)]


def _among(name: str, folders: re.Pattern[str]) -> bool:
    return any(folders.match(step) for step in PurePosixPath(name).parts[:-1])


def in_labels_instead(name: str) -> str:
    """The path of an image's mask without its ending: labelsTr for imagesTr; "" where it lies in no folder of images."""
    path = PurePosixPath(name[: len(name) - len(ending(name))])
    steps = [IMAGES.sub("labels", step) for step in path.parts[:-1]]
    return str(PurePosixPath(*steps, path.name)) if _among(name, IMAGES) else ""


def folder_of(name: str) -> str:
    """The path of the folder in which it lies."""
    return str(PurePosixPath(name).parent)


def part_of(name: str) -> str:
    """The folder above it that says its part, "" where none does."""
    return next((step for step in PurePosixPath(name).parts[:-1] if step.lower() in PART_NAMES), "")
