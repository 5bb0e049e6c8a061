"""A run whose study asks for explanations: what its trust.json and its report hold of them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from sequela import config, pipeline
from sequela.config import Explain, Study
from sequela.errors import ConfigError
from sequela.evaluate.trusted import Trusted
from sequela.pipeline.trust import explanation
from sequela.store.store import Store


def asking(demo: Path, method: str) -> Study:
    return msgspec.structs.replace(config.load(demo), explain=Explain(method=method))


def test_a_method_that_there_is_not_or_that_is_refused_ends_the_run_before_training(demo: Path) -> None:
    explanation.check(config.load(demo))
    explanation.check(asking(demo, "integrated_gradients"))
    with pytest.raises(ConfigError, match="no method of explanation") as error:
        explanation.check(asking(demo, "integrated_gradient"))
    assert "integrated_gradients" in error.value.hint
    with pytest.raises(ConfigError) as error:
        explanation.check(asking(demo, "deep_explainer"))
    assert "recurrent" in error.value.hint


@pytest.mark.slow
def test_a_run_explains_its_rows_and_says_how_far_that_holds(
    demo: Path, ward: Store, small: tuple[str, ...], tmp_path: Path
) -> None:
    asked = (*small, "explain.rows=20", "explain.method=integrated_gradients")
    run = pipeline.run(demo, data=ward, out=tmp_path / "run", overrides=asked)
    found = msgspec.json.decode((run.folder / "trust.json").read_bytes(), type=Trusted).explanation
    assert (
        found is not None
        and found.reason == ""
        and (found.method, found.rows, found.part) == ("integrated_gradients", 20, "test")
    )
    assert found.checks.completeness is not None and found.checks.completeness.median < 0.2
    assert found.planted.reason in ("", "unlearnt") and found.planted.part == "tune"
    assert (found.scored is not None) == (found.planted.reason == "")
    assert found.matters and all((run.folder / one.file).is_file() for one in found.examples)
    page = run.report.read_text(encoding="utf-8")
    assert "Explanations, and whether they hold" in page and page.count('class="heat"') == len(found.examples)
