"""Augmentation against MONAI: the same operations on the same pictures, CPU-seconds in one run.

    python bench/augment.py

Ours changes a batch as one; MONAI's array and dictionary transforms change one picture at a time, as they are used. MONAI is
asked in three ways, and the cheapest counts: its dictionary transforms as they come, the same without metadata, its array
transforms without metadata. The amounts are those of ours, each operation on every picture. A peer that is not installed is
left out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib.util
import math
import time
from collections.abc import Callable
from typing import Any

import torch
from harness import PACKAGES, measure, record

from sequela.prep import augment
from sequela.types import Seq, Spec

ROUNDS, SECONDS = 4, 0.5  # the cheapest round counts, as others use the machine; of at least so long
GOAL = 2.5
SETS = {"224 × 224": (16, (1, 224, 224)), "64 × 64 × 64": (4, (1, 64, 64, 64)), "64 × 64 × 64, in plane": (4, (1, 64, 64, 64))}
MEAN, SPREAD = 0.5, 0.29  # by which pictures are standardised: those of training, so that they are the same for all
TURN, SIZE, MOVE, SHEAR, LIGHT, NOISE, CONTRAST, GAMMA, SMOOTH = 15.0, 0.1, 0.1, 5.0, 0.2, 0.1, 0.2, 0.3, 1.0


def ours(spec: Spec, tilt: bool) -> dict[str, list[Any]]:
    """The pipelines, each by the name of what it does."""
    flip: dict[str, Any] = {"name": "flip", "horizontal": 0.5, "vertical": 0.5}
    if len(spec.shape) == 4:
        flip["depth"] = 0.5
    turn = {"name": "rotate", "degrees": TURN} | ({"tilt": TURN} if tilt else {})
    affine = [turn, {"name": "scale", "by": SIZE}, {"name": "shift", "by": MOVE}]
    values = [{"name": "noise", "sd": NOISE}, {"name": "contrast", "by": CONTRAST}, {"name": "brightness", "by": LIGHT}]
    return {
        "flip, affine": [flip, *affine],
        "flip, affine, noise, contrast, brightness": [flip, *affine, *values],
        "and gamma, blur": [flip, *affine, *values, {"name": "gamma", "by": GAMMA}, {"name": "blur", "sd": SMOOTH}],
    }


def changing(named: list[Any], spec: Spec, pictures: torch.Tensor) -> Callable[[], Any]:
    """Standardises and changes the batch once."""
    change = augment.build(named, spec)
    generator = torch.Generator().manual_seed(0)
    mask = torch.ones(len(pictures), 1, dtype=torch.bool)

    def work() -> torch.Tensor:
        seq = Seq(((pictures - MEAN) / SPREAD)[:, None], mask, None)
        return change(seq, generator).values[:, 0]

    return work


# -------------------------------------------------------------------------------------------------------------------------- MONAI


def monai(steps: str, size: tuple[int, ...], tilt: bool, form: str) -> Any:
    """The same of MONAI: form is "array" or "dictionary"."""
    from monai import transforms as of

    axes = len(size)
    turn = math.radians(TURN)
    angles: Any = turn if axes == 2 else ([turn] * 3 if tilt else [turn, 0, 0])
    affine = {
        "prob": 1.0,
        "rotate_range": angles,
        "scale_range": [SIZE] * axes,
        "translate_range": [MOVE * side for side in size],
        "padding_mode": "border",
    }
    amounts: list[tuple[str, dict[str, Any]]] = [("NormalizeIntensity", {"subtrahend": MEAN, "divisor": SPREAD})]
    amounts += [("RandFlip", {"prob": 0.5, "spatial_axis": axis}) for axis in range(axes)]
    amounts += [("RandAffine", affine)]
    if steps != "flip, affine":
        amounts += [
            ("RandGaussianNoise", {"prob": 1.0, "std": NOISE}),
            ("RandScaleIntensityFixedMean", {"prob": 1.0, "factors": CONTRAST}),
            ("RandShiftIntensity", {"prob": 1.0, "offsets": LIGHT}),
        ]
    if steps == "and gamma, blur":
        sd = (0.01, SMOOTH)
        blur = {"sigma_x": sd, "sigma_y": sd} | ({"sigma_z": sd} if axes == 3 else {})
        amounts += [("RandAdjustContrast", {"prob": 1.0, "gamma": (1 / (1 + GAMMA), 1 + GAMMA)})]
        amounts += [("RandGaussianSmooth", {"prob": 1.0, **blur})]
    if form == "array":
        return of.Compose([getattr(of, name)(**options) for name, options in amounts])
    return of.Compose([getattr(of, name + "d")(keys="image", **options) for name, options in amounts])


def changing_one_by_one(pipeline: Any, form: str, pictures: torch.Tensor) -> Callable[[], Any]:
    def work() -> torch.Tensor:
        if form == "array":
            return torch.stack([torch.as_tensor(pipeline(picture)) for picture in pictures])
        return torch.stack([torch.as_tensor(pipeline({"image": picture})["image"]) for picture in pictures])

    return work


WAYS = (("dictionary", "dictionary", True), ("dictionary_without_metadata", "dictionary", False), ("array", "array", False))


def of_monai(steps: str, size: tuple[int, ...], tilt: bool, pictures: torch.Tensor) -> dict[str, float]:
    """CPU-milliseconds a picture in each way of asking."""
    from monai.data import set_track_meta
    from monai.utils import set_determinism

    set_determinism(0)
    found = {}
    for name, form, meta in WAYS:
        set_track_meta(meta)
        found[name] = cost(changing_one_by_one(monai(steps, size, tilt, form), form, pictures), len(pictures))
    return found


# ---------------------------------------------------------------------------------------------------------------------- comparing


def cost(work: Callable[[], Any], count: int) -> float:
    """CPU-milliseconds a picture in the cheapest of some rounds."""
    work()
    started = time.perf_counter()
    work()
    times = max(1, math.ceil(SECONDS / (time.perf_counter() - started)))
    rounds = []
    for _ in range(ROUNDS):
        with measure() as measured:
            for _ in range(times):
                work()
        rounds.append(measured.cpu_seconds / times / count * 1e3)
    return min(rounds)


def compare(name: str, peer: bool) -> dict[str, Any]:
    """All pipelines over one set of pictures; ours is measured before and after the peer, and the cheaper counts, as for it."""
    count, shape = SETS[name]
    tilt = len(shape) == 4 and "plane" not in name
    spec = Spec("image", shape, "days", single=True)
    pictures = torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))
    found = {}
    for steps, named in ours(spec, tilt).items():
        work = changing(named, spec, pictures)
        mine = cost(work, count)
        ways = of_monai(steps, shape[1:], tilt, pictures) if peer else {}
        mine = min(mine, cost(work, count))
        row: dict[str, Any] = {"ours_ms": round(mine, 3), "monai_ms": {way: round(ms, 3) for way, ms in ways.items()}}
        found[steps] = row | ({"times": round(min(ways.values()) / mine, 2)} if peer else {})
    return found


def main() -> None:
    torch.set_num_threads(1)
    peer = importlib.util.find_spec("monai") is not None
    left_out = [] if peer else ["monai is not installed"]
    found = {name: compare(name, peer) for name in SETS}
    head = {"goal": GOAL, "left_out": left_out, "pictures": {name: count for name, (count, _) in SETS.items()}}
    record("augment", {**head, **found}, (*PACKAGES, "monai"))


if __name__ == "__main__":
    main()
