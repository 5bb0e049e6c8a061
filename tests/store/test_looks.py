"""Looks at test rows: counted for each set of rows, never lost, never half written."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sequela.errors import DataError
from sequela.store.looks import count_look, keep_plan, kept_plan, looks, seen


def test_each_set_of_rows_has_its_own_count(tmp_path: Path) -> None:
    store = tmp_path / "a.store"
    assert looks(store, "rows") == 0
    assert [count_look(store, "rows", "study", "run") for _ in range(3)] == [1, 2, 3]
    assert count_look(store, "others", "study", "run") == 1
    assert (looks(store, "rows"), looks(store, "others"), looks(tmp_path / "b.store", "rows")) == (3, 1, 0)
    assert (tmp_path / "a.store.looks.json").is_file()


def test_no_look_is_lost_where_several_come_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: count_look(tmp_path / "a.store", "rows", "study", "run"), range(40)))
    assert sorted(counts) == list(range(1, 41))


def test_a_damaged_count_is_refused_rather_than_begun_again(tmp_path: Path) -> None:
    (tmp_path / "a.store.looks.json").write_text('{"rows": [')
    with pytest.raises(DataError, match="is damaged"):
        count_look(tmp_path / "a.store", "rows", "study", "run")


def test_a_look_keeps_the_hash_of_its_plan_and_older_files_still_read(tmp_path: Path) -> None:
    (tmp_path / "a.store.looks.json").write_text(
        '{"rows": [{"study": "s", "purpose": "run", "time": "2026-01-01T00:00:00+00:00"}]}'
    )
    assert count_look(tmp_path / "a.store", "rows", "s", "run", "hash") == 2
    assert [one.plan for one in seen(tmp_path / "a.store", "rows")] == ["", "hash"]


def test_a_kept_plan_that_was_altered_is_not_given(tmp_path: Path) -> None:
    content = b'{"a":1}'
    digest = hashlib.sha256(content).hexdigest()
    keep_plan(tmp_path / "a.store", digest, content)
    assert kept_plan(tmp_path / "a.store", digest) == content
    assert kept_plan(tmp_path / "a.store", "") is None and kept_plan(tmp_path / "a.store", "0" * 64) is None
    next((tmp_path / "a.store.plans").iterdir()).write_bytes(b"{}")
    assert kept_plan(tmp_path / "a.store", digest) is None
