"""Everything that decides what is trained: sizes, families, rows and hyperparameters."""

FAMILIES = {
    "TM": "CrossModalTransformerClassifier",
    "NV": "CrossModalNetVLADClassifier",
    "RNN": "CrossModalRNNClassifier",
    # More of the same on made-up videos: many clusters, and attention over the states of a GRU.
    "NV-16": "CrossModalNetVLADClassifier",
    "GRU-8": "CrossModalRNNClassifier",
}
ROWS = {  # the paper's names, then ours
    "E": {"fusion": "early"},
    "L": {"fusion": "late"},
    "CM": {"fusion": "cross_modal"},
    "CM-G": {"fusion": "cross_modal_gated"},
    "CM-G soft": {"fusion": "cross_modal_gated", "gate": "soft"},
    "CM-C": {"fusion": "cross_modal_concat"},
    # The controls: late fusion that sees the tower's p, and F fed with the target's own attention.
    "L+p": {"fusion": "cross_modal_concat", "influence": "none"},
    "CM-C self": {"fusion": "cross_modal_concat", "influence": "self"},
}
CONTROLS = ("L+p", "CM-C self")

DATA_SETS = {  # what --data takes, and the data sets that it stands for
    "synthetic": ("synthetic",),
    "youtube8m": ("youtube8m",),
    "corsmal": ("corsmal_type", "corsmal_level"),
}

# n_seeds: how many by default (for CORSMAL the number of folds). weight_seeds, encoder_seeds: how
# many of them train the towers of Figure 8, and those of the other encoders. search: the first so
# many training videos of seed 0, and folds; None leaves the search out.
_YOUTUBE8M = {"data": {"min_frequency": 30}, "encoder_seeds": 1, "search": None}
_CORSMAL = {  # it is one fold a seed
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
SHARED_WEIGHT = 2.0  # that of the tower which the classifiers use
F_SIZES = ((32,), (64,), (64, 64), (64, 64, 64))

# The tower that the classifiers use is the one of "encoder".
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
ENCODERS = {  # the encoder's own parameters, for the tower of each kind
    "synthetic": {
        "mean": {"d_model": 128},
        "transformer": {"d_model": 64, "n_heads": 4},
        "netvlad": {"n_clusters": 16, "hidden_size": 64},
        "rnn": {"n_clusters": 8, "hidden_size": 64},
    },
    "youtube8m": {"mean": {"d_model": 512}},  # one frame a video: the others would add nothing
    "corsmal": {
        "mean": {"d_model": 128},
        "transformer": {"d_model": 128, "n_heads": 4},
        "netvlad": {"n_clusters": 16, "hidden_size": 64},
        "rnn": {"n_clusters": 8, "hidden_size": 64},
    },
}

# The towers have seen all training videos, so none of these can judge when to stop.
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
SETTINGS = {  # of the families that a data set is tried with
    "synthetic": {
        "TM": {**_SHARED["synthetic"], "d_model": 64, "n_heads": 4},
        "NV": {**_SHARED["synthetic"], "n_clusters": 2, "hidden_size": 64},
        "RNN": {**_SHARED["synthetic"], "rnn_type": None, "n_clusters": 1, "hidden_size": 64},
        "NV-16": {**_SHARED["synthetic"], "n_clusters": 16, "hidden_size": 64},
        "GRU-8": {**_SHARED["synthetic"], "n_clusters": 8, "hidden_size": 64},
    },
    "youtube8m": {  # one frame a video: more clusters would see the same
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
        # The plain recurrent network that these recordings are usually given.
        "plain GRU": {"hidden_size": 64, "max_epochs": 60, "weight_decay": 0.01},
    },
}


def kind_of(data_set):
    """Return what --data calls a data set: that decides its sizes and hyperparameters."""
    return next(kind for kind, names in DATA_SETS.items() if data_set in names)
