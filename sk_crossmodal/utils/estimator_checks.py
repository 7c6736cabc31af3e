"""Checks of estimators of videos, for what scikit-learn's `check_estimator` does not know."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest import SkipTest

from sklearn.base import BaseEstimator

from . import _checks, _habits
from ._subject import Subject, targets_of

__all__ = ["check_multimodal_estimator", "yield_multimodal_checks"]

CHECKS = {
    f"check_form[{form}]": partial(_checks.check_form, form=form)
    for form in (*_checks.RAGGED, *_checks.EQUAL)
} | {
    check.__name__: check
    for check in (
        _checks.check_positional_modalities,
        _checks.check_modality_order_in_predict,
        _checks.check_modality_order_in_fit,
        _checks.check_padding,
        _checks.check_row_subset,
        _checks.check_row_order,
        _checks.check_fit_twice,
        _checks.check_pickle,
        _checks.check_joblib,
        _checks.check_deepcopy,
        _habits.check_n_jobs,
        _habits.check_global_random_state,
        _habits.check_input_unchanged,
        _habits.check_params,
        _habits.check_unknown_params,
        _habits.check_clone_of_fitted,
    )
}


def yield_multimodal_checks(
    estimator: BaseEstimator,
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the checks of `check_multimodal_estimator` one by one, for one test each.

    Parameters
    ----------
    estimator : classifier or transformer
        An estimator of videos; it is cloned, never fitted itself.

    Yields
    ------
    name : str
        Name of the check, such as ``"check_pickle[indicator]"``: what is checked, in brackets
        the form of X and the kind of y, classes or multilabel indicators.
    check : callable
        Takes no argument. Raises AssertionError that says what differs; whatever the estimator
        raises; or `unittest.SkipTest` where the check has no meaning for the estimator.

    See Also
    --------
    check_multimodal_estimator : Runs them all.

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
            yield full, partial(check, Subject(estimator, target))


def check_multimodal_estimator(
    estimator: BaseEstimator, *, on_fail: str | None = "raise"
) -> list[dict[str, Any]]:
    """Check that an estimator of videos does with them what scikit-learn's users expect.

    It is the counterpart of :func:`sklearn.utils.estimator_checks.check_estimator` for what that
    one does not know: ragged videos of several modalities. On 24 small random videos of the
    modalities "video" (5 features) and "audio" (4) it is checked that

    - the same numbers in any form, lists, object arrays, `SliceDict`, data frame, frames that are
      memory-mapped or uint8, (n, T, d) arrays, one wide array, give the same predictions as a
      `MultimodalArray`, and so do modalities one by one where `fit` takes them;
    - modalities may come in any order once their names are known, by `fit` or `modalities`;
    - predictions of a video depend neither on padding nor on the videos beside it;
    - fitting twice is fitting once; copies, pickles and files of joblib predict the same;
    - cross-validation in two processes gives the scores of one;
    - global random states, X, y and `sample_weight` are as they were before;
    - parameters are what they were set to, unknown ones are refused, and a clone of a fitted
      estimator is unfitted and can be fitted to the same.

    Where forms or batches make numbers go another way, float32 rounding is allowed for; elsewhere
    outputs must be equal to the last bit. So let the estimator compute in float32 or float64.

    Parameters
    ----------
    estimator : classifier or transformer
        An estimator of videos, such as those of this package, a Pipeline that ends in one, or a
        family of one's own; small, since it is fitted some sixty times for each kind of y that
        its tags allow. It is cloned, never fitted itself, and every `random_state` is set.
    on_fail : {"raise", None}, default="raise"
        Whether the first failed check is raised, or only noted in what is returned.

    Returns
    -------
    list of dict
        One a check, with ``"check_name"``, ``"status"`` ("passed", "skipped" or "failed") and
        ``"exception"``, None for a passed check.

    Raises
    ------
    AssertionError
        If a check fails, with what differs; or whatever the estimator raises in a check.
    ValueError
        If `on_fail` is neither "raise" nor None.

    See Also
    --------
    yield_multimodal_checks : The checks one by one, for one test each.

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
    if on_fail not in ("raise", None):
        raise ValueError(f'on_fail must be "raise" or None, got {on_fail!r}.')
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
