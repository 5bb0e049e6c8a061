"""`python -m sequela`: the command line, for where the script `sequela` is not on the path."""

from __future__ import annotations

import sys

from sequela.cli import main

if __name__ == "__main__":
    sys.exit(main())
