"""A part of the tests for every run: which tests `make test` leaves to `make test-all`.

Tests marked `full` are left out. Of a parametrized test marked `sample`, some cases of each
stratum are drawn with a seed, so that every method and every parameter is tried in every run.
"""

import random
import re
from collections import defaultdict


def stratum_of_id(case_id):
    """The method and parameter that the id of a case begins with, without its value.

    `"Tower.fit: lr 3"` belongs to `"Tower.fit: lr"`, `"gap-no scores"` to `"gap"`.
    """
    return re.match(r"(?:[\w.]+: )?[\w.]*", case_id).group()


def stratum_of(case, by=None):
    """Values of the parameters named in `by`, or the stratum of the id."""
    if by is None:
        return stratum_of_id(case.id)
    return tuple(str(case.params[name]) for name in by)


def draw(strata, keep, seed):
    """Positions drawn from each stratum, in order.

    `keep` is their number if an int, their share of the stratum if a float; at least one stays.
    """
    positions = defaultdict(list)
    for i, stratum in enumerate(strata):
        positions[stratum].append(i)
    rng = random.Random(seed)
    drawn = []
    for members in positions.values():
        n = keep if isinstance(keep, int) else round(keep * len(members))
        drawn += rng.sample(members, min(max(1, n), len(members)))
    return sorted(drawn)


def select(items, seed, share=1.0):
    """Tests to run of those collected, in their order: a share of the sample, of each file."""
    kept, sampled = set(), defaultdict(list)
    for i, item in enumerate(items):
        if item.get_closest_marker("full"):
            continue
        if item.get_closest_marker("sample") and hasattr(item, "callspec"):
            sampled[item.nodeid.split("[")[0]].append(i)
        else:
            kept.add(i)
    for name, positions in sampled.items():
        mark = items[positions[0]].get_closest_marker("sample")
        by = mark.kwargs.get("by")
        strata = [stratum_of(items[i].callspec, by) for i in positions]
        kept.update(positions[k] for k in draw(strata, mark.args[0], f"{seed} {name}"))
    chosen = [item for i, item in enumerate(items) if i in kept]
    files = [item.nodeid.split("::")[0] for item in chosen]
    return [chosen[i] for i in draw(files, share, seed)]
