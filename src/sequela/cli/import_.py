"""Turn raw records into a store.

Every record that cannot be read is refused with its name and reason and counted; the import goes on until the share of refused
records passes --max-refused. A killed import leaves the old store or none.
"""

from __future__ import annotations

import argparse

EXAMPLE = "sequela import physionet2012 set-a.tar.xz icu.store"


def arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("reader", metavar="READER", help="the source's format: see `sequela list readers`")
    verb.add_argument("source", metavar="SOURCE", help="a folder, file, zip or tar.xz")
    store = verb.add_argument("store", metavar="STORE", help="the store to write")
    verb.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the reader")
    verb.add_argument("--mapping", metavar="FILE", help="for csv: what the columns are, a TOML file")
    verb.add_argument("--guess", action=_Guess, store=store, help="for csv: print a mapping of SOURCE as TOML to edit; no STORE")
    verb.add_argument("--max-refused", type=float, default=0.1, metavar="SHARE", help="stop past this share (default 0.1)")
    verb.add_argument("--json", action="store_true", help="print the counts as JSON")


class _Guess(argparse.Action):
    """A flag with which no STORE need be given."""

    def __init__(self, option_strings: list[str], dest: str, store: argparse.Action, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=False, help=help)
        self._store = store

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: object = None
    ) -> None:
        namespace.guess = True
        self._store.required = False


def run(arguments: argparse.Namespace) -> None:
    from sequela import pipeline
    from sequela.cli import _show

    if arguments.guess:
        _show.line(pipeline.guess_mapping(arguments.reader, arguments.source))
        return
    store = pipeline.import_data(
        arguments.reader,
        arguments.source,
        arguments.store,
        options=pipeline.parsed_options(arguments.option, arguments.mapping),
        max_refused=arguments.max_refused,
        progress=pipeline.progress_bar(),
    )
    counts = pipeline.describe(store.path)
    if arguments.json:
        _show.as_json(counts)
    else:
        _show.line(pipeline.as_text(counts))
