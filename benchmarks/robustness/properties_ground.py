"""Run the property tests of the metrics and of the hierarchy with many new examples.

The tests are ``tests/test_metrics_properties.py`` and ``tests/test_hierarchy_properties.py``, with
the profile "campaign" of Hypothesis.
"""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from campaign import main

ROOT = Path(__file__).resolve().parents[2]
SUBPACKAGES = ("metrics", "hierarchy")
CAMPAIGN = 2000  # examples per property in the profile "campaign"; the profile "short" has 100
COUNTED = re.compile(r"(\d+) passing(?: examples)?, (\d+) failing")


def campaign(examples, seed):
    """Run all properties, and count the examples with the statistics of Hypothesis."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={ROOT}"]
    command += [
        str(ROOT / "tests" / f"test_{subpackage}_properties.py") for subpackage in SUBPACKAGES
    ]
    command += ["--hypothesis-show-statistics", f"--hypothesis-seed={seed}", "-rN", "--tb=short"]
    command += ["-p", "no:xdist"]
    environment = {
        **os.environ,
        "HYPOTHESIS_PROFILE": "campaign" if examples >= CAMPAIGN else "short",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    counts, failures = counted(done.stdout)
    if done.returncode:
        print(done.stdout, file=sys.stderr)
    properties = {subpackage: {} for subpackage in SUBPACKAGES}
    for test, passing in counts.items():
        subpackage = next(
            subpackage for subpackage in SUBPACKAGES if subpackage in test.partition("::")[0]
        )
        properties[subpackage][test.partition("::")[2]] = passing
    return {
        "failed": failures + bool(done.returncode and not failures),
        "properties": sum(map(len, properties.values())),
        "examples": sum(sum(one.values()) for one in properties.values()),
        "examples_by_property": properties,
    }


def counted(text):
    """Return passing examples per test, and all failing examples, from the statistics."""
    counts, failures, test = defaultdict(int), 0, ""
    for line in text.splitlines():
        if line.endswith(":") and "::" in line:
            test = line[:-1]
        elif found := COUNTED.search(line):
            counts[test] += int(found[1])
            failures += int(found[2])
    return dict(counts), failures


if __name__ == "__main__":
    main(campaign, {"examples": CAMPAIGN}, {"examples": 100}, packages=["hypothesis"])
