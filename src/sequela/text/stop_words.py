"""Short words that say little by themselves. Those of negation, of doubt and of time stay: in a note they turn what is said.

"no fever" and "fever" differ by a stop word of most lists (no, not, without, never; 无, 不, 未, 没): here these are words like
any other, as are "may", "possible", "before", "after", and whom it concerns ("his", "her", "mother").
"""

from __future__ import annotations

from typing import Literal

from sequela.text.lists import spaced

ENGLISH = spaced("""
a an the this that these those of to in on at by for from with as into onto upon and or so than then there here it its is am
are was were be been being do does did doing has have had having i me my we us our you your he him she they them their what
which who whom s
""")
CHINESE = spaced("""
的 了 着 过 地 得 之 其 于 以 与 和 及 并 而 且 即 就 都 也 还 又 在 是 为 被 把 将 给 对 从 到 向 由 个 该 此 这 那 我 你
他 她 它 们 等
""")


def stop_words(language: Literal["en", "zh"]) -> frozenset[str]:
    """In lower case."""
    return ENGLISH if language == "en" else CHINESE
