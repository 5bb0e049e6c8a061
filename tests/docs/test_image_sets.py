"""What docs/images.md shows of picture files is read as it says: its sections are run over the sets that they name."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sequela import pipeline
from sequela.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "images.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("## Picture files and image sets\n")[2].partition("\n## ")[0]
SETS = {found["data"]["source"]: found["data"] for found in map(tomllib.loads, re.findall(r"```toml\n(.*?)```", SECTION, re.S))}
EXPECTED = {  # source -> events that its store has, parts
    "chase_db1": ({"IMAGE": 28, "MASK": 28, "SECOND": 28, "CHILD": 28, "EYE": 28}, {"train": 20, "test": 8}),
    "bccd/BCCD": (
        {"IMAGE": 364, "BOXES": 364, "BOX//RBC": 4153, "BOX//WBC": 372, "BOX//Platelets": 361, "LABEL//count_RBC": 364},
        {"train": 205, "tune": 87, "test": 72},
    ),
    "dsb2018": ({"IMAGE": 538, "MASK": 538, "LABEL//count_MASK": 538, "KIND": 538, "SIZE": 538}, {}),
}


def test_every_set_of_the_page_is_tried() -> None:
    assert SETS.keys() == EXPECTED.keys()


@pytest.mark.slow
@pytest.mark.parametrize("source", SETS)
def test_a_section_of_the_page_reads_its_set_whole(source: str, real_data: Callable[[str], Path], tmp_path: Path) -> None:
    data: dict[str, Any] = SETS[source]
    folder = real_data(source.partition("/")[0]).parent / source
    store = pipeline.import_data(data["reader"], folder, tmp_path / "it.store", options=data["options"])
    events, parts = EXPECTED[source]
    assert {code: store.events([code]).height for code in events} == events
    found = pipeline.describe(store.path)
    assert (found["parts"] or {}) == parts


def test_the_commands_of_the_page_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("openslide")
    monkeypatch.chdir(tmp_path)
    for folder in ("pictures/sick", "slides"):
        Path(folder).mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("pictures/sick/1.png")
    stained = np.full((512, 512, 3), 240, np.uint8)
    stained[:256, :256] = [180, 60, 140]
    pixels = {"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite("slides/1.tif", stained, tile=(256, 256), photometric="rgb", metadata=None, **pixels)
    commands = re.findall(r"^(?:sequela )(import .*)$", SECTION, re.M)
    assert len(commands) == 2
    for command in commands:
        assert main(shlex.split(command)) == 0
    assert "TILE: 1" in capsys.readouterr().out
