"""
Errors in the label hierarchy
=============================

The label tree with the number of videos and the error of each label. Rare labels at the lower
levels often have the largest errors.
"""

# %%
# A small model
# -------------
# It is trained for a few seconds only.
from sk_crossmodal import CrossModalNetVLADClassifier, HierarchyLabelBinarizer
from sk_crossmodal.datasets import make_crossmodal_videos

train = make_crossmodal_videos(600, random_state=0)
test = make_crossmodal_videos(300, random_state=1)
labels = HierarchyLabelBinarizer(hierarchy=train.hierarchy).fit(train.target)

classifier = CrossModalNetVLADClassifier(
    fusion="cross_modal",
    n_clusters=4,
    hidden_size=32,
    cross_modal_layer_sizes=(16,),
    lr=5e-3,
    batch_size=64,
    max_epochs=8,
    early_stopping=False,
    random_state=0,
).fit(train.data, labels.transform(train.target))

# %%
# The upper levels
# ----------------
# There is one line per label. The length of the bar is the number of test videos, and a darker
# color means a larger error. y may be label paths, as the hierarchy knows their ancestors.
from sk_crossmodal.inspection import HierarchyDisplay

display = HierarchyDisplay.from_estimator(
    classifier, test.data, test.target, labels.hierarchy_, max_depth=2
)

# %%
# One category
# ------------
# ``root`` is the label at the top; here it is the label with most videos. With thousands of
# labels, ``max_nodes`` keeps the plot readable: it shows how many labels are left out.
largest = max(
    labels.hierarchy_.roots, key=lambda node: display.support[labels.hierarchy_.index(node)]
)
display.plot(root=largest, max_nodes=20)
