"""
Attention, and the influence of one modality on another
=======================================================

In many videos, one modality shows when to attend to another: a splash is heard, and the falling
object is seen a moment later. A cross-modal classifier learns such shifts in time. This example
trains a classifier on synthetic videos, in which a sound comes three to five seconds before the
relevant scene. It plots the attention to one video, as in Figure 1 of Goyal et al. (2020), and
the learned influence itself.
"""

# %%
# Videos and a classifier
# -----------------------
# Each video shows its true scene and two scenes of other labels; only the sound shows which scene
# is the true one. NetVLAD with a few clusters learns this within seconds.

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
# We select the video in which the influence changes the attention most. Before the influence,
# NetVLAD weighs all frames equally. After it, the attention is high around the true scene, which
# is shaded, although the sound came earlier. Images or words can be shown along the top, at a
# given second; here they are words.

attention = classifier.attention_weights(test.data)["video"]
row = int(np.abs(attention.after - attention.before).sum(1).argmax())
sound, scene = test.event[row], test.scene[row]
AttentionDisplay.from_estimator(
    classifier,
    test.data[[row]],
    spans={"audio": sound, "video": scene},
    thumbnails={sound[0] + 0.5: "the sound starts", scene[0] + 0.5: "the true scene starts"},
    title=f"A video of {test.target[row][0]}",
)

# %%
# What the influence learned
# --------------------------
# The influence F of one modality on another is a small network along the time axis. Each column of
# the plot shows the response of the attention to the target, when the attention to the source
# increases a little at one second; dots mark the largest responses. From audio to video they lie
# on a line a few seconds above the dotted diagonal: the classifier has learned that the scene
# follows the sound. The plot says so if the responses do not lie on a line.

display = InfluenceDisplay.from_estimator(classifier, test.data)

# %%
# The lines as numbers: target = shift + stretch × source, in seconds. In these videos, the sound
# starts three to five seconds before the scene.

for (source, target), line in display.lines_.items():
    print(f"{source} → {target}: {line}")
