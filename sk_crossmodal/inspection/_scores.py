"""The scores that comparisons, plots and reports show, by the name that users type."""

from typing import NamedTuple


class _Score(NamedTuple):
    name: str
    heading: str
    description: str


SCORES = {
    score.name: score
    for score in (
        _Score(
            "gap",
            "GAP",
            "GAP is the average precision of the 20 best labels of all videos together.",
        ),
        _Score(
            "map",
            "MAP",
            "MAP is the average precision of the videos ranked for one label, averaged over "
            "labels.",
        ),
        _Score(
            "perr",
            "PERR",
            "PERR is the precision among as many best labels as the video has true ones.",
        ),
        _Score("hit_at_1", "Hit@1", "Hit@1 is the share of videos whose best label is true."),
    )
}
