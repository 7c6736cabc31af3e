"""The correlation tower that a classifier trains for itself, kept if asked to."""

from contextlib import nullcontext

import joblib


class _Interrupted(Exception):  # noqa: N818, no error: it carries a tower past the cache
    pass


def fit_tower(tower, videos, memory, task, classifier):
    """Fit a tower, or find one that was fitted so on the same videos.

    Parameters
    ----------
    tower : CorrelationTower
        Not fitted.
    videos : Videos
        What to fit it on.
    memory : joblib.Memory
        Where fitted towers are kept, if anywhere.
    task : sklearn.callback.CallbackContext
        The part of the classifier's fit that this is.
    classifier : CrossModalClassifier
        What is fitted, for scikit-learn's callbacks.

    Returns
    -------
    CorrelationTower
        The fitted tower. One whose training was interrupted is not kept.
    """
    kept = getattr(memory, "location", memory) is not None
    told = {"estimator": classifier, **videos.callback_arguments()}
    # What callbacks hold cannot be kept in a file, so a tower to be kept is not told of them.
    with nullcontext() if kept else task.propagate_callback_context(tower):
        task.call_on_fit_task_begin(**told)
        tower = _find(tower, videos, memory) if kept else _fit(tower, videos)
        task.call_on_fit_task_end(**told)
    return tower


def _find(tower, videos, memory):
    key = joblib.hash([type(tower), tower.get_params(), videos.y, videos.weight])
    find = memory.cache(_fit_to_keep, ignore=["tower", "videos"])
    try:
        return find(tower, videos, key, videos.X.digest())
    except _Interrupted as interrupted:
        return interrupted.args[0]


def _fit_to_keep(tower, videos, key, digest):
    tower = _fit(tower, videos)
    if tower.net_.interrupted:
        raise _Interrupted(tower)
    return tower


def _fit(tower, videos):
    return tower.fit(videos.X, videos.y, sample_weight=videos.weight)
