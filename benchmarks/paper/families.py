"""What the models of each data set are, and how their settings were chosen."""

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
    "CM": "attention of each modality is moved by the others', without a tower",
    "CM-G": "so, where the tower finds the modalities correlated (a hard gate)",
    "CM-G soft": "so, as far as the tower finds them correlated",
    "CM-C": "so, always, with the tower's p beside every frame and as an input of F",
    "L+p": "control: late fusion that sees the tower's p",
    "CM-C self": "control: CM-C moved by the modality's own attention",
}
CHOSEN = {
    "synthetic": (
        "Width, epochs and learning rate are those of examples/demo.py, chosen on videos of seeds "
        "0 and 1, which are among these. The numbers of clusters of NV (2) and RNN (1) were "
        "chosen on videos of seeds 50 to 52, which are not, as ones with which late fusion is "
        "ahead of early fusion: with 3 clusters and more, or over the states of a GRU, it was "
        "not there, and NV-16 and GRU-8 show the same here."
    ),
    "youtube8m": (
        "Learning rate and size of NV and RNN were chosen on the last 8 of the 48 training "
        "shards, held out for that; those of TM and of the tower were chosen earlier, in tries "
        "that looked at these test shards, so they are too good by an unknown amount (on the same "
        "held-out training shards TM-L had a GAP error of 18.65 % with this learning rate and "
        "19.02 % with twice as much, NV-L 17.14, RNN-L 17.50)."
    ),
    "corsmal": (
        "Four settings of the RNN family were tried on these folds (clusters, scaling of frames, "
        "dropout, schedule) before these were fixed for all families, and the package's scaling "
        "of frames was chosen after seeing them too; the tower's settings were not searched."
    ),
}


def family_name(data_set, family):
    """Say what the models of a family are, by the settings that a data set has for it."""
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
    """Return what the families, their fusions and the baselines are, as points."""
    families = [f"**{name}**: {family_name(results.data_set, name)}" for name in results.families]
    rows = "; ".join(f"**{row}**: {ROW_NAMES[row]}" for row in settings.ROWS)
    points = [*families, f"Fusions of each: {rows}."]
    baselines = settings.BASELINES[settings.kind_of(results.data_set)]
    if baselines:
        points.append(f"Baselines, without fusion or tower: {', '.join(baselines)}.")
    return points
