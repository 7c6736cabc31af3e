"""Each claim of the paper's Sections 1, 3 and 5, and ours, beside what was found here."""

from dataclasses import dataclass

import paper_numbers
import settings
from cells import plain_interval
from comparisons import (
    category_spread,
    false_alarms,
    gain,
    gain_between_families,
    gain_beyond_quarter,
    gain_by_depth,
    gain_by_third_layer,
    irrelevant_called,
    lead_of_transformer,
    paper_gain,
    paper_gain_by_depth,
    tower_change,
    tower_rate,
    true_negatives,
)
from intervals import Estimate, combine, estimate
from plan import SHARED_TOWER, tower_name

RULE = (
    "A claim is put as a figure that should be above zero (or above the number it names, or "
    "below zero where it says so). It **holds** if the whole 95 % interval lies on that side, "
    "**does not hold** if the whole interval lies on the other, and is **within noise** "
    "otherwise. One interval in twenty misses its mark, so of this many claims some verdicts are "
    "owed to chance."
)
UNTESTABLE = "cannot be tested here"
OPPOSITE = {"holds": "does not hold", "does not hold": "holds"}


@dataclass
class Finding:
    """One row of the claims table."""

    claim: str
    place: str
    model: str
    paper: str
    found: Estimate | None
    threshold: float = 0.0
    below: bool = False  # whether the claim is that the figure is below the threshold

    @property
    def verdict(self):
        """What the rule says."""
        if self.found is None:
            return UNTESTABLE
        verdict = self.found.verdict(self.threshold)
        return OPPOSITE.get(verdict, verdict) if self.below else verdict


PAIRS = (  # claim, where, the worse row, the better row
    ("late fusion beats early fusion", "5.2, 5.3; Tables 4, 8", "E", "L"),
    ("influence of attention beats late fusion, without a tower", "1 (1)", "L", "CM"),
    ("gated influence beats late fusion", "5.2, 5.3; Tables 4, 8", "L", "CM-G"),
    ("concatenated influence beats late fusion", "1 (5), 5; Tables 4, 8", "L", "CM-C"),
    ("concatenating beats gating", "1 (6), 3, 5.2", "CM-G", "CM-C"),
    ("the tower improves the influence", "1 (2), 3", "CM", "CM-C"),
    ("a soft gate beats a hard one", "ours", "CM-G", "CM-G soft"),
    ("not only p: concatenated influence beats late fusion with p", "ours", "L+p", "CM-C"),
    ("it takes the *other* modality's attention", "ours", "CM-C self", "CM-C"),
)


def findings(results):
    """Return all findings about a data set, those about models first."""
    return [
        *_of_pairs(results),
        *_of_baselines(results),
        *_of_families(results),
        *_between_families(results),
        *_of_towers(results),
        *_of_truth(results),
        _of_depth(results),
    ]


def _of_pairs(results):
    for claim, place, worse, better in PAIRS:
        for family in results.families:
            found = estimate(gain(results, f"{family}-{worse}", f"{family}-{better}"))
            paper = _points(paper_gain(family, worse, better))
            yield Finding(f"{claim} ({worse} minus {better})", place, family, paper, found)


def _of_baselines(results):
    for baseline in results.baselines():
        for row in ("L", "CM-C"):
            claim = f"{row} beats the baseline {baseline} ({baseline} minus {row})"
            for family in results.families:
                found = estimate(gain(results, baseline, f"{family}-{row}"))
                yield Finding(claim, "ours", family, "-", found)


def _of_families(results):
    for family in results.families:
        claim = "CM-C's error is at most 0.75 of L's (0.75 L minus CM-C)"
        yield Finding(claim, "ours", family, "-", gain_beyond_quarter(results, family))
    for family in results.families:
        found = gain_by_depth(results, family)
        claim = "the gain of CM-C over L grows down the hierarchy: points a level"
        paper = _points(paper_gain_by_depth(family))
        yield Finding(claim, "5.2; Tables 4, 8", family, paper, found)
    for family in results.families:
        found = category_spread(results, family)
        claim = (
            "categories differ in gain: that of the best minus that of the worst, both chosen on "
            "other data than measured on (the paper's figure is its plain maximum minus minimum)"
        )
        paper = _points(_paper_spread(family))
        yield Finding(claim, "1 (6), 5.2; Tables 5, 9", family, paper, found)


