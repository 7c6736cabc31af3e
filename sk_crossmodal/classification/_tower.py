"""The correlation tower that a classifier trains for itself, kept if asked to."""

import joblib


class _Interrupted(Exception):  # noqa: N818, no error: it carries a tower past the cache
    pass


def fit_tower(tower, videos, memory, task):
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

    Returns
    -------
    CorrelationTower
        The fitted tower. One whose training was interrupted is not kept.
    """
    if memory.location is None:
        with task.propagate_callback_context(tower):
            return tower.fit(videos.X, videos.y, sample_weight=videos.weight)
    # What callbacks hold cannot be kept in a file, so none are told of what may come from there.
    key = joblib.hash([type(tower), tower.get_params(), videos.y, videos.weight])
    try:
        return memory.cache(_fit, ignore=["tower", "videos"])(
            tower, videos, key, videos.X.digest()
        )
    except _Interrupted as interrupted:
        return interrupted.args[0]


def _fit(tower, videos, key, digest):
    tower.fit(videos.X, videos.y, sample_weight=videos.weight)
    if tower.net_.interrupted:
        raise _Interrupted(tower)
    return tower
