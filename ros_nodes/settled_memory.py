"""`settle_memory`: what is loaded by now is looked through by the garbage collector once, and not again."""

from __future__ import annotations

import gc


def settle_memory() -> None:
    """Free what nothing holds any more, and leave the rest out of later collections.

    Beside torch a full collection takes a quarter of a second, in which every thread stands still: six steps of a
    policy at 25 Hz. For the moment at which a node has loaded all it needs; again after it has loaded something else.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
