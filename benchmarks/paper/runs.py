"""Train the runs that are not finished, and store the results for the report."""

import time

import numpy as np
import plan
import settings
import store
import torch
from baselines import predict_baseline
from data import load
from joblib import Parallel, delayed
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV

from sk_crossmodal import CorrelationTower, classification
from sk_crossmodal.metrics import gap_score, gap_scorer

N_ATTENTION = 300  # test videos, of which the one with the largest change of attention is shown


def train_all(runs, out, folder, jobs):
    """Train unfinished runs, first the towers, which the classifiers use."""
    for kinds in (("videos", "tower"), ("baseline", "classifier", "search")):
        todo = [run for run in runs if run["kind"] in kinds and not store.is_done(out, run)]
        Parallel(n_jobs=jobs)(delayed(_train_group)(group, out, folder) for group in _groups(todo))


def _groups(runs):
    """Group the runs by seed and family, which run one after another; towers run alone."""
    groups = {}
    for run in runs:
        own = run["name"] if run["kind"] in ("tower", "search") else run.get("family")
        groups.setdefault((run["seed"], own), []).append(run)
    return groups.values()


def _train_group(group, out, folder):
    torch.set_num_threads(1)  # groups run in parallel, one per core
    for run in group:
        videos = load(run["data_set"], run["seed"], folder, run["settings"]["data"])
        tower = None
        if "tower" in run["settings"]:
            shared = {**run, "name": plan.SHARED_TOWER, "settings": run["settings"]["tower"]}
            tower = FrozenEstimator(store.read_object(out, shared))
        start = time.perf_counter()
        numbers, arrays = TRAINERS[run["kind"]](run, videos, tower, out)
        numbers["seconds"] = time.perf_counter() - start
        store.save(out, run, numbers, arrays)
        _progress(run, numbers)


def _progress(run, numbers):
    figures = {key: value for key, value in numbers.items() if key != "seconds"}
    shown = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
    seed, name = f"{run['data_set']} seed {run['seed']}", settings.heading(run["name"])
    print(f"  {seed:<22} {name:<38} {numbers['seconds']:7.1f} s   {shown}", flush=True)


def _describe_videos(run, videos, tower, out):
    """Store the properties of the test videos."""
    lengths = {name: videos.X_test.lengths(name) for name in videos.X_test.modality_names}
    kept = {
        "y": videos.y_test,
        "hierarchy": videos.hierarchy,
        "names": videos.names,
        "flags": videos.flags,
        "spans": videos.spans,
        "lengths": lengths,
        "classes": None if videos.y_test.ndim == 2 else np.unique(videos.y_train),
    }
    store.save_object(out, run, kept)
    return {"n_train": len(videos.y_train), "n_test": len(videos.y_test)}, {}


def _train_tower(run, videos, tower, out):
    tower = CorrelationTower(
        hierarchy=videos.hierarchy,
        random_state=run["seed"],
        long_videos="cut",  # as the paper
        **run["settings"]["params"],
    ).fit(videos.X_train, videos.y_train)
    positive, negative = tower.pair_probabilities(videos.X_test, videos.y_test)
    if run["name"] == plan.SHARED_TOWER:
        store.save_object(out, run, tower)
    rates = tower.pair_error_rates(videos.X_test, videos.y_test)
    arrays = {
        "p": tower.predict_proba(videos.X_test)[:, 0],
        "matching": positive,
        "mismatched": negative,
    }
    return {**rates, "n_iter": tower.n_iter_}, arrays


def _train_baseline(run, videos, tower, out):
    probability = predict_baseline(run["name"], run["settings"]["params"], videos, run["seed"])
    arrays = {"probability": np.asarray(probability, np.float32)}
    return {"error_percent": main_error(videos, probability)}, arrays


def _train_classifier(run, videos, tower, out):
    classifier = _classifier(run, videos, tower).fit(videos.X_train, videos.y_train)
    probability = classifier.predict_proba(videos.X_test)
    arrays = {"probability": np.asarray(probability, np.float32)}
    if run["seed"] == 0 and run["name"].endswith("-CM-C"):
        arrays |= _most_changed(classifier, videos.X_test[:N_ATTENTION])
    return {"error_percent": main_error(videos, probability), "n_iter": classifier.n_iter_}, arrays


def _classifier(run, videos, tower):
    return getattr(classification, run["settings"]["estimator"])(
        correlation_tower=tower,
        hierarchy=videos.hierarchy,
        random_state=run["seed"],
        long_videos="cut",
        **run["settings"]["params"],
    )


def _most_changed(classifier, X):
    """Return the attention of the video with the largest influence on the first modality."""
    attention = classifier.attention_weights(X)
    first = attention[X.modality_names[0]]
    row = int(np.abs(first.after - first.before).sum(1).argmax())
    kept = {"attention_row": np.array(row)}
    length = X.timeline_lengths()[row]
    for name, pair in attention.items():
        for kind in ("before", "after"):
            kept[f"{kind} {name}"] = pair[kind][row, :length]
    return kept


def _search(run, videos, tower, out):
    """Search over the size and depth of F by cross-validation on training videos."""
    chosen = run["settings"]
    multilabel = videos.y_train.ndim == 2
    search = GridSearchCV(
        _classifier(run, videos, tower),
        {"cross_modal_layer_sizes": list(chosen["sizes"])},
        cv=chosen["n_folds"],
        scoring=gap_scorer if multilabel else "accuracy",
        refit=False,
        error_score="raise",
    )
    rows = slice(chosen["n_videos"])
    search.fit(videos.X_train[rows], videos.y_train[rows])
    scores = [search.cv_results_[f"split{fold}_test_score"] for fold in range(chosen["n_folds"])]
    errors = 100 * (1 - np.array(scores))
    return {"error_percent": float(errors.mean(0).min())}, {"errors": errors}


def main_error(videos, probability):
    """Return the GAP error in percent, or the share of wrong classes."""
    if videos.y_test.ndim == 2:
        return 100 * (1 - gap_score(videos.y_test, probability))
    predicted = np.unique(videos.y_train)[probability.argmax(1)]
    return 100 * (1 - accuracy_score(videos.y_test, predicted))


TRAINERS = {
    "videos": _describe_videos,
    "tower": _train_tower,
    "baseline": _train_baseline,
    "classifier": _train_classifier,
    "search": _search,
}
