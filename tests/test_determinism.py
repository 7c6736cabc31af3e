"""The same seed gives the same bytes in every process, with every number of jobs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from estimator_cases import FAMILIES, make_classifier, make_tower, make_videos, make_y
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, cross_val_predict

pytestmark = pytest.mark.full

X, Y, CLASSES = make_videos().data, make_y("multilabel"), make_y("classes")
ROBUSTNESS = Path(__file__).resolve().parents[1] / "benchmarks" / "robustness"
SCRIPT = """
import json, sys
import numpy as np, torch
sys.path[:0] = sys.argv[1:2]
torch.set_num_threads(int(sys.argv[3]))
torch.manual_seed(int(sys.argv[2]))  # other random numbers must not matter
np.random.seed(int(sys.argv[2]))
from training_cases import cases, fit
print(json.dumps({name: fit(build) for name, build in cases(1).items()}))
"""


def in_a_process(hash_seed, n_threads):
    """The results of training in another process."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONHASHSEED": str(hash_seed),
        "OMP_NUM_THREADS": str(n_threads),
    }
    command = [sys.executable, "-c", SCRIPT, str(ROBUSTNESS), str(hash_seed), str(n_threads)]
    out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


@pytest.fixture(params=[1, 2])
def n_threads(request):
    """A number of torch's threads, here and in other processes."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_training_in_another_process_gives_the_same_bytes(n_threads, monkeypatch):
    """Three families with and without a tower, and the tower alone, here and elsewhere."""
    monkeypatch.syspath_prepend(str(ROBUSTNESS))
    sys.modules.pop("training_cases", None)
    training_cases = __import__("training_cases")
    sys.modules.pop("training_cases")
    builds = training_cases.cases(1)
    here = {name: training_cases.fit(build) for name, build in builds.items()}
    here = json.loads(json.dumps(here))
    assert in_a_process(1, n_threads) == here
    assert len({outcome["weights"] for outcome in here.values()}) == len(here)
    seed = training_cases.fit(lambda: next(iter(builds.values()))().set_params(random_state=1))
    assert seed["weights"] != next(iter(here.values()))["weights"]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_search_with_several_jobs_gives_the_same_bytes(backend):
    classifier = make_classifier(correlation_tower=make_tower(max_epochs=1), dropout=0.3)
    grid = {"fusion": ["late", "cross_modal_concat"], "lr": [1e-3, 1e-2]}
    alone = GridSearchCV(classifier, grid, cv=2, scoring="neg_log_loss").fit(X, CLASSES)
    with parallel_config(backend=backend):
        jobs = GridSearchCV(classifier, grid, cv=2, scoring="neg_log_loss", n_jobs=2)
        jobs.fit(X, CLASSES)
    for i in range(2):
        name = f"split{i}_test_score"
        assert jobs.cv_results_[name].tobytes() == alone.cv_results_[name].tobytes()
    assert len(set(alone.cv_results_["mean_test_score"])) == 4
    assert jobs.predict_proba(X).tobytes() == alone.predict_proba(X).tobytes()


def test_cross_validation_with_several_jobs_gives_the_same_bytes():
    for family in FAMILIES:
        classifier = make_classifier(family, fusion="cross_modal", dropout=0.3)
        alone, jobs = (
            cross_val_predict(classifier, X, CLASSES, cv=3, n_jobs=n, method="predict_proba")
            for n in (None, 2)
        )
        assert alone.tobytes() == jobs.tobytes()


def test_global_random_state_does_not_change_results():
    """Random numbers drawn before fit, or between fit and predict, have no effect."""
    outcomes = set()
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        classifier = make_classifier(dropout=0.3, correlation_tower=make_tower()).fit(X, Y)
        torch.rand(seed)
        outcomes.add(classifier.predict_proba(X).tobytes())
    assert len(outcomes) == 1