def _between_families(results):
    if {"NV", "TM"} <= set(results.families):
        paper = _points(paper_numbers.gap("NV", "L") - paper_numbers.gap("TM", "L"))
        claim = "the Transformer is the stronger baseline: NV-L minus TM-L"
        yield Finding(claim, "5.3", "NV, TM", paper, lead_of_transformer(results))
        paper = _points(paper_gain("NV", "L", "CM-C") - paper_gain("TM", "L", "CM-C"))
        claim = "NetVLAD gains more (L minus CM-C) than the Transformer"
        yield Finding(claim, "5.3", "NV, TM", paper, gain_between_families(results))


def _paper_spread(family):
    if family not in paper_numbers.CATEGORY_ERRORS:
        return None
    pairs = zip(*paper_numbers.CATEGORY_ERRORS[family], strict=True)
    gains = [late - concat for late, concat in pairs]
    return max(gains) - min(gains)


def _of_towers(results):
    tower, paper = SHARED_TOWER, paper_numbers.TOWER
    plain, heavy = tower_name(1), tower_name(max(settings.NEGATIVE_WEIGHTS))
    rest = (lambda rate: 100 - rate,)
    accuracy = estimate(combine(*rest, tower_rate(results, tower, "error")))
    called = estimate(combine(*rest, tower_rate(results, tower, "fnr")))

    def change(rate, one, other):
        return estimate(tower_change(results, rate, one, other))

    text = "the tower's accuracy on held-out pairs is at least 92 %"
    printed = f"{paper['accuracy']:.1f} %"
    yield Finding(text, "5.1", "tower", printed, accuracy, paper["accuracy"])
    text = "over 90 % of matching pairs are called correlated"
    yield Finding(text, "5.1; Figure 9", "tower", f"{100 - paper['fnr']:.1f} %", called, 90.0)
    shared, most = settings.SHARED_WEIGHT, max(settings.NEGATIVE_WEIGHTS)
    text = f"a negative weight above 1 reduces the overall error: weight 1 minus weight {shared:g}"
    yield Finding(text, "5.1; Figure 8", "tower", "-", change("error", plain, tower))
    text = f"it lowers the FPR: weight 1 minus weight {most:g}"
    yield Finding(text, "5.1; Figure 8", "tower", "-", change("fpr", plain, heavy))
    text = f"and pays in FNR: weight {most:g} minus weight 1"
    yield Finding(text, "5.1; Figure 8", "tower", "-", change("fnr", heavy, plain))


def _of_truth(results):
    """Of what is known only of made-up videos: whether their audio is relevant."""
    text = "false negatives are true ones: irrelevant audio among them minus among all videos"
    yield Finding(text, "3, 5.1; Table 1", "tower", "-", estimate(true_negatives(results)))
    text = "over 80 % of videos with irrelevant audio get p < 0.5"
    if alarms := estimate(false_alarms(results)):
        text += f"; false alarms: of those with relevant audio {plain_interval(alarms)} % do"
    yield Finding(text, "ours", "tower", "-", estimate(irrelevant_called(results)), 80.0)


def _of_depth(results):
    """Compare three layers of F with two over the folds of the search."""
    found = gain_by_third_layer(results)
    text = (
        "a third layer of F gains nothing: error of two layers minus that of three is *below* "
        "zero (within noise: no gain is seen, none is ruled out; over folds that share training "
        "videos, with a tower that has seen all of them)"
    )
    return Finding(text, "4.2", "F of TM", "no gain", found, below=True)


def _points(value):
    return "-" if value is None else f"{value:+.2f}"
