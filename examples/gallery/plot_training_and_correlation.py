"""
How training went, and whom the tower trusts
============================================

Two things are worth a look before a model is trusted: whether it was trained long enough, and
whether its correlation tower can tell videos whose sound belongs to them from videos whose sound
does not. This example draws both for a model of made-up videos, a quarter of which have a
soundtrack that has nothing to do with them.
"""

# %%
# A tower, and a classifier that uses it
# --------------------------------------
# The tower is trained first. It learns from pairs of video and audio that belong together and
# from pairs that do not; the classifier gets it frozen, and does not change it.

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
# From 1000 videos on some are held out. When their loss stops falling the learning rate is
# divided by ten, then training stops, and the weights of the best epoch are restored: all three
# are marked.

TrainingCurveDisplay.from_estimator(classifier)

# %%
# The tower on videos it has not seen
# -----------------------------------
# As in Figure 9 of Goyal et al. (2020). What lies on the wrong side of the threshold is filled:
# matching pairs that the tower would not trust (FNR), and mismatched ones that it would (FPR).
# The first cannot all be told: some of these videos really have the wrong sound.

CorrelationDisplay.from_estimator(tower, test.data, y_test)

# %%
# A gate that opens later
# -----------------------
# The hard gate opens above 0.5. Were it to open above 0.7 only, fewer mismatched pairs would pass,
# and fewer matching ones.

CorrelationDisplay.from_estimator(tower, test.data, y_test, threshold=0.7)
