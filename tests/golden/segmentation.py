"""Dice, IoU, Hausdorff distance and surface Dice of made-up masks by MONAI.

    python tests/golden/segmentation.py        needs monai; writes segmentation.json beside this file

The masks are thresholds of smooth noise, so that they have holes, islands and parts at the picture's edge.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy import ndimage

CASES = {  # name -> size, spacing, tolerance
    "picture": ((64, 80), (1.0, 1.0), 1.0),
    "stretched": ((48, 60), (0.5, 2.0), 1.5),
    "volume": ((12, 40, 36), (3.0, 0.8, 0.8), 2.0),
    "thin": ((5, 30, 30), (1.0, 1.0, 1.0), 0.0),
}


def masks(name):
    """Two masks of a case, alike but not the same: bool "*S"."""
    size, _, _ = CASES[name]
    random = np.random.default_rng(sorted(CASES).index(name))
    smooth = ndimage.gaussian_filter(random.normal(size=size), 3, mode="wrap")
    other = smooth + 0.5 * ndimage.gaussian_filter(random.normal(size=size), 3, mode="wrap")
    return smooth > 0.6 * smooth.std(), other > 0.6 * smooth.std()


def by_monai(name):
    import torch
    from monai import metrics

    _, spacing, tolerance = CASES[name]
    said, true = (torch.from_numpy(mask)[None, None].float() for mask in masks(name))
    return {
        "dice": float(metrics.compute_dice(said, true)),
        "iou": float(metrics.compute_iou(said, true)),
        "hd95": float(metrics.compute_hausdorff_distance(said, true, True, percentile=95, spacing=spacing)),
        "nsd": float(metrics.compute_surface_dice(said, true, [tolerance], True, spacing=spacing)),
    }


if __name__ == "__main__":
    import monai

    found = {"monai": monai.__version__, "cases": {name: by_monai(name) for name in CASES}}
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
