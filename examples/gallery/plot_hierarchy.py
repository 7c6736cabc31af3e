"""
Which labels does a model know?
===============================

The label tree, with how many videos each label has and how large its error is. Rare labels far
down in the tree are often the ones that a model does not know.
"""

# %%
# A small model
# -------------
# It is trained for a few seconds, so that there is something to see in the picture.
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
# A line a label; the bar is as long as the label has test videos, and the darker the larger the
# label's error is. y may be label paths: the hierarchy knows what stands above them.
from sk_crossmodal.inspection import HierarchyDisplay

display = HierarchyDisplay.from_estimator(
    classifier, test.data, test.target, labels.hierarchy_, max_depth=2
)

# %%
# Looking into a category
# -----------------------
# ``root`` is the label to begin with; here it is the one with most videos. With thousands of
# labels, ``max_nodes`` keeps the picture readable: where labels are left out stands how many.
largest = max(
    labels.hierarchy_.roots, key=lambda node: display.support[labels.hierarchy_.index(node)]
)
display.plot(root=largest, max_nodes=20)
