"""Predict and fit in many threads and processes: results equal those of one, without leaks.

Estimators of each family with their own correlation towers predict videos in memory and in a
store: in all threads at once, in forked processes, and in processes with a copy of the estimator.
"""

import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from joblib import Parallel, delayed

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[1]))

import campaign
from forked import MB, resident
from training_cases import cases, fit, videos

from sk_crossmodal.multimodal import MultimodalArray

FULL = {"threads": 8, "processes": 4, "calls": 40, "fits": 18, "growth_calls": 10_000}
QUICK = {"threads": 8, "processes": 4, "calls": 3, "fits": 4, "growth_calls": 40}
TESTED = (
    "transformer, own tower, cosine",
    "netvlad, gated with tower, every 0.5 epochs",
    "rnn, concat with tower, early stopping, every 0.3 epochs",
)


def main():
    """Run the campaign from the command line."""
    campaign.main(load, FULL, QUICK)


def load(threads, processes, calls, fits, growth_calls, seed):
    """Run the campaign; return the counts."""
    builds = cases(2)
    fitted = {name: builds[name]().fit(*videos()) for name in TESTED}
    with tempfile.TemporaryDirectory() as folder:
        videos()[0].save(Path(folder, "store"))
        places = {"memory": videos()[0], "store": MultimodalArray.open(Path(folder, "store"))}
        figures = {
            f"{kind}, videos in {place}": {
                "calls": len(fitted) * count * calls,
                "failed": sum(ask(estimator, X, count, calls) for estimator in fitted.values()),
            }
            for place, X in places.items()
            for kind, (ask, count) in {
                "threads": (predict_in_threads, threads),
                "forked processes": (predict_in_forks, processes),
                "processes of joblib": (predict_in_jobs, processes),
            }.items()
        }
    figures["fits in threads"] = fits_in_threads(builds, fitted[TESTED[0]], fits, seed)
    figures["growth"] = growth(fitted[TESTED[0]], growth_calls)
    return {"failed": sum(part["failed"] for part in figures.values()), **figures}


def distinct_predictions(estimator, X, calls):
    """Return the distinct predictions of several calls, as bytes."""
    return {estimator.predict_proba(X).tobytes() for _ in range(calls)}


def predictions_of_one_thread(estimator, X):
    """Return those of forks and of joblib's workers; the number of threads changes rounding."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return distinct_predictions(estimator, X, 1)
    finally:
        torch.set_num_threads(n_threads)


def predict_in_threads(estimator, X, count, calls):
    """Predict in threads that start together; return the number of wrong predictions."""
    expected, barrier = distinct_predictions(estimator, X, 1), threading.Barrier(count)

    def ask(_):
        barrier.wait()
        return distinct_predictions(estimator, X, calls) != expected

    with ThreadPoolExecutor(count) as pool:
        return sum(pool.map(ask, range(count)))


def predict_in_jobs(estimator, X, count, calls):
    """Predict in processes of joblib, which get copies."""
    expected = predictions_of_one_thread(estimator, X)
    jobs = (delayed(distinct_predictions)(estimator, X, calls) for _ in range(count))
    return sum(
        predictions != expected for predictions in Parallel(count, inner_max_num_threads=1)(jobs)
    )


def predict_in_forks(estimator, X, count, calls):
    """Predict in forked processes, which share all open files.

    As in a service that loads a model before it forks, the parent has predicted with all threads.
    """
    expected = predictions_of_one_thread(estimator, X)
    distinct_predictions(estimator, X, 1)
    fork = get_context("fork")
    barrier, wrong = fork.Barrier(count), fork.Value("i", 0)

    def ask():
        barrier.wait()
        predictions = distinct_predictions(estimator, X, calls)
        with wrong.get_lock():
            wrong.value += predictions != expected

    started = [fork.Process(target=ask) for _ in range(count)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    return max(wrong.value, sum(process.exitcode != 0 for process in started))


def fits_in_threads(builds, estimator, count, seed):
    """Fit in four threads while two others predict with their own estimator."""
    names = [list(builds)[i % len(builds)] for i in range(count)]
    expected = {name: fit(builds[name]) for name in names}
    probability, done = distinct_predictions(estimator, videos()[0], 1), threading.Event()
    torch.manual_seed(seed)
    state = torch.get_rng_state()

    def ask(_):
        found, calls = set(probability), 0
        while not done.is_set() or not calls:
            found |= distinct_predictions(estimator, videos()[0], 1)
            calls += 1
        return found != probability, calls

    with ThreadPoolExecutor(2) as askers, ThreadPoolExecutor(4) as fitters:
        asking = [askers.submit(ask, i) for i in range(2)]
        try:
            results = list(fitters.map(lambda name: fit(builds[name]), names))
        finally:
            done.set()
        predictions = [future.result() for future in asking]
    wrong = sum(result != expected[name] for name, result in zip(names, results, strict=True))
    moved = not torch.equal(torch.get_rng_state(), state)
    return {
        "fits": count,
        "calls meanwhile": sum(calls for _, calls in predictions),
        "failed": wrong + moved + sum(other for other, _ in predictions),
    }


def growth(estimator, calls):
    """Return the growth of resident memory over many calls, after the first tenth."""
    X, points = videos()[0][:4], []
    for call in range(calls):
        estimator.predict_proba(X)
        if call >= calls // 10 and call % max(1, calls // 100) == 0:
            points.append((call, resident("VmRSS") / MB))
    numbers, megabytes = np.array(points).T
    slope = float(np.polyfit(numbers, megabytes, 1)[0])
    return {
        "calls": calls,
        "MB at first": round(float(megabytes[0]), 2),
        "MB at last": round(float(megabytes[-1]), 2),
        "bytes per call": round(slope * MB, 1),
        # Some pages of the allocator, but no object per call: the smallest has 56 bytes.
        "failed": int(calls >= 1000 and slope * MB > 50),
    }


if __name__ == "__main__":
    main()
