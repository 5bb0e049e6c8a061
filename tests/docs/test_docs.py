"""What the documentation shows is what happens: its examples run, its made pages are as made, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest

from sequela import config, registry
from sequela.cli import VERBS, parser
from sequela.types import Seq, Spec

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def latest(tmp_path: Path) -> ModuleType:
    """The encoder of docs/extend.md, from the very text of the page."""
    path = tmp_path / "latest.py"
    path.write_text(blocks("docs/extend.md", "python")[0], encoding="utf-8")
    return module("latest_of_the_docs", path)


def sequence(length: int, lengths: tuple[int, ...]) -> Seq:
    import torch

    mask = torch.arange(length)[None] < torch.tensor(lengths)[:, None]
    values = torch.linspace(-1, 1, len(lengths) * 3).reshape(-1, 1, 3).expand(-1, length, -1) * mask[..., None]
    return Seq(values=values, mask=mask, position=torch.zeros(mask.shape, dtype=torch.float64))


def test_the_encoder_of_the_page_is_built_from_its_options(latest: ModuleType) -> None:
    encoder = latest.build(Spec("measurements", (3,), "days"), msgspec.convert({"width": 5}, latest.Config))
    assert encoder.width == 5 and tuple(encoder(sequence(4, (4, 2, 0))).pooled.shape) == (3, 5)


def test_the_encoder_of_the_page_keeps_the_contract_on_padding(latest: ModuleType) -> None:
    encoder = latest.build(Spec("measurements", (3,), "days"), latest.Config())
    short, long = encoder(sequence(4, (4, 2, 0))).pooled, encoder(sequence(9, (4, 2, 0))).pooled
    np.testing.assert_allclose(short.detach().numpy(), long.detach().numpy(), atol=1e-6)


def test_the_encoder_of_the_page_refuses_what_it_cannot_read(latest: ModuleType) -> None:
    from sequela.errors import ConfigError

    with pytest.raises(ConfigError, match="rows of numbers"):
        latest.build(Spec("image", (1, 28, 28), "index"), latest.Config())


def test_the_study_of_the_readme_is_a_study() -> None:
    study = config.convert(tomllib.loads(blocks("README.md", "toml")[1]), config.Study)
    assert study.inputs["chart"].encoder == "gru_d" and study.outcome.within == "30d"


def test_the_study_page_is_as_its_script_makes_it() -> None:
    made = module("study_page", ROOT / "tools" / "study_page.py").page()
    assert (ROOT / "docs" / "study.md").read_text(encoding="utf-8") == made


def test_the_study_page_has_every_key() -> None:
    text = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
    for section in (config.Study, config.Data, config.Cohort, config.Outcome, config.Split, config.Train, config.Evaluate):
        for name in section.__struct_fields__:
            assert f"| `{name}` |" in text


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run folder, as far as its result is concerned."""
    common = {"part": "test", "split": "split-1", "class": "", "group": "", "n": 10, "events": 3, "threshold": None}
    auroc = {**common, "metric": "auroc", "model": "model", "against": ""}
    rows = [
        {**auroc, "value": 0.8123, "low": 0.7, "high": 0.9},
        {**auroc, "model": "baseline:boosting", "value": 0.8323, "low": 0.75, "high": 0.95},
        {**auroc, "value": -0.02, "low": -0.05, "high": 0.01, "against": "baseline:boosting"},
        {**auroc, "part": "tune", "value": 0.9999, "low": 0.9, "high": 1.0},
        {**auroc, "group": "sex=F", "value": 0.1111, "low": 0.1, "high": 0.2},
    ]
    part = {"rows": 10, "subjects": 9, "events": 3}
    split = {"name": "split-1", "parts": {"train": part, "tune": part, "test": part}, "looks": 2, "cpu_seconds": 12.3}
    facts = {
        "version": "0.1.0", "date": "2026-01-02T03:04:05", "commit": "abcdef01234", "versions": {"python": "3", "torch": "2"},
        "machine": {"cores": "2"}, "data": {"reader": "csv", "hash": "0123456789abcdef00", "source": "/home/me/records"},
        "splits": [split], "overlap": "", "parameters": 1234, "cpu_seconds": 12.3, "test_opened": True,
    }  # fmt: skip
    for name, value in (("metrics.json", rows), ("run.json", facts)):
        (tmp_path / name).write_bytes(msgspec.json.encode(value))
    (tmp_path / "study.toml").write_text('name = "icu"\nquestion = "Will they?"\n[task]\nname = "binary"\n', encoding="utf-8")
    return tmp_path


