"""EDF and BDF files byte by byte, so that each field of them can be wrong; and what a sink has of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from sequela.config import convert
from sequela.readers import edf

NIGHT = datetime(2020, 3, 2, 22, 30)
SECOND = timedelta(seconds=1)


@dataclass
class Made:
    """A signal as a file has it; its samples are digital, a row for each data record."""

    name: str = "EEG Fp1-Ref"
    samples: np.ndarray = field(default_factory=lambda: np.arange(24).reshape(3, 8))
    unit: str = "uV"
    physical: tuple[object, object] = (-3276.8, 3276.7)
    digital: tuple[object, object] = (-32768, 32767)
    count: object = None  # of samples in a record, where the header is to say another


def tal(onset: str, *texts: str, duration: str = "") -> bytes:
    """A time-stamped annotation list."""
    return (
        onset.encode()
        + (b"\x15" + duration.encode() if duration else b"")
        + b"\x14"
        + b"".join(t.encode() + b"\x14" for t in texts)
        + b"\0"
    )


def write(
    path: Path,
    signals: Sequence[Made] = (),
    lists: Sequence[bytes] = (),
    *,
    plus: str = "",
    bdf: bool = False,
    patient: str = "X X X X",
    recording: str = "Startdate 02-MAR-2020 X X X",
    date: str = "02.03.20",
    time: str = "22.30.00",
    size: object = None,
    records: object = None,
    duration: object = 1,
) -> Path:
    """The file; `lists` are the annotation bytes of each data record."""
    made, width = list(signals), 3 if bdf else 2
    room = max((len(one) for one in lists), default=0)
    room += -room % 2 if not bdf else -room % 3
    if lists:
        made.append(Made(f"{'BDF' if bdf else 'EDF'} Annotations", np.zeros((len(lists), room // width)), "", (-1, 1)))
    count = len(made[0].samples) if made else 0
    head = [
        (b"\xffBIOSEMI" if bdf else b"0       ").decode("latin-1"),
        *(text.ljust(width) for text, width in ((patient, 80), (recording, 80), (date, 8), (time, 8))),
        str(256 * (1 + len(made)) if size is None else size).ljust(8),
        (f"{'BDF' if bdf else 'EDF'}{plus}" if plus else "24BIT" if bdf else "").ljust(44),
        str(count if records is None else records).ljust(8),
        str(duration).ljust(8),
        str(len(made)).ljust(4),
    ]
    columns = [
        [(one.name, 16) for one in made],
        [("", 80) for one in made],
        [(one.unit, 8) for one in made],
        [(one.physical[0], 8) for one in made],
        [(one.physical[1], 8) for one in made],
        [(one.digital[0], 8) for one in made],
        [(one.digital[1], 8) for one in made],
        [("", 80) for one in made],
        [(one.samples.shape[1] if one.count is None else one.count, 8) for one in made],
        [("", 32) for one in made],
    ]
    fields = [str(value).ljust(width)[:width] for column in columns for value, width in column]
    body = [
        b"".join(_stored(one.samples[number], width) for one in made[: len(signals)])
        + (lists[number].ljust(room, b"\0") if lists else b"")
        for number in range(count)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join([*head, *fields]).encode("latin-1") + b"".join(body))
    return path


def _stored(samples: np.ndarray, width: int) -> bytes:
    if width == 2:
        return samples.astype("<i2").tobytes()
    return samples.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def read(folder: Callable[[Path], Any], sink: Any, root: Path, **options: Any) -> Any:
    """The sink with what the reader makes of the files under a folder."""
    edf.build(convert(options, edf.Config)).read(folder(root), sink)
    return sink


def ramp(records: int = 3, each: int = 8, begin: int = 0) -> np.ndarray:
    return np.arange(begin, begin + records * each).reshape(records, each)
