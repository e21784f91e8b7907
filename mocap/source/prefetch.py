"""Prefetching: a background thread makes items before they are needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def prefetch(items: Iterable[Item], depth: int = 4) -> Generator[Item, None, None]:
    """Make up to ``depth`` items in advance, in a background thread.

    Parameters
    ----------
    items : iterable
        Iterated over in the thread.
    depth : int
        How many items are made in advance.

    Yields
    ------
    item
        The same items in the same order. An error is raised at the position of the item that failed.

    Notes
    -----
    Closing the generator (also by Ctrl-C in the consumer) waits for the item in progress, ends the thread and closes
    ``items``.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as thread:
        ahead = deque(thread.submit(next, source, _END) for _ in range(max(1, depth)))
        try:
            while (item := ahead.popleft().result()) is not _END:
                ahead.append(thread.submit(next, source, _END))
                yield item  # type: ignore[misc]
        finally:
            for future in ahead:
                future.cancel()
            close = getattr(source, "close", None)
            if close is not None:
                thread.submit(close).result()  # in the thread that ran it: a generator is busy until that is idle
