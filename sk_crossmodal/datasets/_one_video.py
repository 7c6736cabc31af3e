"""Whether files with named arrays are one video each, or several videos each."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ._layouts import LENGTHS, Content, find_key


def are_one_video_each(
    contents: Iterable[Content], labels: str | None, ids: str | None, *, alone: bool = False
) -> bool:
    """Whether these files are one video each; `alone` if there is only one file.

    Without labels and ids, arrays (T, d) or (d,) are one video. One label or id says that there
    is one video, also in a file that is alone. A list of labels, or a row of an indicator, is
    that of one video if it is not as long as there are rows of frames, in all of the files.
    """
    found = False
    for content in contents:
        signs = _signs(content, labels or "labels", ids or "id")
        if signs is None or "several" in signs:
            return False
        if not signs or "one" in signs:
            return bool(signs) or not alone
        found = found or "unequal" in signs
    return found and not alone


def _signs(content: Content, labels: str, ids: str) -> set[str] | None:
    """Return what labels and ids say; None if the arrays cannot be those of one video."""
    keys = [key for key in (find_key(content, labels), find_key(content, ids)) if key is not None]
    frames = [value for key, value in content.items() if key not in keys]
    counts = any(key.endswith(LENGTHS) and np.ndim(value) for key, value in content.items())
    if counts or not all(_may_be_frames(value) for value in frames):
        return None
    rows = {len(value) for value in frames if np.ndim(value) == 2}
    return {_sign(content[key], rows) for key in keys}


def _may_be_frames(value: Any) -> bool:
    return not isinstance(value, Mapping | list) and np.ndim(value) <= 2


def _sign(value: Any, rows: set[int]) -> str:
    """Say whether a label or id is that of one video: "one", "unequal", "open" or "several"."""
    if isinstance(value, Mapping):
        return "several"
    if not isinstance(value, list) and np.ndim(value) == 0:
        return "one"
    if len(value) == 1 and rows != {1}:
        return "one"
    if len(value) not in rows:
        return "several" if np.ndim(value) > 1 else "unequal"
    is_binary = np.asarray(value).dtype.kind in "biuf" and set(np.unique(value).tolist()) <= {0, 1}
    return "open" if len(value) == 1 or is_binary else "several"