def test_a_run_s_numbers_come_to_the_results_page_as_they_were_measured(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, results = module("record", ROOT / "studies" / "record.py"), module("results_page", ROOT / "bench" / "results.py")
    monkeypatch.setattr(recording, "RESULTS", tmp_path / "results")
    shown = results.study(recording.record(finished))
    assert "| model | 0.812 (0.700 to 0.900) |" in shown and "| boosting (baseline) | 0.832 (0.750 to 0.950) |" in shown
    assert "| model less boosting (baseline) | −0.020 (−0.050 to 0.010) |" in shown
    assert (
        "Judged on 10 test rows of 9 subjects; test was opened 2 times." in shown and "1,234 parameters, 12 CPU-seconds" in shown
    )
    assert "0.111" not in shown and "1.000" not in shown, "numbers of a group, or of the tune part"
    assert "/home" not in (tmp_path / "results" / "icu.json").read_text(encoding="utf-8")


def test_a_run_that_never_opened_test_is_not_recorded(finished: Path) -> None:
    facts = msgspec.json.decode((finished / "run.json").read_bytes())
    (finished / "run.json").write_bytes(msgspec.json.encode({**facts, "test_opened": False}))
    with pytest.raises(SystemExit, match="never opened"):
        module("record", ROOT / "studies" / "record.py").record(finished)


def test_the_results_page_is_as_its_script_makes_it() -> None:
    assert (ROOT / "docs" / "results.md").read_text(encoding="utf-8") == module(
        "results_page", ROOT / "bench" / "results.py"
    ).page()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize(
    ("kind", "page", "section"),
    [
        ("modalities", "choose.md", "## Input"),
        ("encoders", "choose.md", "## Encoder"),
        ("tasks", "choose.md", "## Task"),
        ("readers", "choose.md", "## Reader"),
        ("baselines", "baselines.md", "# Baselines"),
    ],
)
def test_everything_registered_is_on_the_page_that_helps_to_choose(kind: registry.Kind, page: str, section: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").partition(f"{section}\n")[2].partition("\n## ")[0]
    assert not [name for name in registry.names(kind) if f"`{name}`" not in text]


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "index.md").read_text(encoding="utf-8")
    for page in sorted(folder.glob("0*.md")):
        title = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").replace(". ", " · ", 1)
        assert f"- [{title}]({page.name})" in index


def commands(page: Path) -> list[str]:
    """The commands of the package that a page shows, in blocks and within lines."""
    text = page.read_text(encoding="utf-8")
    lines = [
        line.strip() for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE) for line in block.splitlines()
    ]
    inline = re.findall(r"`(sequela [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [" ".join(one.split()) for one in [*lines, *inline] if one.startswith("sequela ")]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_every_command_that_a_page_shows_can_be_given(page: Path) -> None:
    for shown in commands(page):
        words = shlex.split(shown.partition(" > ")[0], comments=True)[1:]
        if words[1:]:
            parser().parse_args(words)  # ends with exit code 2 where it cannot
        else:
            assert words[0] in VERBS or words == ["--help"]


@pytest.mark.parametrize("page", ["docs/baselines.md", "docs/concepts.md", "docs/index.md", "docs/pretraining.md"])
def test_parts_of_a_study_that_a_page_shows_are_read(page: str) -> None:
    whole = tomllib.loads(blocks("README.md", "toml")[1])
    for block in blocks(page, "toml"):
        study = config.convert({**whole, **tomllib.loads(block)}, config.Study)
        for named in study.baselines.names or ():
            config.options("baselines", named, "baselines.names")


def test_the_demo_is_a_study_whose_names_are_registered() -> None:
    study = config.load(ROOT / "studies" / "demo.toml")
    for named in study.baselines.names or ():
        config.options("baselines", named, "baselines.names")
    assert config.choice(study.inputs["chart"].encoder, "encoder").name in registry.names("encoders")


def test_the_examples_of_code_systems_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drugs.csv").write_text(blocks("docs/code-systems.md", "csv")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for block in blocks("docs/code-systems.md", "python"):
        exec(compile(block, "docs/code-systems.md", "exec"), {})
