"""Reading the next batches in a thread while the network computes."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Row = TypeVar("Row")
Read = TypeVar("Read")

AHEAD = 2  # batches that are read, or wait, while the network computes


def read_ahead(fetch: Callable[[Row], Read], rows: Iterable[Row]) -> Generator[Read]:
    """Yield batches in order; a thread reads a few of them ahead."""
    left, coming = iter(rows), deque[Future[Read]]()
    with ThreadPoolExecutor(1, "read_ahead") as reader:
        try:
            coming.extend(reader.submit(fetch, part) for part in islice(left, AHEAD))
            while coming:
                batch = coming.popleft().result()
                coming.extend(reader.submit(fetch, part) for part in islice(left, 1))
                yield batch
                del batch  # its memory is for the next one
        finally:
            for future in coming:
                future.cancel()
