"""WFDB records as the world has them, each with the reason why it is refused, or read all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

RATE, FRAMES, GAIN = 250, 400, 200
NONE = -(2**15)  # the sample of format 16 that means nothing
OUTSIDE = "outside of its folder"
VALUES = np.stack([np.arange(FRAMES) % 200 - 100, np.arange(FRAMES) % 70], 1)


def lines(
    name: str, values: np.ndarray, file: str = "", names: tuple[str, ...] = ("MLII", "V1"), gain: str = f"{GAIN}/mV"
) -> list[str]:
    """The header of a record in format 16, line by line."""
    sums = values.sum(0) % 2**16
    signals = [f"{file or f'{name}.dat'} 16 {gain} 12 0 0 {total} 0 {lead}" for total, lead in zip(sums, names, strict=False)]
    return [f"{name} {len(signals)} {RATE} {len(values)}", *signals]


def put(folder: Path, name: str, text: list[str] | None = None, values: np.ndarray = VALUES, marks: bytes | None = None) -> None:
    (folder / f"{name}.hea").write_text("\n".join(lines(name, values) if text is None else text) + "\n", encoding="utf-8")
    (folder / f"{name}.dat").write_bytes(values.astype("<i2").tobytes())
    if marks is not None:
        (folder / f"{name}.atr").write_bytes(marks)


def annotation(*steps: tuple[int, int]) -> bytes:
    """An annotation file of (code, samples since the one before)."""
    return b"".join((code << 10 | step).to_bytes(2, "little") for code, step in steps) + b"\0\0"


def replaced(name: str, old: str, new: str) -> list[str]:
    """The usual header with one thing in it another."""
    text = "\n".join(lines(name, VALUES))
    assert old in text
    return text.replace(old, new).split("\n")


def missing_values(folder: Path, name: str, which: slice) -> None:
    values = VALUES.copy()
    values[:, which] = NONE
    put(folder, name, lines(name, values), values)


def segments(folder: Path, name: str, *text: str) -> None:
    """A record whose header has these lines, and its two segments."""
    for part in ("a", "b"):
        put(folder, f"{name}_{part}")
    (folder / f"{name}.hea").write_text("\n".join([*text, ""]))


Make = Callable[[Path, str], None]
REFUSED: dict[str, tuple[Make, str]] = {
    "empty header": (lambda f, n: put(f, n, [""]), "empty"),
    "header of comments": (lambda f, n: put(f, n, ["# nothing"]), "empty"),
    "header without its signals": (lambda f, n: put(f, n, lines(n, VALUES)[:2]), "promises 2 signals and has lines for 1"),
    "header of more signals than it says": (
        lambda f, n: put(f, n, [f"{n} 1 {RATE} {FRAMES}", *lines(n, VALUES)[1:]]),
        "promises 1 signals and has lines for 2",
    ),
    "header of a thousand million signals": (lambda f, n: put(f, n, [f"{n} 999999999 250 400"]), "promises 999999999 signals"),
    "header cut in a line": (
        lambda f, n: (put(f, n), (f / f"{n}.hea").write_text("\n".join(lines(n, VALUES))))[0], "in the middle of a line",
    ),
    "signal of letters": (lambda f, n: put(f, n, replaced(n, " 16 ", " sixteen ")), "no signal where one is due"),
    "signal cut short": (lambda f, n: put(f, n, lines(n, VALUES), VALUES[:-1]), "cut short: 399 frames of 400"),
    "signal of nothing": (lambda f, n: put(f, n, lines(n, VALUES), VALUES[:0]), "cut short: 0 frames of 400"),
    "signal missing": (lambda f, n: (put(f, n), (f / f"{n}.dat").unlink())[0], ".dat is missing"),
    "wrong checksum": (lambda f, n: put(f, n, lines(n, VALUES), VALUES + 1), "the checksum of its signal MLII is"),
    "zero gain": (lambda f, n: put(f, n, replaced(n, "200/mV", "0/mV")), "no gain"),
    "no gain": (lambda f, n: put(f, n, [f"{n} 1 250 400", f"{n}.dat 16"]), "no gain"),
    "huge gain": (lambda f, n: put(f, n, replaced(n, "200/mV", "1e300/mV")), "a gain that no signal has"),
    "infinite gain": (lambda f, n: put(f, n, replaced(n, "200/mV", "1e999/mV")), "a gain that no signal has"),
    "gain that is no number": (lambda f, n: put(f, n, replaced(n, "200/mV", "nan/mV")), "no signal where one is due"),
    "huge baseline": (lambda f, n: put(f, n, replaced(n, "200/mV", f"200({10**30})/mV")), "a number beyond"),
    "every sample missing": (lambda f, n: missing_values(f, n, slice(None)), "every sample of its signals is missing"),
    "no sample": (lambda f, n: put(f, n, lines(n, VALUES[:0]), VALUES[:0]), "no sample"),
    "negative rate": (lambda f, n: put(f, n, replaced(n, " 250 ", " -250 ")), "a sampling rate of -250 Hz"),
    "rate of zero": (lambda f, n: put(f, n, replaced(n, " 250 ", " 0 ")), "a sampling rate of 0 Hz"),
    "rate of infinity": (lambda f, n: put(f, n, replaced(n, " 250 ", " 1e999 ")), "a sampling rate of inf Hz"),
    "unknown format": (lambda f, n: put(f, n, replaced(n, " 16 ", " 17 ")), "the storage format 17"),
    "no sample in a frame": (lambda f, n: put(f, n, replaced(n, " 16 ", " 16x0 ")), "no sample in a frame"),
    "a frame beyond memory": (lambda f, n: put(f, n, replaced(n, " 16 ", " 16x2000000000 ")), "cut short: 0 frames"),
    "a skew beyond all": (lambda f, n: put(f, n, replaced(n, " 16 ", " 16:2000000000 ")), "a skew beyond"),
    "a beginning beyond the end": (lambda f, n: put(f, n, replaced(n, " 16 ", " 16+99999 ")), "cut short: 0 frames"),
    "one file of two formats": (lambda f, n: put(f, n, [*lines(n, VALUES)[:2], f"{n}.dat 32 200/mV"]), "two formats"),
    "a date of no calendar": (lambda f, n: put(f, n, replaced(n, " 400", " 400 25:00:00 1/1/2001")), "no calendar has"),
    "not a FLAC file": (lambda f, n: put(f, n, replaced(n, " 16 ", " 516 ")), "cannot be read as FLAC"),
    "annotations of no length": (lambda f, n: put(f, n, marks=b""), "cut short or of another format"),
    "annotations cut short": (lambda f, n: put(f, n, marks=annotation((1, 5), (1, 9))[:-2]), "cut short or of another format"),
    "annotations that are text": (lambda f, n: put(f, n, marks=b"no annotations here"), "cut short or of another format"),
    "samples from elsewhere": (lambda f, n: put(f, n, lines(n, VALUES, "/etc/passwd")), OUTSIDE),
    "samples from above": (lambda f, n: put(f, n, lines(n, VALUES, f"../{f.name}/{n}.dat")), OUTSIDE),
    "samples from above in Windows": (lambda f, n: put(f, n, lines(n, VALUES, f"..\\{n}.dat")), OUTSIDE),
    "samples from the network": (lambda f, n: put(f, n, lines(n, VALUES, "https://example.org/r.dat")), OUTSIDE),
    "segment from elsewhere": (lambda f, n: segments(f, n, f"{n}/2 2 250 800", f"{n}_a 400", "/etc/b 400"), OUTSIDE),
    "segment from above": (lambda f, n: segments(f, n, f"{n}/2 2 250 800", f"{n}_a 400", "../b 400"), OUTSIDE),
    "segment missing": (
        lambda f, n: segments(f, n, f"{n}/3 2 250 1200", f"{n}_a 400", f"{n}_c 400", f"{n}_b 400"),
        "_c is missing",
    ),
    "segments cut off": (lambda f, n: segments(f, n, f"{n}/3 2 250 1200", f"{n}_a 400", f"{n}_b 400"), "promises 3 segments"),
    "segment of itself": (lambda f, n: segments(f, n, f"{n}/2 2 250 800", f"{n}_a 400", f"{n} 400"), "of segments itself"),
    "segments shorter than said": (lambda f, n: segments(f, n, f"{n}/2 2 250 800", f"{n}_a 400", f"{n}_b 300"), "of which"),
    "segments of another length together": (
        lambda f, n: segments(f, n, f"{n}/2 2 250 900", f"{n}_a 400", f"{n}_b 400"),
        "of which its header",
    ),
    "segment of another rate": (lambda f, n: segments(f, n, f"{n}/2 2 360 800", f"{n}_a 400", f"{n}_b 400"), "sampled at 250 Hz"),
    "years between segments": (
        lambda f, n: segments(f, n, f"{n}/3 2 250 90000000800", f"{n}_a 400", "~ 90000000000", f"{n}_b 400"),
        "100000 hours apart",
    ),
    "segments of nothing": (lambda f, n: segments(f, n, f"{n}/2 2 250 800", "~ 400", "~ 400"), "no segment has a signal"),
    "no segments": (lambda f, n: segments(f, n, f"{n}/0 2 250"), "no segment has a signal"),
}  # fmt: skip
READ: dict[str, Make] = {
    "as it should be": put,
    "annotations of nothing": lambda f, n: put(f, n, marks=b"\0\0"),
    "annotation beyond the end": lambda f, n: put(f, n, marks=annotation((1, 5), (1, 900))),
    "one lead missing": lambda f, n: missing_values(f, n, slice(1)),
    "one sample": lambda f, n: put(f, n, lines(n, VALUES[:1]), VALUES[:1]),
    "one name twice": lambda f, n: put(f, n, lines(n, VALUES, names=("ECG", "ECG"))),
    "no name": lambda f, n: put(f, n, lines(n, VALUES, names=("", ""))),
    "comments of every alphabet": lambda f, n: put(f, n, [*lines(n, VALUES), "# Größe 1,80 m, Ärztin, 患者, age: 44"]),
    "lines of Windows": lambda f, n: (put(f, n), (f / f"{n}.hea").write_bytes("\r\n".join([*lines(n, VALUES), ""]).encode()))[0],
    "no checksum": lambda f, n: put(f, n, [f"{n} 1 250 800", f"{n}.dat 16 200"]),
    "falling gain": lambda f, n: put(f, n, replaced(n, "200/mV", "-200/mV")),
    "hours between segments": lambda f, n: segments(f, n, f"{n}/3 2 250 900800", f"{n}_a 400", "~ 900000", f"{n}_b 400"),
}


def write_all(folder: Path) -> dict[str, str]:
    """The corpus; the reason expected of each record, "" of those that are read."""
    expected = {}
    for i, (name, (make, reason)) in enumerate(REFUSED.items()):
        make(folder, f"bad{i:02d}")
        expected[f"bad{i:02d}"] = reason
        assert name
    for i, make in enumerate(READ.values()):
        make(folder, f"good{i:02d}")
        expected[f"good{i:02d}"] = ""
    return expected
