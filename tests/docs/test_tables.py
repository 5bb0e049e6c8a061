"""The page on one's own tables runs from its first block to its last, and shows what comes out.

A block of TOML that begins with a comment naming a file is that file; one that does not is what the command before it printed. A
block of text shows lines of that output, in order; … stands for what differs from machine to machine.
"""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sequela.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tables.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"# (\S+\.(?:py|toml))\n")


@dataclass
class Reader:
    """Does what the page says, in the folder where it is."""

    capture: pytest.CaptureFixture[str]
    output: str = ""
    did: list[str] = field(default_factory=list)

    def block(self, language: str, text: str) -> None:
        if (named := NAMED.match(text)) is not None:
            Path(named[1]).write_text(text, encoding="utf-8")
        elif language == "sh":
            for line in text.splitlines():
                self.command(line)
        elif language == "toml":
            assert self.output.strip() == text.strip()
        else:
            shown(text, self.output)

    def command(self, line: str) -> None:
        command, _, file = line.partition(" > ")
        words = shlex.split(command)
        self.did.append(" ".join(words[:2]))
        self.output = self.run(words)
        if file:
            Path(file).write_text(self.output, encoding="utf-8")

    def run(self, words: list[str]) -> str:
        if words[0] == "sequela":
            assert main(words[1:]) == 0, self.capture.readouterr().err
            return self.capture.readouterr().out
        if words[0] == "python":
            runpy.run_path(words[1])
            return headers()
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def headers() -> str:
    """The first line of each table, beside its name."""
    return "\n".join(
        f"{path.name:<14} {path.read_text().partition(chr(10))[0]}" for path in sorted(Path("records").glob("*.csv"))
    )


def shown(text: str, output: str) -> None:
    """Every line of the text is in the output, in order."""
    lines: Iterator[str] = iter(output.splitlines())
    for line in text.splitlines():
        pattern = ".*".join(re.escape(part.rstrip()) for part in line.split("…"))
        assert any(re.match(pattern, found.rstrip()) for found in lines), f"the page shows {line!r}, which does not come out"


def test_the_page_runs_from_its_tables_to_a_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    reader = Reader(capsys)
    for language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        reader.block(language, text)
    verbs = ["import", "import", "inspect", "check", "run", "predict"]
    assert [each for each in reader.did if each.startswith("sequela")] == [f"sequela {verb}" for verb in verbs]


def test_a_line_that_does_not_come_out_is_noticed() -> None:
    shown("a … c\nd", "a b c\nx\nd e")
    with pytest.raises(AssertionError, match="'e'"):
        shown("d\ne", "e\nd")
