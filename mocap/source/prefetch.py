"""Work done ahead of its use, in a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def prefetch(items: Iterable[Item], depth: int = 4) -> Generator[Item, None, None]:
    """The same items in the same order, up to ``depth`` of them made ahead in a background thread.

    Errors come out where the item would have. Closing the generator (also by Ctrl-C in the consumer) waits for the
    one item being made, ends the thread and closes the source.
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
