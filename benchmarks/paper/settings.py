"""Data sizes, families, fusions and hyperparameters of the runs."""

FAMILIES = {
    "TM": "CrossModalTransformerClassifier",
    "NV": "CrossModalNetVLADClassifier",
    "RNN": "CrossModalRNNClassifier",
    # On synthetic videos also with many clusters, and with attention over the states of a GRU.
    "NV-16": "CrossModalNetVLADClassifier",
    "GRU-8": "CrossModalRNNClassifier",
}
ROWS = {  # names of the paper, and of stored runs
    "E": {"fusion": "early"},
    "L": {"fusion": "late"},
    "CM": {"fusion": "cross_modal"},
    "CM-G": {"fusion": "cross_modal_gated"},
    "CM-G soft": {"fusion": "cross_modal_gated", "gate": "soft"},
    "CM-C": {"fusion": "cross_modal_concat"},
    # Controls: late fusion with the tower's probability, and F applied to the target's attention.
    "L+p": {"fusion": "cross_modal_concat", "influence": "none"},
    "CM-C self": {"fusion": "cross_modal_concat", "influence": "self"},
}
CONTROLS = ("L+p", "CM-C self")
HEADINGS = {  # parameter values, with the paper's names in brackets
    "E": "early (E)",
    "L": "late (L)",
    "CM": "cross_modal (CM)",
    "CM-G": "cross_modal_gated (CM-G)",
    "CM-G soft": "cross_modal_gated, soft (CM-G soft)",
    "CM-C": "cross_modal_concat (CM-C)",
    "L+p": "late + tower (L+p)",
    "CM-C self": "self-influence (CM-C self)",
}

DATA_SETS = {  # values of --data, and their data sets
    "synthetic": ("synthetic",),
    "youtube8m": ("youtube8m",),
    "corsmal": ("corsmal_type", "corsmal_level"),
}

# n_seeds: default number of seeds (for CORSMAL, of folds). weight_seeds, encoder_seeds: number of
# seeds with towers of Figure 8, and with towers of other encoders. search: number of training
# videos of seed 0 and of folds, or None for no search.
_YOUTUBE8M = {"data": {"min_frequency": 30}, "encoder_seeds": 1, "search": None}
_CORSMAL = {  # one fold per seed
    "n_seeds": 3,
    "data": {},
    "weight_seeds": 3,
    "encoder_seeds": 1,
    "search": None,
}
_SYNTHETIC = {"data": {"n_train": 2500, "n_test": 1000}, "encoder_seeds": 1}
SIZES = {
    "small": {
        "synthetic": {
            **_SYNTHETIC,
            "n_seeds": 3,
            "weight_seeds": 3,
            "search": {"n_videos": 1200, "n_folds": 3},
        },
        "youtube8m": {**_YOUTUBE8M, "n_seeds": 1, "weight_seeds": 1},
        "corsmal": _CORSMAL,
    },
    "full": {
        "synthetic": {
            **_SYNTHETIC,
            "n_seeds": 5,
            "weight_seeds": 5,
            "search": {"n_videos": 2500, "n_folds": 3},
        },
        "youtube8m": {**_YOUTUBE8M, "n_seeds": 3, "weight_seeds": 3},
        "corsmal": _CORSMAL,
    },
}

NEGATIVE_WEIGHTS = (1.0, 2.0, 4.0, 8.0)
SHARED_WEIGHT = 2.0  # of the tower that all classifiers use
F_SIZES = ((32,), (64,), (64, 64), (64, 64, 64))

