"""`python -m sequela`."""

import sys

from sequela.cli import main

sys.exit(main())
