"""
Where a classifier looks, and why it looks there
================================================

In many videos one modality tells when to attend to another: a splash is heard, and what fell is
seen a moment later. A cross-modal classifier learns such shifts in time. This example trains one
on made-up videos whose sound comes three to five seconds before the scene that counts, and looks
at what it learned: at the attention to one video, as in Figure 1 of Goyal et al. (2020), and at
the influence itself.
"""

# %%
# Videos and a classifier
# -----------------------
# Each video shows its true scene and two others that belong to other labels; the sound tells
# which one counts. NetVLAD of a few clusters learns this within seconds.

import numpy as np

from sk_crossmodal import CrossModalNetVLADClassifier, HierarchyLabelBinarizer
from sk_crossmodal.datasets import make_crossmodal_videos
from sk_crossmodal.inspection import AttentionDisplay, InfluenceDisplay

train = make_crossmodal_videos(1200, random_state=0)
test = make_crossmodal_videos(100, random_state=1)
labels = HierarchyLabelBinarizer(hierarchy=train.hierarchy)
classifier = CrossModalNetVLADClassifier(
    fusion="cross_modal",
    n_clusters=4,
    hidden_size=64,
    hierarchy=labels.hierarchy,
    lr=2e-3,
    batch_size=64,
    max_epochs=10,
    early_stopping=False,
    random_state=0,
)
classifier.fit(train.data, labels.fit_transform(train.target))

# %%
# Attention before and after the influence
# ----------------------------------------
# We take the video whose attention the influence moves most. NetVLAD weighs every moment alike
# before the influence; after it, the video is looked at around the scene, which is shaded, though
# the sound was there earlier. Frames of the video, or words, may stand along the top at their
# seconds: here they are words.

attention = classifier.attention_weights(test.data)["video"]
row = int(np.abs(attention.after - attention.before).sum(1).argmax())
sound, scene = test.event[row], test.scene[row]
AttentionDisplay.from_estimator(
    classifier,
    test.data[[row]],
    spans={"audio": sound, "video": scene},
    thumbnails={sound[0] + 0.5: "the sound begins", scene[0] + 0.5: "the true scene begins"},
    title=f"A video of {test.target[row][0]}",
)

# %%
# What the influence learned
# --------------------------
# The influence F of one modality on another is a small network along time. Each column of the
# picture shows how the attention to the target answers to a little more attention to the source
# at one second; dots mark the largest answers. From audio to video they lie on a line a few
# seconds above the diagonal, which is dotted: the classifier has found by itself that what counts
# is seen after it is heard. Where answers lie on no line, the picture says so.

display = InfluenceDisplay.from_estimator(classifier, test.data)

# %%
# The lines as numbers: target = shift + stretch × source, in seconds. In these videos the sound
# begins three to five seconds before the scene.

for (source, target), line in display.lines_.items():
    print(f"{source} → {target}: {line}")
