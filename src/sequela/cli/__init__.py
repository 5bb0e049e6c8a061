"""The command line: one verb a file, free of logic. Data goes to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sequela import threads
from sequela.errors import SequelaError

VERBS = {
    "import": "import_",
    "size": "size",
    "check": "check",
    "run": "run",
    "report": "report",
    "predict": "predict",
    "monitor": "monitor",
    "generate": "generate",
    "evaluate": "evaluate",
    "compare": "compare",
    "explain": "explain",
    "drift": "drift",
    "robustness": "robustness",
    "simulate": "simulate",
    "list": "list_",
    "inspect": "inspect_",
    "schema": "schema",
    "doctor": "doctor",
}


class _Parser(argparse.ArgumentParser):
    """Wrong usage ends with exit code 2 and says which command explains it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\nhint: {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    from sequela import __version__

    top = _Parser(
        prog="sequela",
        description="Build, validate, explain and serve diagnostic models over clinical sequences.",
        epilog="example: sequela run studies/icu_mortality.toml --data set-a.tar.xz --out runs/icu",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"sequela {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, module in VERBS.items():
        verb = importlib.import_module(f"sequela.cli.{module}")
        doc = (verb.__doc__ or "").strip()
        sub = verbs.add_parser(
            name,
            help=doc.partition("\n")[0],
            description=doc,
            epilog=f"example: {verb.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.arguments(sub)
        sub.set_defaults(run=verb.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code (errors.py); without `argv`, the one that this process was started with."""
    arguments = parser().parse_args(argv)
    if argv is None:  # the process is ours: before torch is imported, idle workers are told to sleep
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # its own pool keeps what was used once
        threads.reexecute_if_needed()
    try:
        arguments.run(arguments)
    except SequelaError as error:
        return _say(error)
    except KeyboardInterrupt:
        sys.stderr.write("\nerror: interrupted; nothing that was finished is lost\n")
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as in `sequela list encoders | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _say(error: SequelaError) -> int:
    sys.stderr.write(f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
    return error.exit_code