# The classifiers use the tower with this encoder.
TOWERS = {
    "synthetic": {
        "encoder": "mean",
        "hidden_layer_sizes": (128,),
        "lr": 2e-3,
        "batch_size": 64,
        "max_epochs": 20,
    },
    "youtube8m": {
        "encoder": "mean",
        "hidden_layer_sizes": (256,),
        "dropout": 0.3,
        "lr": 1e-3,
        "lr_schedule": "cosine",
        "batch_size": 64,
        "max_epochs": 20,
        "early_stopping": False,
        "weight_decay": 2.0,
    },
    "corsmal": {
        "encoder": "mean",
        "hidden_layer_sizes": (128,),
        "lr": 1e-3,
        "batch_size": 32,
        "max_epochs": 30,
    },
}
ENCODERS = {  # parameters of each encoder of a tower
    "synthetic": {
        "mean": {"d_model": 128},
        "transformer": {"d_model": 64, "n_heads": 4},
        "netvlad": {"n_clusters": 16, "hidden_size": 64},
        "rnn": {"n_clusters": 8, "hidden_size": 64},
    },
    "youtube8m": {"mean": {"d_model": 512}},  # one frame per video: other encoders are equivalent
    "corsmal": {
        "mean": {"d_model": 128},
        "transformer": {"d_model": 128, "n_heads": 4},
        "netvlad": {"n_clusters": 16, "hidden_size": 64},
        "rnn": {"n_clusters": 8, "hidden_size": 64},
    },
}

# The towers have seen all training videos, so none of them can be held out.
_SHARED = {
    "synthetic": {"lr": 2e-3, "batch_size": 64, "max_epochs": 15, "early_stopping": False},
    "youtube8m": {
        "dropout": 0.3,
        "lr": 5e-4,
        "lr_schedule": "cosine",
        "max_epochs": 10,
        "early_stopping": False,
    },
    "corsmal": {
        "dropout": 0.3,
        "weight_decay": 0.1,
        "label_smoothing": 0.1,
        "lr": 1e-3,
        "batch_size": 32,
        "max_epochs": 40,
        "early_stopping": False,
    },
}
SETTINGS = {  # of the families that are trained on each data set
    "synthetic": {
        "TM": {**_SHARED["synthetic"], "d_model": 64, "n_heads": 4},
        "NV": {**_SHARED["synthetic"], "n_clusters": 2, "hidden_size": 64},
        "RNN": {**_SHARED["synthetic"], "rnn_type": None, "n_clusters": 1, "hidden_size": 64},
        "NV-16": {**_SHARED["synthetic"], "n_clusters": 16, "hidden_size": 64},
        "GRU-8": {**_SHARED["synthetic"], "n_clusters": 8, "hidden_size": 64},
    },
    "youtube8m": {  # one frame per video: more clusters are equivalent
        "NV": {**_SHARED["youtube8m"], "lr": 2e-3, "n_clusters": 8, "hidden_size": 256},
        "RNN": {
            **_SHARED["youtube8m"],
            "lr": 2e-3,
            "rnn_type": None,
            "n_clusters": 1,
            "hidden_size": 512,
        },
        "TM": _SHARED["youtube8m"],
    },
    "corsmal": {
        "TM": {**_SHARED["corsmal"], "d_model": 128, "n_heads": 4},
        "NV": {**_SHARED["corsmal"], "n_clusters": 16, "hidden_size": 128},
        "RNN": {**_SHARED["corsmal"], "n_clusters": 8, "hidden_size": 128},
    },
}
BASELINES = {
    "synthetic": {},
    "youtube8m": {
        "linear": {"hidden": 0, "max_epochs": 12},
        "MLP": {"hidden": 1024, "max_epochs": 12},
    },
    "corsmal": {
        "logistic regression": {"max_iter": 2000},
        # The plain recurrent network that is usual for these recordings.
        "plain GRU": {"hidden_size": 64, "max_epochs": 60, "weight_decay": 0.01},
    },
}


def kind_of(data_set):
    """Return the value of --data for a data set."""
    return next(kind for kind, names in DATA_SETS.items() if data_set in names)


def heading(name):
    """Return the heading of a model or of a baseline: "TM-L" is "TM late (L)"."""
    for family in FAMILIES:
        if name.removeprefix(f"{family}-") in HEADINGS:
            return f"{family} {HEADINGS[name.removeprefix(f'{family}-')]}"
    return name
