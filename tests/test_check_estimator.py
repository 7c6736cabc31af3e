"""Every estimator passes scikit-learn's own checks, with no failure expected."""

from collections import Counter

import pytest
from discovery import kind_of, small_instances
from estimator_cases import make_classifier, make_tower
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sk_crossmodal import HierarchyLabelBinarizer
from sk_crossmodal.compose import ModalityTransformer, TransformedTargetClassifier

# The checks need enough epochs to learn, exact numbers, and all rows in one batch.
LEARNING = {"max_epochs": 30, "lr": 1e-2, "precision": "float64", "batch_size": 1000}
# The default tower, of the classifier's own size, would take most of the time.
SMALL_TOWER = make_tower(**{**LEARNING, "max_epochs": 3}, dropout=0.0)
# Two modalities, whatever the number of columns: the checks have tables of various widths.
TWO = {"modalities": {"video": slice(0, None, 2), "audio": slice(1, None, 2)}}
INSTANCES = dict(small_instances(**LEARNING, **TWO, correlation_tower=SMALL_TOWER))
FOR_TOWER = {
    "transformer": {"d_model": 8, "n_heads": 2},
    "netvlad": {"n_clusters": 3, "hidden_size": 8},
    "rnn": {"n_clusters": 3, "hidden_size": 8},
}
OTHERS = {
    "CrossModalTransformerClassifier-own tower": make_classifier(**LEARNING, **TWO, dropout=0.0),
    "CrossModalTransformerClassifier-one modality": make_classifier(
        **LEARNING, dropout=0.0, fusion="late"
    ),
    "CorrelationTower-equal parts": make_tower(
        **LEARNING, dropout=0.0, modalities=["video", "audio"]
    ),
    **{
        f"CorrelationTower-{encoder}": make_tower(
            **LEARNING, **TWO, dropout=0.0, encoder=encoder, encoder_params=params
        )
        for encoder, params in FOR_TOWER.items()
    },
    "TransformedTargetClassifier-LabelEncoder": TransformedTargetClassifier(
        LogisticRegression(), transformer=LabelEncoder()
    ),
    "TransformedTargetClassifier-late": TransformedTargetClassifier(
        make_classifier(**LEARNING, dropout=0.0, fusion="late"), transformer=LabelEncoder()
    ),
    "HierarchyLabelBinarizer-sparse": HierarchyLabelBinarizer(sparse_output=True),
    "ModalityTransformer-blocks": ModalityTransformer(remainder=IncrementalPCA(1), block_size=8),
    "ModalityTransformer-labels": ModalityTransformer(
        {"video": SelectKBest(k=1)}, remainder="drop"
    ),
    "ModalityTransformer-PCA": ModalityTransformer(
        {"video": PCA(1)}, remainder=StandardScaler(), **TWO
    ),
}


# One of each kind: any of its families, fusions, encoders or transformers.
@pytest.mark.sample(1, by=("kind",))
@pytest.mark.parametrize(("kind", "name"), [(kind_of(n), n) for n in [*INSTANCES, *OTHERS]])
# scikit-learn passes tables of 0 and 1 to the binarizer, which could be an indicator.
@pytest.mark.filterwarnings("ignore:There are no labels other than 0 and 1:UserWarning")
@pytest.mark.filterwarnings("ignore:.* so the .* features of X are split into:UserWarning")
def test_check_estimator(kind, name, record_property):
    estimator = {**INSTANCES, **OTHERS}[name]
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    counts = Counter(result["status"] for result in results)
    record_property("estimator", name)
    record_property("run", counts["passed"] + counts["failed"] + counts["xfail"])
    for status, key in (("failed", "failed"), ("xfail", "expected"), ("skipped", "skipped")):
        record_property(key, counts[status])
    bad = {r["check_name"]: repr(r["exception"]) for r in results if r["status"] != "passed"}
    # Older versions of SciPy have no array API for scikit-learn.
    bad = {check: why for check, why in bad.items() if "SCIPY_ARRAY_API" not in why}
    assert not bad
    assert counts["passed"] > 40
