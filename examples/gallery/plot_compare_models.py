"""
Compare fusions, with confidence intervals
==========================================

We train several fusions on the same synthetic videos, and compare them on the same test videos: by
level of the label hierarchy, and by category. The intervals are paired: all models are scored on
the same resamples of the test videos. So a difference can be significant even if the intervals
of the two error rates overlap.
"""

# %%
# Videos and models
# -----------------
# In these videos, a sound comes a few seconds before its source is seen. Models and data are
# small, so that this page builds in seconds; longer training gives other numbers.
from sk_crossmodal import CrossModalNetVLADClassifier, HierarchyLabelBinarizer
from sk_crossmodal.datasets import make_crossmodal_videos

train = make_crossmodal_videos(500, branching=(6, 2, 1, 1), random_state=0)
test = make_crossmodal_videos(300, branching=(6, 2, 1, 1), random_state=1)
labels = HierarchyLabelBinarizer(hierarchy=train.hierarchy).fit(train.target)
Y, Y_test = labels.transform(train.target), labels.transform(test.target)

models = {
    fusion: CrossModalNetVLADClassifier(
        fusion=fusion,
        n_clusters=4,
        hidden_size=32,
        cross_modal_layer_sizes=(16,),
        lr=5e-3,
        batch_size=64,
        max_epochs=6,
        early_stopping=False,
        random_state=0,
    ).fit(train.data, Y)
    for fusion in ("early", "late", "cross_modal")
}

# %%
# The table
# ---------
# A star marks differences to the baseline whose 95 % interval excludes 0. In a notebook,
# ``report`` shows an HTML table, and ``report.to_frame(intervals=True)`` is a data frame.
from sk_crossmodal.inspection import compare_predictions

scores = {name: model.predict_proba(test.data) for name, model in models.items()}
report = compare_predictions(Y_test, scores, labels.hierarchy_, baseline="late", n_resamples=500)
print(report)

# %%
# The plot
# --------
# There is one dot per model and level. It is filled if the difference to the baseline is
# significant for these test videos. To see the variation over random seeds, pass the reports of
# several seeds to :func:`~sk_crossmodal.inspection.compare_report`.
from sk_crossmodal.inspection import ErrorRatesDisplay

ErrorRatesDisplay.from_report(report)

# %%
# Gains by category
# -----------------
# The gain of cross-modal influence over late fusion, by top-level category. Pale bars have an
# interval that contains 0, as is common for categories with few videos.
from sk_crossmodal.inspection import CategoryGainDisplay

two = {name: scores[name] for name in ("late", "cross_modal")}
CategoryGainDisplay.from_predictions(Y_test, two, labels.hierarchy_, n_resamples=500)
