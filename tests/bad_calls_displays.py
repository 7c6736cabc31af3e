"""Invalid calls of displays of models: rows of (id, call, exceptions, message)."""

import numpy as np
from estimator_cases import fitted, fitted_tower, make_classifier, make_videos, make_y
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sk_crossmodal.inspection import (
    AttentionDisplay,
    CorrelationDisplay,
    InfluenceDisplay,
    TrainingCurveDisplay,
)

X = make_videos().data
WRONG = (ValueError, TypeError)
ONE = {"video": np.full(10, 0.1)}
EYE = np.eye(12)
ROWS = [{"train_loss": 1.0, "valid_loss": 1.0}]


def attention(**params):
    return lambda: AttentionDisplay.from_predictions(
        params.pop("before", ONE), params.pop("after", ONE), **params
    )


def influence(response=EYE, **params):
    return lambda: InfluenceDisplay.from_predictions(response, **params)


def influence_of(estimator, **params):
    return lambda: InfluenceDisplay.from_estimator(estimator, X[:2], **params)


def correlation(**params):
    return lambda: CorrelationDisplay.from_predictions([0.7], [0.2], **params)


def training(history=ROWS, **params):
    return lambda: TrainingCurveDisplay.from_predictions(history, **params)


CASES = [
    ("attention-arrays", attention(before=EYE), TypeError, r"before must be a dict .*got ndarray"),
    ("attention-no-after", attention(after=None), TypeError, r"after must be a dict .*NoneType"),
    (
        "attention-nan",
        attention(after={"video": np.full(10, np.nan)}),
        ValueError,
        r"attention to 'video' must be finite numbers of shape \(T,\), got array\(\[nan",
    ),
    (
        "attention-words",
        attention(before={"video": ["a"] * 10}),
        ValueError,
        r"attention to 'video' must be finite numbers of shape \(T,\), got shape",
    ),
    (
        "attention-no-time-step",
        attention(before={"video": []}, after={"video": []}),
        ValueError,
        r"attention to 'video' must be finite numbers of shape \(T,\), got shape",
    ),
    ("attention-nothing", attention(before={}, after={}), ValueError, r"of the same modalities"),
    (
        "thumbnail-late",
        attention(thumbnails={11: "x"}),
        ValueError,
        r"second of a thumbnail must be .* <= 10\.0, got 11",
    ),
    (
        "thumbnail-early",
        attention(thumbnails={-1: "x"}),
        ValueError,
        r"must be a number >= 0 and <= 10\.0, got -1",
    ),
    (
        "thumbnail-nan",
        attention(thumbnails={np.nan: "x"}),
        ValueError,
        r"must be a number >= 0 and <= 10\.0, got nan",
    ),
    (
        "thumbnail-name",
        attention(thumbnails={"a": "x"}),
        TypeError,
        r"must be a number >= 0 .*, got 'a'",
    ),
    ("thumbnail-list", attention(thumbnails=["word"]), ValueError, r"dict by second, or pairs"),
    ("thumbnail-text", attention(thumbnails="word"), TypeError, r"or pairs .*got str"),
    ("thumbnail-number", attention(thumbnails=3), TypeError, r"thumbnails must be .*got int"),
    (
        "thumbnail-line",
        attention(thumbnails={1: np.ones(3)}),
        ValueError,
        r"thumbnail must be a text or an image .*got an array of shape \(3,\)",
    ),
    (
        "thumbnail-channels",
        attention(thumbnails={1: np.ones((3, 3, 2))}),
        ValueError,
        r"\(h, w\[, 3 or 4\]\), got an array of shape \(3, 3, 2\)",
    ),
    ("thumbnail-none", attention(thumbnails={1: None}), ValueError, r"got .*dtype object"),
    ("influence-late", influence_of(fitted("late")), ValueError, r"has no influence F"),
    ("influence-early", influence_of(fitted("early")), ValueError, r"has no influence F"),
    (
        "influence-of-a-tower",
        influence_of(fitted_tower()),
        TypeError,
        r"`influence_response`, got CorrelationTower",
    ),
    (
        "influence-of-another",
        influence_of(make_pipeline(LogisticRegression())),
        TypeError,
        r"`influence_response`, got LogisticRegression",
    ),
    (
        "influence-of-a-search-unfitted",
        influence_of(GridSearchCV(make_classifier(), {})),
        TypeError,
        r"a fitted one .*got GridSearchCV",
    ),
    ("influence-unfitted", influence_of(make_classifier()), WRONG, r"not fitted yet"),
    (
        "influence-source",
        influence_of(fitted("cross_modal"), source="text"),
        ValueError,
        r"one of the pairs .*'audio', 'video'.*source='text'",
    ),
    (
        "influence-pair",
        influence_of(fitted("cross_modal"), source="audio", target="audio"),
        ValueError,
        r"source='audio', target='audio'",
    ),
    ("influence-vector", influence(np.ones(3)), ValueError, r"shape \(T_target, T_source\)"),
    ("influence-empty", influence(np.ones((0, 0))), ValueError, r"got shape \(0, 0\)"),
    ("influence-words", influence([["a"]]), ValueError, r"must be finite numbers .*dtype <U1"),
    (
        "influence-nan",
        influence(EYE * np.nan),
        ValueError,
        r"must be finite numbers of shape .*nan",
    ),
    ("influence-none", influence({}), ValueError, r"at least one pair"),
    ("influence-key", influence({"audio": EYE}), ValueError, r"must be \(source, target\)"),
    (
        "influence-axes",
        influence(axes=[]),
        ValueError,
        r"axes must be one for each of .*, got \(0,\)",
    ),
    ("influence-seconds", influence(seconds_per_frame=-1), ValueError, r"> 0, got -1"),
    ("correlation-threshold", correlation(threshold=2), ValueError, r">= 0 and <= 1, got 2"),
    ("correlation-threshold-nan", correlation(threshold=np.nan), ValueError, r"<= 1, got nan"),
    ("correlation-threshold-text", correlation(threshold="0.5"), TypeError, r"got '0\.5'"),
    ("correlation-threshold-bool", correlation(threshold=True), TypeError, r"got True"),
    (
        "correlation-frozen",
        lambda: CorrelationDisplay.from_estimator(LogisticRegression(), X, make_y("classes")),
        TypeError,
        r"`pair_probabilities`, got LogisticRegression",
    ),
    (
        "training-unfitted",
        lambda: TrainingCurveDisplay.from_estimator(make_classifier()),
        TypeError,
        r"`history_`, got CrossModalTransformerClassifier",
    ),
    (
        "training-of-another",
        lambda: TrainingCurveDisplay.from_estimator(LogisticRegression()),
        TypeError,
        r"`history_`, got LogisticRegression",
    ),
    ("training-dict", training({"train_loss": [1.0]}), TypeError, r"list of dict.*got dict"),
    ("training-numbers", training([1.0, 0.5]), TypeError, r"history must be a list of dict"),
    ("training-nothing", training([]), ValueError, r"must hold an epoch .*got none"),
    ("training-no-loss", training([{"valid_loss": 1.0}]), ValueError, r"with its train_loss"),
    ("training-kept", training(kept_epoch=2), ValueError, r"from 1 to 1, got 2"),
    ("training-kept-none", training(kept_epoch=0), ValueError, r"from 1 to 1, got 0"),
    ("training-kept-text", training(kept_epoch="last"), ValueError, r"from 1 to 1, got 'last'"),
    (
        "training-score",
        training(score="gap"),
        ValueError,
        r"score must be one of \['train_loss', 'valid_loss'\], got 'gap'",
    ),
]
