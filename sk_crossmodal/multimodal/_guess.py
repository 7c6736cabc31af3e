"""Which columns of a table are modalities, unless the user names them: one rule for all tables.

A modality is a column of float frames. Integers, also 8-bit ones, may be label indices,
indicators, boxes or ids. Columns with a usual name of labels, ids, weights or times are none.
"""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WORDS = """
    annotation annotations bbox bboxes box boxes category categories class classes duration
    durations end ends fold folds fps genre genres group groups gt hot id ids idx index indices
    label labels length lengths mask masks multihot onehot rating ratings split start starts tag
    tags target targets time times timestamp timestamps truth weight weights y
"""
# Columns whose last word is one of these are none, such as "video_id" or "SampleWeight".
USUAL_NAMES = frozenset((WORDS + " annot annots prob probs score scores").split())
# The same for any word, such as "bboxes_xyxy".
WORDS_ANYWHERE = """
    bbox bboxes box boxes label labels multihot onehot target targets timestamp timestamps
"""
USUAL_WORDS = frozenset(WORDS_ANYWHERE.split())
UNITS = frozenset({"ms", "s", "sec", "seconds"})  # after a last word, as in "frame_times_s"
# The same for the first word, such as "labels_onehot" or "y_true".
USUAL_BEGINNINGS = frozenset({"label", "labels", "target", "targets", "y"})


@dataclass(frozen=True)
class ColumnKind:
    """Content of a column: `depth` nested lists per video, around floats, integers or others."""

    depth: int  # 0 for one number per video, 1 for one frame, 2 for frames
    kind: str  # "f", "i", or "" for neither

    @property
    def has_numbers(self) -> bool:
        """Whether a video has a list of numbers, at any depth."""
        return self.depth > 0 and bool(self.kind)


@dataclass(frozen=True)
class Guess:
    """The columns that are modalities, and why each other column of numbers is none."""

    chosen: list[Any]
    left_out: dict[Any, str]

    def require(self, title: str) -> "Guess":
        """Raise ValueError unless there is a modality."""
        if self.chosen:
            return self
        others = f": {_listed(self.left_out)}" if self.left_out else ""
        raise ValueError(
            f"{title} has no column of float frames{others}. Name the modalities in modalities."
        )

    def warn(self, title: str) -> None:
        """Say once which columns were chosen, and which were left out."""
        if self.left_out:
            warnings.warn(
                f"The modalities of {title} are {self.chosen}; left out are "
                f"{_listed(self.left_out)}. To choose others, name all in modalities.",
                UserWarning,
                stacklevel=2,
            )


def guess_modalities(columns: Mapping[Any, ColumnKind]) -> Guess:
    """Apply the rule to the columns of a table."""
    reasons = {name: _reason(name, kind) for name, kind in columns.items()}
    chosen = [name for name, reason in reasons.items() if not reason]
    left_out = {n: why for n, why in reasons.items() if why and _could_be_one(n, columns[n])}
    return Guess(chosen, left_out)


def _could_be_one(name: Any, column: ColumnKind) -> bool:
    """Whether users may take a column for a modality: it has numbers, and no plain ids."""
    return column.has_numbers or (bool(column.kind) and not bears_usual_name(name))


def _reason(name: Any, column: ColumnKind) -> str:
    """Return why a column is no modality, "" if it is one."""
    if bears_usual_name(name):
        return "named like labels, ids, weights or times"
    if column.depth == 0:
        return "no frames"
    if column.depth > 2:
        return f"lists nested {column.depth} deep"
    return "" if column.kind == "f" else "integers"


def bears_usual_name(name: Any) -> bool:
    """Whether a column has a name that labels, ids, weights or times usually have."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", str(name))
    words = [word.rstrip("0123456789") for word in re.findall(r"[^\W_]+", spaced)]
    words = [word.casefold() for word in words if word] or [""]
    if len(words) > 1 and words[-1] in UNITS:
        words.pop()
    inside = not USUAL_WORDS.isdisjoint(words)
    return inside or words[-1] in USUAL_NAMES or words[0] in USUAL_BEGINNINGS


def _listed(left_out: Mapping[Any, str]) -> str:
    return ", ".join(f"{name!r} ({why})" for name, why in left_out.items())
