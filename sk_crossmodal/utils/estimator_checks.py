"""Checks of estimators of videos, which scikit-learn's `check_estimator` does not have."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest import SkipTest

from sklearn.base import BaseEstimator

from ..validation import check_option
from . import _checks, _conventions
from ._under_test import EstimatorUnderTest, targets_of

__all__ = ["check_multimodal_estimator", "yield_multimodal_checks"]

CHECKS = {
    f"check_form[{form}]": partial(_checks.convention_form, form=form)
    for form in (*_checks.RAGGED, *_checks.EQUAL)
} | {
    convention.__name__.replace("convention", "check", 1): convention
    for convention in (
        _checks.convention_positional_modalities,
        _checks.convention_modality_order_in_predict,
        _checks.convention_modality_order_in_fit,
        _checks.convention_padding,
        _checks.convention_row_subset,
        _checks.convention_row_order,
        _checks.convention_fit_twice,
        _checks.convention_pickle,
        _checks.convention_joblib,
        _checks.convention_deepcopy,
        _conventions.convention_n_jobs,
        _conventions.convention_global_random_state,
        _conventions.convention_input_unchanged,
        _conventions.convention_params,
        _conventions.convention_unknown_params,
        _conventions.convention_clone_of_fitted,
    )
}


def yield_multimodal_checks(estimator: BaseEstimator) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the checks of `check_multimodal_estimator`, for one test per check.

    Parameters
    ----------
    estimator : classifier or transformer
        An estimator of videos. It is cloned, and not changed.

    Yields
    ------
    name : str
        Name of the check, such as ``"check_pickle[indicator]"``, with the form of X and the kind
        of y (classes or multilabel indicators) in brackets.
    check : callable
        Takes no argument. Raises AssertionError if the check fails, any error of the estimator,
        or `unittest.SkipTest` if the check does not apply to the estimator.

    See Also
    --------
    check_multimodal_estimator : Run all checks.

    Examples
    --------
    In a test module of pytest:

    >>> import pytest
    >>> from sk_crossmodal import CorrelationTower
    >>> from sk_crossmodal.utils.estimator_checks import yield_multimodal_checks
    >>> checks = dict(yield_multimodal_checks(CorrelationTower(encoder="mean", max_epochs=1)))
    >>> @pytest.mark.parametrize("name", checks)
    ... def test_tower(name):
    ...     checks[name]()
    """
    for target in targets_of(estimator):
        for name, check in CHECKS.items():
            full = f"{name}[{target}]".replace("][", "-")
            yield full, partial(check, EstimatorUnderTest(estimator, target))


def check_multimodal_estimator(
    estimator: BaseEstimator, *, on_fail: str | None = "raise"
) -> list[dict[str, Any]]:
    """Check that an estimator of videos follows scikit-learn's conventions.

    It complements :func:`sklearn.utils.estimator_checks.check_estimator`, which does not test
    ragged videos of several modalities. With 24 small random videos of the modalities "video"
    (5 features) and "audio" (4 features) it checks that

    - all forms of X (lists, object arrays, `SliceDict`, data frame, memory-mapped or uint8 frames,
      (n, T, d) arrays, one wide array) give the same predictions as a `MultimodalArray`, and so do
      positional modalities if `fit` accepts them; on a wide array, an estimator is fitted only
      if it has the parameter `modalities`, which says where each modality begins;
    - modalities may have any order if `fit` or the parameter `modalities` defines their names;
    - the prediction of a video depends neither on padding nor on other videos;
    - fitting twice equals fitting once; copies, pickles and joblib files predict the same;
    - cross-validation in two processes gives the same scores as in one;
    - global random states, X, y and `sample_weight` do not change;
    - parameters are set as given, unknown parameters raise ValueError, and a clone of a fitted
      estimator is unfitted and fits to the same predictions.

    Outputs must be equal bit by bit, or up to float32 rounding where the form of X or the batches
    change the order of computations. The estimator should compute in float32 or float64.

    Parameters
    ----------
    estimator : classifier or transformer
        An estimator of videos: of this package, a Pipeline, or your own. Keep it small, as it is
        fitted about sixty times for each kind of y in its tags. It is cloned and not changed; the
        clones have every `random_state` set.
    on_fail : {"raise", None}, default="raise"
        Whether to raise the error of the first failed check, or to only report it.

    Returns
    -------
    list of dict
        One per check, with ``"check_name"``, ``"status"`` ("passed", "skipped" or "failed") and
        ``"exception"`` (None for a passed check).

    Raises
    ------
    AssertionError
        If a check fails. Errors that the estimator raises in a check are raised as well.
    ValueError
        If `on_fail` is neither "raise" nor None.

    See Also
    --------
    yield_multimodal_checks : Yield the checks, for one test per check.

    Examples
    --------
    >>> from sk_crossmodal import CorrelationTower
    >>> from sk_crossmodal.utils.estimator_checks import check_multimodal_estimator
    >>> tower = CorrelationTower(
    ...     encoder="mean", encoder_params={"d_model": 4}, hidden_layer_sizes=(4,), max_epochs=1
    ... )
    >>> results = check_multimodal_estimator(tower)
    >>> {result["status"] for result in results}
    {'passed'}
    """
    check_option("on_fail", on_fail, ("raise", None))
    results = []
    for name, check in yield_multimodal_checks(estimator):
        status, exception = "passed", None  # type: tuple[str, Exception | None]
        try:
            check()
        except SkipTest as reason:
            status, exception = "skipped", reason
        except Exception as error:
            if on_fail == "raise":
                raise
            status, exception = "failed", error
        results.append({"check_name": name, "status": status, "exception": exception})
    return results
