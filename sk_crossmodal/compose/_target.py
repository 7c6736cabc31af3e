"""TransformedTargetClassifier: a classifier whose y goes through a transformer."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._links import LinkedEstimator
from .._types import Array, Ints
from ..hierarchy import HierarchyLabelBinarizer, LabelHierarchy, refuse_indicator
from ..validation import check_flag, labels_of, order_hierarchy, remember_labels
from ._choice import (
    are_single,
    choose_labels,
    deepest_labels,
    has_empty_rows,
    has_scores,
    label_logits,
    scores_accuracy,
)
from ._state import LABEL_SETS, get_state, set_target_state

# Methods that the parts need.
NEEDED = {
    "classifier": ("fit", "predict", "get_params"),
    "transformer": ("fit", "transform", "inverse_transform", "get_params"),
}


def _classifier_has(method: str) -> Callable[[Any], bool]:
    """Return a check for `available_if`: AttributeError unless the classifier has the method."""

    def check(self: Any) -> bool:
        fitted = vars(self).get("classifier_")
        getattr(self._classifier() if fitted is None else fitted, method)
        return True

    return check


class TransformedTargetClassifier(
    LinkedEstimator, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Classify with a transformed y, the counterpart of `TransformedTargetRegressor`.

    The classifier is fitted on y after `transformer`, and its predictions are transformed back by
    ``transformer.inverse_transform``. With
    :class:`~sk_crossmodal.hierarchy.HierarchyLabelBinarizer` a classifier of multilabel
    indicators, or a whole Pipeline, is fitted, searched and scored on label paths.

    Each parameter ``hierarchy`` of the classifier, and of the estimators in it, that is None is
    set to the `hierarchy_` that the transformer learned in `fit`. Others are put into the order
    of the transformer's `classes_`, and must have the same labels.

    Parameters
    ----------
    classifier : classifier, default=None
        The classifier or Pipeline that is fitted on the transformed y; it is cloned. None is
        `sklearn.linear_model.LogisticRegression`.
    transformer : transformer, default=None
        Transformer of y. It is cloned, and its methods are called with y as the only argument,
        whether they name it X, as `HierarchyLabelBinarizer`, or y, as `LabelEncoder`. None leaves
        y unchanged.
    at_least_one : bool or "auto", default="auto"
        With a binarizer of label sets, whether a sample without a label above 0.5 gets one: from
        the top, the most probable label of each level, down to one that was given in `fit`.
        "auto" does so if every sample in `fit` has a label that the binarizer kept. If y in `fit`
        was one string per sample, `predict` then returns one string per sample, also where
        several are above 0.5. False returns the labels above 0.5, always as label sets.

    Attributes
    ----------
    classifier_ : classifier
        The fitted classifier.
    transformer_ : transformer or None
        The fitted transformer, None if there is none.
    classes_ : ndarray or list of ndarray
        The original classes in the order of the columns of `predict_proba`. If the transformed y
        is an indicator, the classifier's own ``classes_``, which for the classifiers of this
        package is an (n_labels, 2) array of ``[0, 1]`` rows.
    hierarchy_ : LabelHierarchy
        The hierarchy of the transformer, if it has one.
    label_names_ : list of str
        The names of the labels that the classifier knows, if it knows any.
    n_features_in_ : int
        That of the classifier, like `feature_names_in_`.

    See Also
    --------
    sk_crossmodal.hierarchy.HierarchyLabelBinarizer : Makes indicators of label paths.
    sk_crossmodal.metrics.hierarchy_scorers : Scores on label paths.
    sklearn.compose.TransformedTargetRegressor : The same for regressors.

    Notes
    -----
    **The form of label paths.** Use one frozenset per sample,
    ``y = [frozenset(paths) for paths in target]``, in a list, a Series or an array of objects.
    scikit-learn no longer supports lists or tuples of labels (or, if all have one length, takes
    them for a table of classes): ``cv=3`` raises, and only ``cv=KFold(3)`` works. Frozensets and
    sets work everywhere, and ``cv=3`` is then a `KFold` without shuffling; `HalvingGridSearchCV`
    also needs a number as ``min_resources``. Of scikit-learn's own scores, only the default,
    `score`, takes label sets: the accuracy of whole sets. A single path per sample, as a string,
    is a class to scikit-learn: `predict` returns one string per sample, all its scores work
    (``scoring="accuracy"``), and ``cv=3`` is a `StratifiedKFold` over full paths.

    **Folds.** In each fold, the transformer learns the labels of the training rows: the columns of
    folds differ, and a label that only test rows have is unknown. To compare folds, give it the
    labels, ``HierarchyLabelBinarizer(hierarchy=labels.hierarchy_)`` with labels fitted on all of
    y.

    **Warm start.** There is no `partial_fit`, and a `warm_start` of the classifier has no effect:
    each `fit` learns the labels, and starts with a clone. Use the classifier on indicators.

    **Out-of-fold probabilities.** With ``method="predict_proba"`` (or "decision_function"),
    `cross_val_predict` replaces label sets by numbers before `fit`, so their labels are lost. Use
    the classifier itself and the indicator:
    ``cross_val_predict(classifier, X, labels.transform(y), method="predict_proba")``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> from sk_crossmodal import HierarchyLabelBinarizer, TransformedTargetClassifier
    >>> X = [[0.0, 1.0], [1.0, 0.0], [0.1, 0.9], [1.0, 1.0]]
    >>> y = [{"Sound:Music"}, {"Sight"}, {"Sound:Music"}, {"Sound", "Sight"}]
    >>> classifier = TransformedTargetClassifier(
    ...     OneVsRestClassifier(LogisticRegression(C=100)), transformer=HierarchyLabelBinarizer()
    ... ).fit(X, y)
    >>> classifier.predict([[0.0, 0.9], [1.0, 0.1]])
    array([('Sound:Music',), ('Sight',)], dtype=object)
    >>> classifier.hierarchy_.nodes
    ('Sight', 'Sound', 'Sound:Music')
    >>> classifier.score(X, y)
    1.0
    """

    _fitted_names = ("classifier_", "transformer_", "_inverse_classes", "_choices", "_single")
    _get_state, _set_state = get_state, set_target_state
    _choices: Ints | None = None  # columns of the labels, one of which each sample has at least
    _single = False  # whether a sample has only one label

    def __init__(
        self,
        classifier: Any = None,
        *,
        transformer: Any = None,
        at_least_one: bool | str = "auto",
    ) -> None:
        self.classifier = classifier
        self.transformer = transformer
        self.at_least_one = at_least_one

    @with_callbacks
    def fit(
        self, X: Any, y: Any = None, *more: Any, sample_weight: Any = None, **fit_params: Any
    ) -> Self:
        """Fit the transformer on y, and the classifier on X and the transformed y.

        Parameters
        ----------
        X : array-like, or any input of the classifier
            The samples; or the frames of the first modality, followed by those of the others.
        y : array-like or sequence of collections
            The input of the transformer. With modalities as separate arguments,
            ``fit(X_video, X_audio, y)``, y is the last positional argument.
        *more : array-like
            Further modalities and y, if modalities are separate arguments.
        sample_weight : array-like of shape (n,), default=None
            Weights of the samples, for the classifier only.
        **fit_params : dict
            Metadata for the `fit` of the classifier: passed unchanged, or routed with
            ``sklearn.set_config(enable_metadata_routing=True)``. The y of an
            ``eval_set=(X_val, y_val)`` is transformed, too.

        Returns
        -------
        TransformedTargetClassifier
            The fitted classifier itself.

        Raises
        ------
        ValueError
            If y is missing, the transformer or the classifier raises, or `at_least_one` is True
            and the classifier cannot rank labels.
        TypeError
            If a parameter has the wrong type, or `eval_set` is no tuple.
        """
        *arrays, y = (X, y, *more)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        self._check_params()
        transformer = self._fitted_transformer(y)
        given, y = y, _transformed(transformer, y)
        classifier = clone(self._classifier())
        if self.at_least_one is True and not has_scores(classifier):
            given_class = type(classifier).__name__
            raise ValueError(
                "at_least_one=True needs a classifier with decision_function or predict_proba, "
                f"{given_class} has neither; use 'auto'."
            )
        _pass_hierarchy(transformer, y, classifier)
        params = self._routed("fit", sample_weight, fit_params)
        for name, value in params.items():
            if name == "eval_set" or name.endswith("__eval_set"):
                params[name] = _transformed_eval_set(name, value, transformer)
        self.classifier_ = self._fit_classifier(classifier, arrays, y, params)
        self.transformer_ = transformer
        self._inverse_classes = transformer is not None and getattr(y, "ndim", None) == 1
        self._choices, self._single = self._choose(given, y)
        return self

    def _choose(self, given: Any, y: Any) -> tuple[Ints | None, bool]:
        """Return the labels of which each sample has at least one, and whether it has just one."""
        is_binarizer = isinstance(self.transformer_, LABEL_SETS)
        if not is_binarizer or self.at_least_one is False or not has_scores(self.classifier_):
            return None, False
        single = are_single(given) and hasattr(self.transformer_, "hierarchy_")
        if self.at_least_one == "auto" and not single and has_empty_rows(y):
            return None, False
        return deepest_labels(self.transformer_, y), single

    def _check_params(self) -> None:
        if not isinstance(self.at_least_one, str) or self.at_least_one != "auto":
            check_flag("at_least_one", self.at_least_one)
        for name, needed in NEEDED.items():
            part = getattr(self, name)
            has_all = all(hasattr(part, method) for method in needed)
            if part is not None and (isinstance(part, type) or not has_all):
                wanted = f"{name} must be None or an instance with the methods {needed}"
                raise TypeError(f"{wanted}, got {part!r}.")

    def _fit_classifier(
        self, classifier: Any, arrays: Sequence[Any], y: Any, params: dict[str, Any]
    ) -> Any:
        """Fit the classifier as a task of this fit, for scikit-learn's callbacks."""
        context = self._init_callback_context(max_subtasks=1)
        context.call_on_fit_task_begin(estimator=self)
        task = context.subcontext(task_name="classifier")
        with task.propagate_callback_context(classifier):
            task.call_on_fit_task_begin(estimator=self)
            classifier = classifier.fit(*arrays, y, **params)
            task.call_on_fit_task_end(estimator=self)
        context.call_on_fit_task_end(estimator=self)
        return classifier

    def predict(self, X: Any, *more: Any) -> Any:
        """Predict labels in the form of y.

        Parameters
        ----------
        X, *more : as in `fit`
            The samples.

        Returns
        -------
        ndarray of shape (n,) or (n, n_labels)
            The predictions after ``transformer_.inverse_transform``. Label sets are tuples in a
            1-D array of objects, which `cross_val_predict` can concatenate; of an y of one string
            per sample, an array of strings.
        """
        check_is_fitted(self)
        labels = self._predict(X, *more)
        if self.transformer_ is None:
            return labels
        labels = self.transformer_.inverse_transform(labels)
        if self._single:
            return np.array([label for (label,) in labels])
        return _objects(labels) if isinstance(labels, list) else labels

    def _predict(self, *arrays: Any) -> Any:
        """Return predictions in the form of the transformed y."""
        if self._choices is None:
            return self.classifier_.predict(*arrays)
        logits = label_logits(self.classifier_, arrays, len(self.transformer_.classes_))
        return choose_labels(logits, self.transformer_, self._choices, self._single)

    def score(
        self, X: Any, y: Any, *more: Any, sample_weight: Any = None, **score_params: Any
    ) -> float:
        """Score with the classifier's own `score`, or by the accuracy of `predict`.

        The accuracy of label sets is the share of samples with all labels correct. It is that of
        `predict` if each sample gets at least one label and that of the classifier is accuracy.

        Parameters
        ----------
        X, y, *more : as in `fit`
            Samples and labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the samples.
        **score_params : dict
            Metadata for the `score` of the classifier, as in `fit`.

        Returns
        -------
        float
            The score.
        """
        check_is_fitted(self)
        *arrays, y = (X, y, *more)
        params = self._routed("score", sample_weight, score_params)
        y = _transformed(self.transformer_, y)
        score: float
        if self._choices is None or not scores_accuracy(self.classifier_):
            score = self.classifier_.score(*arrays, y, **params)
        else:
            score = accuracy_score(y, self._predict(*arrays), **params)
        return score

    @available_if(_classifier_has("predict_proba"))
    def predict_proba(self, X: Any, *more: Any) -> Any:
        """Return the probabilities of the classifier.

        Parameters
        ----------
        X, *more : as in `fit`
            The samples.

        Returns
        -------
        ndarray of shape (n, n_classes) or (n, n_labels)
            The output of the classifier, usually an array.
        """
        check_is_fitted(self)
        probabilities = self.classifier_.predict_proba(X, *more)
        known = getattr(self.transformer_, "hierarchy_", None)
        if labels_of(probabilities) is None and not self._inverse_classes:
            remember_labels(probabilities, known)
        return probabilities

    @available_if(_classifier_has("predict_log_proba"))
    def predict_log_proba(self, X: Any, *more: Any) -> Any:
        """Return the logarithms of the probabilities of the classifier.

        Parameters
        ----------
        X, *more : as in `fit`
            The samples.

        Returns
        -------
        ndarray of shape (n, n_classes) or (n, n_labels)
            The output of the classifier, usually an array.
        """
        check_is_fitted(self)
        return self.classifier_.predict_log_proba(X, *more)

    @available_if(_classifier_has("decision_function"))
    def decision_function(self, X: Any, *more: Any) -> Any:
        """Return the decision function of the classifier.

        Parameters
        ----------
        X, *more : as in `fit`
            The samples.

        Returns
        -------
        ndarray of shape (n,), (n, n_classes) or (n, n_labels)
            The output of the classifier.
        """
        check_is_fitted(self)
        return self.classifier_.decision_function(X, *more)

    @property
    def classes_(self) -> Any:
        """The original classes, or those of the indicator's columns."""
        classes = self._of_fitted("classifier_", "classes_")
        return self.transformer_.inverse_transform(classes) if self._inverse_classes else classes

    @property
    def hierarchy_(self) -> Any:
        """The hierarchy of the transformer."""
        return self._of_fitted("transformer_", "hierarchy_")

    @property
    def label_names_(self) -> Any:
        """The names of the labels that the classifier knows."""
        classifier = self._of_fitted("classifier_")
        while isinstance(classifier, Pipeline):
            classifier = classifier[-1]
        return classifier.label_names_

    @property
    def n_features_in_(self) -> Any:
        """The number of features that the classifier saw in `fit`."""
        return self._of_fitted("classifier_", "n_features_in_")

    @property
    def feature_names_in_(self) -> Any:
        """The names of the features that the classifier saw in `fit`."""
        return self._of_fitted("classifier_", "feature_names_in_")

    def get_metadata_routing(self) -> Any:
        """Return the routing of metadata, see scikit-learn's user guide.

        Returns
        -------
        MetadataRouter
            The routing, from `fit` and `score` to those of the classifier.
        """
        methods = MethodMapping()
        for method in ("fit", "score"):
            methods.add(caller=method, callee=method)
        return MetadataRouter(owner=self).add(
            classifier=self._classifier(), method_mapping=methods
        )

    def _of_fitted(self, part: str, name: str | None = None) -> Any:
        """Return an attribute of a fitted part; before `fit` there is none (AttributeError)."""
        if part not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")
        fitted = vars(self)[part]
        return fitted if name is None else getattr(fitted, name)

    def _classifier(self) -> Any:
        if self.classifier is not None:
            return self.classifier
        classifier = LogisticRegression()
        if get_config()["enable_metadata_routing"]:
            classifier.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        return classifier

    def _fitted_transformer(self, y: Any) -> Any:
        if self.transformer is None:
            return None
        if getattr(getattr(y, "dtype", None), "kind", None) == "f":
            # An encoder would accept every number, and NaN, as a class.
            assert_all_finite(y, input_name="y")
            check_classification_targets(y)
        if isinstance(self.transformer, LABEL_SETS):
            by_itself = isinstance(self.transformer, HierarchyLabelBinarizer)  # it checks lists
            known = getattr(self.transformer, "classes", None) is not None
            refuse_indicator(y, lists=not by_itself, known=known)
        transformer = clone(self.transformer)
        if hasattr(transformer, "set_output"):
            transformer.set_output(transform="default")  # its output is y
        return transformer.fit(y)

    def _routed(self, method: str, sample_weight: Any, params: dict[str, Any]) -> dict[str, Any]:
        if sample_weight is not None:
            params = {"sample_weight": sample_weight, **params}
        if get_config()["enable_metadata_routing"]:
            routed: dict[str, Any] = process_routing(self, method, **params)["classifier"][method]
            return routed
        return params

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        of_classifier = get_tags(self._classifier())
        tags.input_tags = of_classifier.input_tags
        tags.non_deterministic = of_classifier.non_deterministic
        if of_classifier.classifier_tags is not None:
            tags.classifier_tags = of_classifier.classifier_tags
        if self.transformer is None:
            tags.target_tags = of_classifier.target_tags
        else:  # the tags of the classifier are for the transformed y
            tags.classifier_tags.multi_label = False
        return tags


