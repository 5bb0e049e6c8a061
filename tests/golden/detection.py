"""What COCO's own evaluation says of boxes that are found, for tests/metrics/test_detection.py.

    python tests/golden/detection.py [FOLDER OF BCCD]

writes detection.json: made with pycocotools 2.0.11 and NumPy 2.4.6. The boxes are made here, by their seed; those of the blood
smears are the annotations of the folder, with boxes near them, boxes twice, boxes missed and boxes of nothing.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as tree
from importlib.metadata import version
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".json")
EVERY = ("plain", "ties", "nothing said of a class", "nothing there of a class", "crowded")
CLASSES = 3


def pictures(case, seed=0):
    """Truth and what is said of some pictures: of each, rows of (class, top, left, bottom, right[, score]), surest anywhere."""
    random = np.random.default_rng([seed, EVERY.index(case)])
    side = 30 if case == "crowded" else 100
    found = []
    for _ in range(12):
        count = random.integers(0, 12)
        first = random.integers(0, side, (count, 2))
        size = random.integers(6, 30, (count, 2))
        truth = np.column_stack([random.integers(0, CLASSES, count), first, first + size]).astype(float)
        if case == "nothing there of a class":
            truth = truth[truth[:, 0] != 1]
        said = perturbed(truth, random, ties=case in ("ties", "crowded"))
        found.append((truth, said[said[:, 0] != 2] if case == "nothing said of a class" else said))
    return found


def perturbed(truth, random, *, ties=False):
    """Boxes near those of the truth, a third of them twice, some of another class, some of nothing; edges are eighths."""
    near = truth[random.random(len(truth)) < 0.9]
    near = np.concatenate([near, near[random.random(len(near)) < 0.35]])
    near[:, 1:] += np.round(random.normal(0, 0.08, (len(near), 4)) * (near[:, [3]] - near[:, [1]]) * 8) / 8
    near[:, 3:] = np.maximum(near[:, 3:], near[:, 1:3] + 1)
    near[:, 0] = np.where(random.random(len(near)) < 0.05, random.integers(0, CLASSES, len(near)), near[:, 0])
    far = random.integers(0, 80, (random.integers(0, 4), 2))
    nothing = np.column_stack([random.integers(0, CLASSES, len(far)), far, far + 10]).astype(float)
    said = np.concatenate([near, nothing])
    score = random.random(len(said))
    return np.column_stack([said, np.round(score, 1) if ties else score])


def smears(folder, names=("RBC", "WBC", "Platelets"), seed=0):
    """The test part of the blood smears; boxes without area are left out."""
    random, found = np.random.default_rng(seed), []
    for name in (folder / "BCCD/ImageSets/Main/test.txt").read_text().split():
        rows = []
        for thing in tree.parse(folder / f"BCCD/Annotations/{name}.xml").getroot().iter("object"):
            left, top, right, bottom = (float(thing.find(f"bndbox/{edge}").text) for edge in ("xmin", "ymin", "xmax", "ymax"))
            if right > left and bottom > top:
                rows.append([names.index(thing.find("name").text), top, left, bottom, right])
        truth = np.array(rows)
        found.append((truth, perturbed(truth, random)))
    return found


def coco(found):
    """AP50 and AP of each class, None where none is there."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def boxed(row):
        return [row[2], row[1], row[4] - row[2], row[3] - row[1]]

    truth = [
        {"image_id": i + 1, "category_id": int(row[0]) + 1, "bbox": boxed(row), "area": 1.0, "iscrowd": 0}
        for i, (rows, _) in enumerate(found)
        for row in rows
    ]
    truth = [{**one, "id": number + 1} for number, one in enumerate(truth)]
    said = [
        {"image_id": i + 1, "category_id": int(row[0]) + 1, "bbox": boxed(row), "score": float(row[5])}
        for i, (_, rows) in enumerate(found)
        for row in rows
    ]
    index = COCO()
    index.dataset = {
        "images": [{"id": i + 1} for i in range(len(found))],
        "annotations": truth,
        "categories": [{"id": k + 1, "name": str(k)} for k in range(CLASSES)],
        "info": {},
    }
    index.createIndex()
    judge = COCOeval(index, index.loadRes(said), "bbox")
    judge.evaluate()
    judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, -1]  # overlaps, recalls, classes; all areas, at most 100 boxes a picture
    given = [None if (precision[0, :, k] < 0).any() else k for k in range(CLASSES)]
    return {
        "ap50": [None if k is None else float(precision[0, :, k].mean()) for k in given],
        "ap": [None if k is None else float(precision[:, :, k].mean()) for k in given],
    }


if __name__ == "__main__":
    told = {case: coco(pictures(case)) for case in EVERY}
    if len(sys.argv) > 1:
        told["smears"] = coco(smears(Path(sys.argv[1])))
    told["made with"] = {name: version(name) for name in ("pycocotools", "numpy")}
    FILE.write_text(json.dumps(told, indent=1) + "\n")
