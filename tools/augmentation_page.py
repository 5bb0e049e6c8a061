"""Makes docs/figures/augmentation.png: what each change does to one drawn chest, several draws each, with its mask.

    python tools/augmentation_page.py

The picture is computed, nobody's: an outline, two lungs, a heart and a nodule. The nodule's mask is laid over it in red.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from sequela.prep import augment
from sequela.types import Seq, Spec

PAGE = Path(__file__).resolve().parent.parent / "docs" / "figures" / "augmentation.png"
SIDE, DRAWS, LABEL = 96, 4, 112
SPEC = Spec("image", (1, SIDE, SIDE), "days", ("grey",), single=True)
STRONG = {
    "scale": {"by": 0.3}, "rotate": {"degrees": 30.0}, "shear": {"degrees": 20.0}, "shift": {"by": 0.2}, "crop": {"least": 0.3},
    "flip": {"vertical": 0.5}, "elastic": {"by": 0.4, "cells": 4}, "brightness": {"by": 0.8}, "contrast": {"by": 0.6},
    "gamma": {"by": 1.5}, "noise": {"sd": 0.6}, "blur": {"sd": 3.0}, "low_resolution": {"by": 0.85}, "bias": {"by": 1.5},
    "erase": {"share": 0.5, "often": 1.0},
}  # fmt: skip


def chest() -> tuple[torch.Tensor, torch.Tensor]:
    """The picture, standardised, and its nodule, bool; "H W" both."""
    down, across = torch.meshgrid(torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE), indexing="ij")

    def inside(row: float, column: float, height: float, width: float) -> torch.Tensor:
        return ((down - row) / height).square() + ((across - column) / width).square() < 1

    nodule = inside(-0.15, 0.42, 0.11, 0.1)
    picture = 0.9 * inside(0.1, 0, 0.95, 0.9).float()
    lungs = inside(0.05, -0.42, 0.62, 0.3) | inside(0.05, 0.42, 0.62, 0.28)
    picture = torch.where(lungs, 0.35 + 0.12 * torch.sin(14 * down + 3 * across.abs()), picture)
    picture = torch.where(inside(0.35, 0.12, 0.3, 0.24), 0.95, picture) + 0.35 * nodule
    return (picture - picture.mean()) / picture.std(), nodule


def drawn(name: str, picture: torch.Tensor, nodule: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Some draws of one change side by side, uint8 "H W 3"."""
    seq = Seq(picture.expand(DRAWS, 1, 1, SIDE, SIDE), torch.ones(DRAWS, 1, dtype=torch.bool), None)
    change = augment.build([{"name": name} | STRONG.get(name, {})], SPEC)
    numbers = change.draw(seq, torch.Generator().manual_seed(7))
    shown = change.apply(seq, numbers).values[:, 0, 0]
    mask = change.dense(seq, nodule.long().expand(DRAWS, SIDE, SIDE), numbers) == 1
    grey = ((shown + 2) / 4).clamp(0, 1)
    edge = mask & ~torch.nn.functional.max_pool2d(1.0 - mask.float()[:, None], 3, 1, 1)[:, 0].eq(0)
    red = torch.where(edge[..., None], torch.tensor([1.0, 0.2, 0.2]), grey[..., None].expand(-1, -1, -1, 3))
    return (torch.cat(list(red), 1) * 255).to(torch.uint8).numpy()


def main() -> None:
    names = list(augment.KINDS["image"])
    lines = -(-len(names) // 2)
    wide = LABEL + DRAWS * SIDE
    page = Image.new("RGB", (2 * wide, lines * SIDE), "white")
    pen = ImageDraw.Draw(page)
    for place, name in enumerate(names):
        left, top = place // lines * wide, place % lines * SIDE
        pen.text((left + 8, top + SIDE // 2 - 6), name.replace("_", " "), fill="black")
        page.paste(Image.fromarray(drawn(name, *chest())), (left + LABEL, top))
    page.quantize(128).save(PAGE, optimize=True)


if __name__ == "__main__":
    main()
