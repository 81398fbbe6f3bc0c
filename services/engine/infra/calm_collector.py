"""The garbage collector under a load of many runs."""

import gc


def calm_collector() -> None:
    """Suit the garbage collector to the engine; called once, after it was put together."""
    # Two hundred runs keep a million small objects alive that form no cycles. With Python's
    # defaults the collector walks them all many times a second: half of the time of such a load.
    gc.collect()
    gc.freeze()
    # Two hundred runs under way are some 60,000 of them that are young.
    gc.set_threshold(200_000, 20, 100)
