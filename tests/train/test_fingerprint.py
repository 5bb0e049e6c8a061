from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import ConfigError
from sequela.train.fingerprint import fingerprint, refuse_change
from sequela.types import Spec


def changed_rows(rows: Evidence) -> dict[str, Evidence]:
    ragged = rows.inputs["chart"]
    values = np.array(ragged.values[np.arange(ragged.offsets[-1])])
    values[0, 0] += 1
    return {
        "rows": replace(rows, row_id=rows.row_id[::-1]),
        "labels": replace(rows, target=replace(rows.target, values=1 - rows.target.values)),
        "values": replace(rows, inputs={"chart": replace(ragged, values=values)}),
        "inputs": replace(rows, specs={"chart": Spec("measurements", (3,), "seconds")}),
    }


@pytest.mark.parametrize("name", ["rows", "labels", "values", "inputs"])
def test_changed_rows_are_named(name: str, study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    rows = evidence(20, 0)
    with pytest.raises(ConfigError, match=f"another training: the train part's {name} are not the same$".replace("$", "\n")):
        refuse_change(fingerprint(study(), rows, rows), fingerprint(study(), changed_rows(rows)[name], rows))


def test_changed_settings_are_named_with_both_values(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    rows = evidence(20, 0)
    other = structs.replace(study(schedule={"name": "cosine"}), fuse="gated")
    with pytest.raises(
        ConfigError, match=r'fuse was "concat", now it is "gated"; train\.schedule\.name was "constant", now it is "co'
    ):
        refuse_change(fingerprint(study(), rows, rows), fingerprint(other, rows, rows))


@pytest.mark.parametrize("free", [{"checkpoint_seconds": 1.0}, {"members": 3}, {"final": "refit"}])
def test_what_changes_nothing_in_the_training_may_change(
    free: dict[str, Any], study: Callable[..., Study], evidence: Callable[..., Evidence]
) -> None:
    rows = evidence(20, 0)
    refuse_change(fingerprint(study(), rows, rows), fingerprint(study(**free), rows, rows))


def test_a_label_that_is_not_known_may_be_anything(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    rows = evidence(20, 0)
    known = np.arange(20)[:, None] > 3
    hidden = [replace(rows, target=replace(rows.target, known=known, values=np.where(known, 1.0, x))) for x in (0.0, np.nan)]
    assert fingerprint(study(), hidden[0], None) == fingerprint(study(), hidden[1], None)
