"""The nearest plausible change of what is known of a row that flips its answer (Wachter 2017, Harvard J. Law Technol. 31:841).

What cannot change stays as it is; numbers stay within what training had, and few features change at once. The network is asked
again about every change that is told. Read the files in this order:

    changes   Options, Change, Counterfactual: what may be asked, and what is told
    kept      which features stay as they are
    judge     what the network says of a row, and where its answer flips
    numbers   the search along the slopes, for measurements and static numbers
    moves     codes that are left out or added, and other categories
    search    counterfactuals: the nearest of all that was found
"""

from __future__ import annotations

from sequela.explain.counterfactual.changes import Change, Counterfactual, Options
from sequela.explain.counterfactual.judge import Judge
from sequela.explain.counterfactual.search import counterfactuals

__all__ = ["Change", "Counterfactual", "Judge", "Options", "counterfactuals"]
