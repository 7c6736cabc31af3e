"""A separator that is not the one of the labels leaves them without a hierarchy: tell it."""

import re
import shlex
import warnings
from collections.abc import Iterable
from typing import Any

_PATH = re.compile(r"[^/>|]*[^/>|\s](\s*[/>|]\s*)[^/>|\s]")


def warn_separator(labels: Iterable[Any], separator: str = ":") -> None:
    """Warn where labels look like paths with another separator."""
    texts = [label for label in labels if isinstance(label, str)]
    if any(str(separator) in label for label in texts):
        return
    found = [match for match in map(_PATH.match, texts) if match]
    if 2 * len(found) > len(texts):
        warnings.warn(
            f'labels look like "{found[0].string}": give --separator {shlex.quote(found[0][1])} '
            f"to train, which takes {str(separator)!r} for what is between names.",
            stacklevel=2,
        )
