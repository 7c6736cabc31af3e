"""Descriptions of the models of each data set, and of the choice of their settings."""

import settings

from sk_crossmodal import classification

KINDS = {
    "CrossModalTransformerClassifier": "Transformer",
    "CrossModalNetVLADClassifier": "NetVLAD",
    "CrossModalRNNClassifier": "Attention RNN",
}
ROW_NAMES = {
    "E": "early fusion",
    "L": "late fusion",
    "CM": "attention of the other modalities influences each modality, without a tower",
    "CM-G": "with influence only where the tower predicts correlation (a hard gate)",
    "CM-G soft": "with influence times the tower's probability p (a soft gate)",
    "CM-C": "with influence always, and p as an input of every frame and of F",
    "L+p": "control: late fusion with p as an input of every frame",
    "CM-C self": "control: CM-C with influence of the modality's own attention",
}
CHOSEN = {
    "synthetic": (
        "Width, epochs and learning rate are those of examples/demo.py, selected on videos of "
        "seeds 0 and 1, which are part of this comparison. The numbers of clusters of NV (2) and "
        "RNN (1) were selected on videos of seeds 50 to 52, which are not part of it, such that "
        "late fusion is better than early fusion: with 3 or more clusters, or over the states of "
        "a GRU, it was not, and NV-16 and GRU-8 show the same here."
    ),
    "youtube8m": (
        "Learning rate and size of NV and RNN were selected on the last 8 of the 48 training "
        "shards, which were held out; those of TM and of the tower were selected earlier on these "
        "test shards, so their errors are too low by an unknown amount (on the held-out training "
        "shards, the GAP error of late fusion was 18.65 % for TM with this learning rate, 19.02 % "
        "with twice this learning rate, 17.14 % for NV and 17.50 % for RNN)."
    ),
    "corsmal": (
        "Four settings of the RNN family (clusters, scaling of frames, dropout, schedule) were "
        "tried on these folds before the settings were fixed for all families, and so was the "
        "package's scaling of frames; the settings of the tower were not searched."
    ),
}


def family_name(data_set, family):
    """Describe the models of a family, by their settings for a data set."""
    estimator, kind = settings.FAMILIES[family], settings.kind_of(data_set)
    params = getattr(classification, estimator)().get_params() | settings.SETTINGS[kind][family]
    n_clusters, over = params.get("n_clusters"), params.get("rnn_type")
    if estimator == "CrossModalRNNClassifier":
        pooled = "one attention" if n_clusters == 1 else f"{n_clusters} clusters"
        frames = "the frame itself" if kind == "youtube8m" else "the frames themselves"
        states = f"a {over.upper()}'s states" if over else f"{frames}, no recurrent layer"
        return f"{KINDS[estimator]}: {pooled} over {states}"
    return f"{KINDS[estimator]}, {n_clusters} clusters" if n_clusters else KINDS[estimator]


def family_points(results):
    """Return descriptions of families, fusions and baselines, as points."""
    families = [f"**{name}**: {family_name(results.data_set, name)}" for name in results.families]
    rows = "; ".join(f"**{settings.HEADINGS[row]}**: {ROW_NAMES[row]}" for row in settings.ROWS)
    points = [*families, f"Fusions of each family: {rows}."]
    baselines = settings.BASELINES[settings.kind_of(results.data_set)]
    if baselines:
        points.append(f"Baselines without fusion and tower: {', '.join(baselines)}.")
    return points