def _objects(labels: list[Any]) -> Array:
    """Return label sets as a 1-D array; numpy would convert a list of pairs to a table."""
    out = np.empty(len(labels), dtype=object)
    for i, label in enumerate(labels):
        out[i] = label
    return out


def _transformed(transformer: Any, y: Any) -> Any:
    return y if transformer is None else transformer.transform(y)


def _pass_hierarchy(transformer: Any, y: Any, classifier: Any) -> None:
    """Set every parameter `hierarchy` of the classifier that is None, and order the others."""
    own: LabelHierarchy | None = getattr(transformer, "hierarchy_", None)
    names = getattr(transformer, "classes_", None)
    if names is None or getattr(y, "shape", ())[1:] != (len(names),):
        names = None  # y has one column of classes, or others
    params = {
        name: own if value is None else order_hierarchy(value, names, "the transformed y")
        for name, value in classifier.get_params().items()
        if name.split("__")[-1] == "hierarchy"
    }
    classifier.set_params(**params)


def _transformed_eval_set(name: str, eval_set: Any, transformer: Any) -> tuple[Any, ...] | None:
    if eval_set is None:
        return None
    if not isinstance(eval_set, tuple) or len(eval_set) < 2:
        raise TypeError(f"{name} must be a tuple (X_val, y_val), got {type(eval_set).__name__}.")
    *arrays, y = eval_set
    return (*arrays, _transformed(transformer, y))
