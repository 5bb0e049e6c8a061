"""Imports: cached on content, atomic under kill -9, clear on a full disk."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.store import open_store, place
from sequela.store.cache import imported, ingest

SCRIPT = """
import sys
from test_cache import Lines
from sequela.store.cache import ingest
print("ready", flush=True)
ingest(Lines(), "lines", 1, sys.argv[1], sys.argv[2])
print("done", flush=True)
"""


class Lines:
    """A reader of lines `subject,number`; it counts how often it was used, and refuses what is no number."""

    used = 0

    def read(self, source: Source, sink: Sink) -> None:
        type(self).used += 1
        sink.code("X", "measurement")
        for name in source.files("*.txt"):
            frame = pl.read_csv(source.read(name), has_header=False, new_columns=["source_id", "raw"], infer_schema=False)
            frame = frame.with_columns(numeric_value=pl.col("raw").cast(pl.Float32, strict=False))
            for row in frame.filter(pl.col("numeric_value").is_null()).iter_rows():
                sink.refuse(f"{name} {row[0]}", "no number")
            good = frame.filter(pl.col("numeric_value").is_not_null()).drop("raw")
            sink.events(good.with_columns(time=pl.lit(datetime(2020, 1, 1), pl.Datetime("us")), code=pl.lit("X")))
            sink.accept(len(good))


def source(path: Path, text: str = "1,1.5\n2,2.5\n") -> Path:
    path.mkdir(exist_ok=True)
    (path / "a.txt").write_text(text)
    return path


def use() -> Callable[[], int]:
    """How often the reader was used from now on."""
    before = Lines.used
    return lambda: Lines.used - before


# ------------------------------------------------------------------------------------------------------------------------ cache


def test_the_same_content_is_imported_once_wherever_it_lies(tmp_path: Path) -> None:
    used = use()
    first = imported("lines", Lines(), 1, source(tmp_path / "one", "1,7\n"))
    second = imported("lines", Lines(), 1, source(tmp_path / "two", "1,7\n"))
    assert first == second
    assert used() == 1
    assert open_store(first).events()["numeric_value"].to_list() == [7.0]


def test_changed_content_at_the_same_path_is_imported_anew(tmp_path: Path) -> None:
    first = imported("lines", Lines(), 1, source(tmp_path / "one", "1,8\n"))
    stamp = (tmp_path / "one" / "a.txt").stat()
    source(tmp_path / "one", "1,9\n")
    os.utime(tmp_path / "one" / "a.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    second = imported("lines", Lines(), 1, tmp_path / "one")
    assert open_store(first).events()["numeric_value"].to_list() == [8.0]
    assert open_store(second).events()["numeric_value"].to_list() == [9.0]


def test_reader_version_and_options_are_part_of_the_key(tmp_path: Path) -> None:
    folder = source(tmp_path / "one", "1,10\n")
    paths = [
        imported("lines", Lines(), 1, folder),
        imported("lines", Lines(), 2, folder),
        imported("other", Lines(), 1, folder),
        imported("lines", Lines(), 1, folder, {"a": 1}),
        imported("lines", Lines(), 1, folder, {"a": 1, "b": 2}),
    ]
    assert len(set(paths)) == 5
    assert imported("lines", Lines(), 1, folder, {"b": 2, "a": 1}) == paths[-1]


def test_a_damaged_store_in_the_cache_is_made_anew(tmp_path: Path) -> None:
    kept = imported("lines", Lines(), 1, source(tmp_path / "one", "1,11\n"))
    (kept / "data" / "0000.parquet").unlink()
    used = use()
    assert imported("lines", Lines(), 1, tmp_path / "one") == kept
    assert used() == 1
    assert len(open_store(kept).events()) == 1


def test_a_cached_store_with_more_refused_records_than_now_allowed_is_refused(tmp_path: Path) -> None:
    folder = source(tmp_path / "one", "1,12\n2,x\n")
    imported("lines", Lines(), 1, folder, max_refused=0.5)
    with pytest.raises(DataError, match="1 of 2 records were refused"):
        imported("lines", Lines(), 1, folder, max_refused=0.1)


# -------------------------------------------------------------------------------------------------------------------- atomicity


def test_writers_of_one_store_take_turns(tmp_path: Path) -> None:
    folders = [source(tmp_path / str(k), f"{k},1\n") for k in range(6)]
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda folder: ingest(Lines(), "lines", 1, folder, tmp_path / "a.store").path, folders))
    assert set(stores) == {tmp_path / "a.store"}
    assert open_store(tmp_path / "a.store").subjects["subject_id"].item() in range(6)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["0", "1", "2", "3", "4", "5", "a.store"]


def test_a_failed_import_leaves_the_old_store_and_nothing_else(tmp_path: Path) -> None:
    old = ingest(Lines(), "lines", 1, source(tmp_path / "one"), tmp_path / "a.store")
    with pytest.raises(DataError, match="records were refused"):
        ingest(Lines(), "lines", 1, source(tmp_path / "two", "1,x\n"), tmp_path / "a.store")
    assert open_store(tmp_path / "a.store").content_hash == old.content_hash
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["a.store", "one", "two"]


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    class Interrupted:
        def read(self, source: Source, sink: Sink) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(Interrupted(), "lines", 1, source(tmp_path / "one"), tmp_path / "a.store")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["one"]


def test_an_import_replaces_the_store_before_it(tmp_path: Path) -> None:
    ingest(Lines(), "lines", 1, source(tmp_path / "one"), tmp_path / "a.store")
    ingest(Lines(), "lines", 1, source(tmp_path / "one", "5,5\n"), tmp_path / "a.store")
    assert open_store(tmp_path / "a.store").subjects["subject_id"].to_list() == [5]


def test_without_an_exchange_by_the_system_a_store_is_replaced_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_swap", lambda one, other: False)
    test_an_import_replaces_the_store_before_it(tmp_path)
    assert not list(tmp_path.glob(".*.replaced"))


def test_a_store_set_aside_by_a_killed_import_is_put_back(tmp_path: Path) -> None:
    ingest(Lines(), "lines", 1, source(tmp_path / "one"), tmp_path / "a.store")
    (tmp_path / "a.store").rename(tmp_path / ".a.store.replaced")
    assert len(open_store(tmp_path / "a.store").events()) == 2


@pytest.mark.slow
def test_kill_at_any_moment_leaves_the_old_store_or_the_new_one(tmp_path: Path) -> None:
    """20 imports over an existing store, each killed at a moment drawn from the time that an import takes."""
    old = ingest(Lines(), "lines", 1, source(tmp_path / "old"), tmp_path / "a.store").content_hash
    text = "".join(f"{k % 1000},{k % 97}\n" for k in range(150_000))
    many = source(tmp_path / "many", text)
    new = ingest(Lines(), "lines", 1, many, tmp_path / "b.store").content_hash
    whole = timed(many, tmp_path / "c.store")
    draw, seen = random.Random(0), []
    for _ in range(20):
        process = started(many, tmp_path / "a.store")
        time.sleep(draw.uniform(0, 1.1 * whole))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        found = open_store(tmp_path / "a.store")
        assert len(found.events()) == found.manifest.events
        seen.append(found.content_hash)
        if seen[-1] == new:
            ingest(Lines(), "lines", 1, tmp_path / "old", tmp_path / "a.store")
    assert set(seen) <= {old, new}
    assert old in seen
    ingest(Lines(), "lines", 1, many, tmp_path / "a.store")
    assert not list(tmp_path.glob(".a.store.importing-*"))


def started(folder: Path, store: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(folder), str(store)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def timed(folder: Path, store: Path) -> float:
    process = started(folder, store)
    begun = time.monotonic()
    with process:
        process.wait()
    return time.monotonic() - begun


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """The largest file that the process may write stands in for the disk's room."""
    folder = source(tmp_path / "one", "".join(f"{k},{k * 1.37}\n" for k in range(50_000)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(DataError, match=r"importing .*one failed: .*too large") as refused:
            ingest(Lines(), "lines", 1, folder, tmp_path / "a.store")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert "room on the disk" in refused.value.hint
    shutil.rmtree(folder)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
