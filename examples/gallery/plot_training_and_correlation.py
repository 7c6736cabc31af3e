"""
Learning curves, and errors of the correlation tower
====================================================

Check two things before you use a model: whether it was trained long enough, and whether its
correlation tower separates videos with correlated audio from videos with unrelated audio. This
example plots both for synthetic videos, a quarter of which have unrelated audio.
"""

# %%
# A tower, and a classifier that uses it
# --------------------------------------
# The tower is trained first, on positive pairs (video and audio of the same video) and negative
# pairs (of different videos). The classifier uses it frozen, and does not change it.

from sklearn.frozen import FrozenEstimator

from sk_crossmodal import (
    CorrelationTower,
    CrossModalRNNClassifier,
    HierarchyLabelBinarizer,
)
from sk_crossmodal.datasets import make_crossmodal_videos
from sk_crossmodal.inspection import CorrelationDisplay, TrainingCurveDisplay

train = make_crossmodal_videos(1500, random_state=0)
test = make_crossmodal_videos(400, random_state=1)
labels = HierarchyLabelBinarizer(hierarchy=train.hierarchy)
y_train, y_test = labels.fit_transform(train.target), labels.transform(test.target)
tower = CorrelationTower(
    encoder="mean",
    encoder_params={"d_model": 128},
    hidden_layer_sizes=(128,),
    negative_weight=1.0,
    hierarchy=train.hierarchy,
    lr=4e-3,
    batch_size=64,
    max_epochs=20,
    random_state=0,
)
tower.fit(train.data, y_train)
classifier = CrossModalRNNClassifier(
    fusion="cross_modal_gated",
    correlation_tower=FrozenEstimator(tower),
    rnn_type=None,
    n_clusters=4,
    hidden_size=64,
    hierarchy=train.hierarchy,
    lr=1e-2,
    batch_size=64,
    max_epochs=30,
    random_state=0,
)
classifier.fit(train.data, y_train)

# %%
# Learning curves
# ---------------
# With 1000 videos or more, some are held out. When their loss stops falling, the learning rate is
# divided by ten; later, training stops and the weights of the best epoch are restored. All three
# events are marked.

TrainingCurveDisplay.from_estimator(classifier)

# %%
# The tower on test videos
# ------------------------
# As in Figure 9 of Goyal et al. (2020). The filled areas are errors: positive pairs below the
# threshold (FNR), and negative pairs above it (FPR). FNR cannot be zero, as a quarter of the
# positive pairs have unrelated audio.

CorrelationDisplay.from_estimator(tower, test.data, y_test)

# %%
# A higher threshold
# ------------------
# The hard gate opens above 0.5. With a threshold of 0.7, fewer negative pairs would pass, and
# fewer positive pairs as well.

CorrelationDisplay.from_estimator(tower, test.data, y_test, threshold=0.7)
