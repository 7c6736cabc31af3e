"""
Fine-tuning for new labels with few videos
==========================================

A classifier trained on many videos has learned which frames are relevant, and how the modalities
are correlated. If there are only few videos with new labels, start from it: `pretrained` copies
all weights except those of the last layer. Here there are eight old labels and three new ones,
and we compare the accuracy with 16, 32 and 64 videos.
"""

# %%
# Many videos with old labels, few with new ones
# ----------------------------------------------
# Each new label combines several old labels; the new classifier does not know which.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sk_crossmodal import CrossModalTransformerClassifier
from sk_crossmodal.datasets import make_crossmodal_videos


def old_and_new(n_videos, seed):
    """Return videos, their old labels and their new labels."""
    videos = make_crossmodal_videos(
        n_videos,
        branching=(8, 1, 1, 1),
        n_frames=(10, 14),
        n_features={"video": 32, "audio": 16},
        n_distractors=1,
        scene_frames=(1, 2),
        lead=(1, 2),
        video_noise=0.8,
        audio_noise=0.8,
        random_state=seed,
    )
    names = [path.split(":")[0] for (path,) in videos.target]
    old = np.unique(names, return_inverse=True)[1]
    return videos.data, old, np.array(["red", "green", "blue"])[old % 3]


X_many, old, _ = old_and_new(600, 0)
X_few, _, new = old_and_new(64, 1)
X_test, _, truth = old_and_new(400, 2)

# %%
# Train on the old labels
# -----------------------
# ``FrozenEstimator`` keeps the classifier fitted when scikit-learn clones the outer estimator.

classifier = CrossModalTransformerClassifier(
    fusion="late",
    d_model=16,
    n_heads=2,
    lr=5e-3,
    batch_size=32,
    max_epochs=8,
    random_state=0,
)
pretrained = FrozenEstimator(clone(classifier).fit(X_many, old))

# %%
# Train on the new labels
# -----------------------
# From scratch; from the pretrained weights; and from the pretrained weights with frozen towers, so
# that only the head is trained.

few = clone(classifier).set_params(batch_size=8, max_epochs=12)
classifiers = {
    "from scratch": few,
    "pretrained": clone(few).set_params(pretrained=pretrained),
    "pretrained, towers frozen": clone(few).set_params(
        pretrained=pretrained,
        freeze_towers=True,
    ),
}
sizes = [16, 32, 64]
accuracy = {
    name: [100 * clone(each).fit(X_few[:n], new[:n]).score(X_test, truth) for n in sizes]
    for name, each in classifiers.items()
}

# %%
# Accuracy
# --------

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
styles = zip(("#7f7f7f", "#0072B2", "#D55E00"), ("s:", "o-", "^--"), strict=True)
for (name, values), (color, style) in zip(accuracy.items(), styles, strict=True):
    ax.plot(sizes, values, style, color=color, label=name)
ax.set_xscale("log", base=2)
ax.set_xticks(sizes, sizes)
ax.set_xlabel("videos with new labels")
ax.set_ylabel("accuracy on 400 test videos (%)")
ax.legend(frameon=False, loc="lower right")
plt.show()
