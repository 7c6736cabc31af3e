"""Searches whose fits run in the workers of a cluster, which read one store."""

import builtins
import logging
import os
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from estimator_cases import make_classifier, make_videos, make_y
from sklearn.model_selection import GridSearchCV

import sk_crossmodal
from sk_crossmodal import MultimodalArray

pytestmark = pytest.mark.full

WIDTHS = {"video": 512, "audio": 128}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Path of a store, and its labels."""
    path = tmp_path_factory.mktemp("cluster") / "videos"
    make_videos.__wrapped__(96, n_features=WIDTHS).data.save(path)
    return path, make_y("classes", 96)


def process_number(estimator, X, y):
    return os.getpid()


def make_search(**params):
    return GridSearchCV(
        make_classifier(fusion="late", max_epochs=1),
        {"lr": [1e-3, 1e-2], "d_model": [8, 16]},
        scoring={"accuracy": "accuracy", "process": process_number},
        refit=False,
        cv=2,
        error_score="raise",
        **params,
    )


def processes(search):
    return {int(search.cv_results_[f"split{i}_test_process"][j]) for i in (0, 1) for j in range(4)}


def check(search, store):
    """The search in two other processes has the results of a local one."""
    path, y = store
    here = make_search().fit(MultimodalArray.open(path), y)
    assert processes(here) == {os.getpid()}
    assert len(processes(search)) == 2
    assert os.getpid() not in processes(search)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_accuracy"], here.cv_results_["mean_test_accuracy"]
    )


@pytest.fixture(scope="module")
def dask_client(tmp_path_factory):
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            local_directory=tmp_path_factory.mktemp("dask"),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_store_is_pickled_as_its_path(store):
    path, _ = store
    X = MultimodalArray.open(path)
    on_disk = sum(file.stat().st_size for file in path.rglob("*.npy"))
    assert on_disk > 1_000_000
    for sent in (X, X[::2], X.select(["audio", "video"])):
        assert len(pickle.dumps(sent)) < 10_000
        assert str(path).encode() in pickle.dumps(sent)


def test_search_with_dask_equals_a_local_search(store, dask_client):
    path, y = store
    with joblib.parallel_config(backend="dask"):
        search = make_search().fit(MultimodalArray.open(path), y)
    check(search, store)


def test_workers_of_dask_read_the_store(store, dask_client):
    path, y = store
    X = MultimodalArray.open(path)
    away = path.rename(path.with_name("away"))
    try:
        with (
            joblib.parallel_config(backend="dask"),
            pytest.raises(FileNotFoundError, match="store was moved"),
        ):
            make_search().fit(X, y)
    finally:
        away.rename(path)


def test_search_with_ray_equals_a_local_search(store, monkeypatch):
    ray = pytest.importorskip("ray", reason="ray is not installed")
    monkeypatch.setattr(builtins, "print", print)  # which Ray replaces for good
    from ray.util.joblib import register_ray

    path, y = store
    places = [str(Path(sk_crossmodal.__file__).parents[1]), str(Path(__file__).parent)]
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        configure_logging=False,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(places)}},
    )
    try:
        register_ray()
        with joblib.parallel_config(backend="ray", n_jobs=2):
            search = make_search().fit(MultimodalArray.open(path), y)
    finally:
        ray.shutdown()
    check(search, store)
