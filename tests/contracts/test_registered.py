"""Rules that hold for everything registered, of every kind."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest

from sequela import config, registry
from sequela.errors import ConfigError

EVERYTHING = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]
REQUIRED = {  # options without a default, and why
    ("baselines", "score"): {"code": "SCORE//SAPS-I"},  # there is no score of all data
    ("readers", "arrays"): {"rate_hz": 100.0},  # an array does not tell it
    ("readers", "survival"): {"unit": "days"},  # a unit on every time
}
EXTRAS = (
    "PIL",
    "wfdb",
    "h5py",
    "meds",
    "nibabel",
    "SimpleITK",
    "pydicom",
    "highdicom",
    "openslide",
    "tifffile",
    "lightning",
    "onnxruntime",
    "monai",
    "timm",
    "transformers",
)
WITH_TORCH = {"encoders", "tasks"}
IMPORTS_EACH = """
import json, sys
from sequela import registry
loaded = {}
for kind in ("readers", "modalities", "baselines", "encoders", "tasks"):  # those with torch last
    for name in registry.names(kind):
        before = set(sys.modules)
        registry.module(kind, name)
        loaded[f"{kind}/{name}"] = sorted({module.partition(".")[0] for module in set(sys.modules) - before})
print(json.dumps(loaded))
"""
everything = pytest.mark.parametrize(("kind", "name"), EVERYTHING, ids=str)


@everything
def test_the_first_line_of_its_docstring_says_what_it_is(kind: registry.Kind, name: str) -> None:
    summary = (registry.module(kind, name).__doc__ or "").partition("\n")[0]
    assert len(summary) > 20 and summary[0].isupper() and summary.endswith((".", ":", "?"))


@everything
def test_its_options_are_frozen_strict_and_have_defaults(kind: registry.Kind, name: str) -> None:
    options = registry.module(kind, name).Config
    settings = options.__struct_config__
    assert settings.frozen and settings.forbid_unknown_fields
    built = config.convert(REQUIRED.get((kind, name), {}), options, name)
    assert msgspec.convert(msgspec.to_builtins(built), options) == built, "options that do not survive being written down"


@everything
def test_an_unknown_option_is_refused(kind: registry.Kind, name: str) -> None:
    with pytest.raises(ConfigError, match="no_such_option"):
        config.options(kind, {"name": name, "no_such_option": 1, **REQUIRED.get((kind, name), {})}, "here")


@everything
def test_it_can_be_built_and_says_whether_its_output_changed(kind: registry.Kind, name: str) -> None:
    found = registry.module(kind, name)
    assert callable(found.build)
    if kind == "readers":
        assert isinstance(found.VERSION, int) and found.VERSION >= 1
    if kind == "modalities":
        assert found.State.__struct_config__.frozen


@pytest.mark.slow
def test_importing_what_is_registered_imports_no_extra_and_torch_only_where_it_computes() -> None:
    said = subprocess.run([sys.executable, "-W", "error", "-c", IMPORTS_EACH], capture_output=True, text=True, check=True)
    loaded = json.loads(said.stdout)
    assert len(loaded) == len(EVERYTHING)
    for name, packages in loaded.items():
        assert not set(packages) & set(EXTRAS), name
        assert "torch" not in packages or name.partition("/")[0] in WITH_TORCH, name


def test_listing_imports_each_and_shows_its_options() -> None:
    for kind in registry.KINDS:
        rows = registry.described(kind)
        assert [row["name"] for row in rows] == list(registry.names(kind))
        json.dumps(msgspec.to_builtins(rows))


@pytest.mark.parametrize("kind", registry.KINDS)
def test_a_name_that_there_is_none_of_is_told_in_the_singular(kind: registry.Kind) -> None:
    with pytest.raises(ConfigError, match=r"no (reader|modality|encoder|task|baseline) is called 'nobody'"):
        registry.module(kind, "nobody")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'gru_d'"):
        registry.module("encoders", "grud")
