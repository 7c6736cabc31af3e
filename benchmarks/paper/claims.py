"""The claims of the paper's Sections 1, 3 and 5, and our own, with our results."""

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
    "Each claim is a number that should be above zero (or above the given threshold, or below "
    "zero where stated). It **holds** if the whole 95 % interval is on that side, **does not "
    "hold** if the whole interval is on the other side, and is **within noise** otherwise. One "
    "interval in twenty does not contain the true value, so some of these results are random."
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
    below: bool = False  # whether the value should be below the threshold

    @property
    def outcome(self):
        """The result of the rule."""
        if self.found is None:
            return UNTESTABLE
        outcome = self.found.outcome(self.threshold)
        return OPPOSITE.get(outcome, outcome) if self.below else outcome


PAIRS = (  # claim, section, worse fusion, better fusion
    ("late fusion beats early fusion", "5.2, 5.3; Tables 4, 8", "E", "L"),
    ("cross-modal influence beats late fusion, without a tower", "1 (1)", "L", "CM"),
    ("gated influence beats late fusion", "5.2, 5.3; Tables 4, 8", "L", "CM-G"),
    ("concatenated influence beats late fusion", "1 (5), 5; Tables 4, 8", "L", "CM-C"),
    ("concatenation beats gating", "1 (6), 3, 5.2", "CM-G", "CM-C"),
    ("the tower improves the influence", "1 (2), 3", "CM", "CM-C"),
    ("a soft gate beats a hard one", "ours", "CM-G", "CM-G soft"),
    (
        "concatenated influence beats late fusion with the tower's probability",
        "ours",
        "L+p",
        "CM-C",
    ),
    (
        "influence of the *other* modality beats that of the same modality",
        "ours",
        "CM-C self",
        "CM-C",
    ),
)


def findings(results):
    """Return all findings of a data set, those on models first."""
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
            names = f"{settings.HEADINGS[worse]} minus {settings.HEADINGS[better]}"
            yield Finding(f"{claim}: {names}", place, family, paper, found)


def _of_baselines(results):
    for baseline in results.baselines():
        for row in ("L", "CM-C"):
            name = settings.HEADINGS[row]
            claim = f"{name} beats the baseline {baseline}: {baseline} minus {name}"
            for family in results.families:
                found = estimate(gain(results, baseline, f"{family}-{row}"))
                yield Finding(claim, "ours", family, "-", found)


def _of_families(results):
    for family in results.families:
        claim = "the error of CM-C is at most 0.75 of that of L: 0.75 L minus CM-C"
        yield Finding(claim, "ours", family, "-", gain_beyond_quarter(results, family))
    for family in results.families:
        found = gain_by_depth(results, family)
        claim = "the gain of CM-C over L increases with the level: points per level"
        paper = _points(paper_gain_by_depth(family))
        yield Finding(claim, "5.2; Tables 4, 8", family, paper, found)
    for family in results.families:
        found = category_spread(results, family)
        claim = (
            "categories differ in gain: best minus worst category, which are selected on other "
            "data than the gain is measured on (for the paper, maximum minus minimum)"
        )
        paper = _points(_paper_spread(family))
        yield Finding(claim, "1 (6), 5.2; Tables 5, 9", family, paper, found)


def _between_families(results):
    if {"NV", "TM"} <= set(results.families):
        paper = _points(paper_numbers.gap("NV", "L") - paper_numbers.gap("TM", "L"))
        claim = "the Transformer is the stronger baseline: late (L) of NV minus late (L) of TM"
        yield Finding(claim, "5.3", "NV, TM", paper, lead_of_transformer(results))
        paper = _points(paper_gain("NV", "L", "CM-C") - paper_gain("TM", "L", "CM-C"))
        claim = "NetVLAD gains more than the Transformer: gain of CM-C over L"
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
    recall = estimate(combine(*rest, tower_rate(results, tower, "fnr")))

    def change(rate, one, other):
        return estimate(tower_change(results, rate, one, other))

    text = "the tower's accuracy on held-out pairs is at least 92 %"
    printed = f"{paper['accuracy']:.1f} %"
    yield Finding(text, "5.1", "tower", printed, accuracy, paper["accuracy"])
    text = "over 90 % of positive pairs are predicted as correlated"
    yield Finding(text, "5.1; Figure 9", "tower", f"{100 - paper['fnr']:.1f} %", recall, 90.0)
    shared, most = settings.SHARED_WEIGHT, max(settings.NEGATIVE_WEIGHTS)
    text = f"a negative weight above 1 reduces the overall error: weight 1 minus weight {shared:g}"
    yield Finding(text, "5.1; Figure 8", "tower", "-", change("error", plain, tower))
    text = f"a negative weight reduces the FPR: weight 1 minus weight {most:g}"
    yield Finding(text, "5.1; Figure 8", "tower", "-", change("fpr", plain, heavy))
    text = f"a negative weight increases the FNR: weight {most:g} minus weight 1"
    yield Finding(text, "5.1; Figure 8", "tower", "-", change("fnr", heavy, plain))


def _of_truth(results):
    """Yield findings on irrelevant audio, which is known for synthetic videos only."""
    text = "false negatives have irrelevant audio more often: their share minus that of all videos"
    yield Finding(text, "3, 5.1; Table 1", "tower", "-", estimate(true_negatives(results)))
    text = "over 80 % of videos with irrelevant audio get p < 0.5"
    if alarms := estimate(false_alarms(results)):
        text += f"; with relevant audio: {plain_interval(alarms)} %"
    yield Finding(text, "ours", "tower", "-", estimate(irrelevant_called(results)), 80.0)


def _of_depth(results):
    """Compare two and three layers of F over the folds of the search."""
    found = gain_by_third_layer(results)
    text = (
        "a third layer of F gives no gain: error with two layers minus error with three is "
        "*below* zero (within noise: a gain is neither seen nor excluded; the folds share "
        "training videos, and their tower has seen all of them)"
    )
    return Finding(text, "4.2", "F of TM", "no gain", found, below=True)


def _points(value):
    return "-" if value is None else f"{value:+.2f}"
