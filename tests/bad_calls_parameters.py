"""Wrong values of every parameter of the estimators, with the message of each error."""

import re

import numpy as np
import torch
from estimator_cases import make_classifier, make_tower
from sklearn.frozen import FrozenEstimator
from skorch.callbacks import EarlyStopping, EpochScoring, EpochTimer, PrintLog

from sk_crossmodal import CorrelationTower, CrossModalRNNClassifier, LabelHierarchy

WRONG = (ValueError, TypeError)
HUGE = 10**400  # no float is as large
TEXT = [None, "1", "0.5", b"1", True, np.True_, 1j, [1], np.array(1), np.array([1, 2]), {}, object]
ENDLESS = [float("nan"), float("inf"), -float("inf"), np.float32("nan")]
NUMBERS = [*TEXT, *ENDLESS, HUGE]
COUNTS = [*NUMBERS, 0, -1, -(10**30), 10**30, 2.5, 1.0, np.float64(3), np.int64(-3), "2.0"]
FLAGS = ["yes", "True", "", 1, 0, 1.0, None, [True], np.array([True]), np.int64(1)]
OPTIONS = ["nonsense", "", 3, True, b"auto", ["auto"], np.array(["auto", "b"]), 1.5, {}]
ONE = (0, -1, 2.5, "8", True, None, float("nan"), 10**12, [8], 1.0)  # no size of a layer


class Case:
    """A wrong value with a message of its own."""

    def __init__(self, value, match):
        self.value, self.match = value, match


def sizes(name):
    each = rf"Each of {name} must be an integer >= 1 and <= 1048576, got "
    return (
        rf"{name} must be a sequence of integers",
        [None, 3, "64", b"64", bytearray(b"64"), {8}, {"a": 8}, np.array([8]), 2.5, True]
        + [Case((), rf"{name} must hold at least one size, got \(\)")]
        + [Case(range(1, 10**9), rf"{name} must hold at most 100 sizes, got 999999999")]
        + [Case((size,), each + re.escape(repr(size))) for size in ONE],
    )


def number(name, wanted, *more, drop=()):
    wrong = [value for value in [*NUMBERS, *more] if not any(value is each for each in drop)]
    return rf"{name} must be a number {wanted}", wrong


def count(name, high=2**31 - 1, low=1, drop=()):
    wrong = [value for value in COUNTS if not (isinstance(value, int) and value in drop)]
    return rf"{name} must be an integer >= {low} and <= {high}", wrong


def flag(name):
    return rf"{name} must be one of \(True, False\)", FLAGS


def option(name, *options, drop=()):
    wrong = [value for value in OPTIONS if not any(value is each for each in drop)]
    return rf"{name} must be one of {re.escape(str(options))}", wrong


def inside(message, *values, name="net_params"):
    """Values inside another parameter, which the message names."""
    return [Case(value, rf"{message}") for value in values]


NAMES = "modalities must be a dict or sequence of names"
WIDTH = r"modalities\['video'\], unless a slice, must be an integer >= 1 and <= 2147483647, got"
MODALITIES = [
    *(3, "video", {"video", "audio"}, len, True),
    Case(b"video", "Names of modalities must be str, got 118"),
    Case(np.array([["a", "b"]]), r"Names of modalities must be str, got array\(\['a', 'b'\]"),
    Case([], "modalities must name at least one modality, got none"),
    Case({}, "modalities must name at least one modality, got none"),
    Case(["video", "video"], r"must be named once, got \['video', 'video'\]"),
    Case([1, 2], "Names of modalities must be str, got 1"),
    Case({1: 8, 2: 6}, "Names of modalities must be str, got 1"),
    Case(["video", None], "Names of modalities must be str, got None"),
    *(
        Case({"video": value, "audio": 6}, f"{WIDTH} {re.escape(repr(value))[:40]}")
        for value in ("8", True, 2.5, None, [8], -1, 0)
    ),
    Case({"video": HUGE, "audio": 6}, f"{WIDTH} 1000000"),
    Case(
        {"video": slice("a")},
        r"columns of 'video', slice\(None, 'a', None\), but X is not wide",
    ),
    Case(
        {"video": slice(0, 4, 0)},
        r"columns of 'video', slice\(0, 4, 0\), but X is not wide",
    ),
    Case(
        {"video": slice(0, 4)},
        "modalities has columns of 'video', .*X is not wide",
    ),
    Case({"video": 9, "audio": 6}, "'video' has frames of 8 features, but modalities says 9"),
    Case(["video", "text"], r"\['text'\] are missing; X has \['video', 'audio'\]"),
]
KEPT = r"net_params may have the arguments \['batch_size', .*'optimizer__...'\], got \['{}'\]"
BUILT = r"cannot build its network with .*net_params={{'{}'.*: .*"
NET_PARAMS = [
    *(3, "lr", [], [("lr", 1)], {1}, True),
    Case({1: 2}, r"net_params must be None or a dict of arguments by name, got {1: 2}"),
    *(
        Case({key: 1}, KEPT.format(key))
        for key in (
            *("nonsense", "module", "module__gate", "train_split", "iterator_train__shuffle"),
            *("dataset", "criterion__kind", "compile__x", "warm_start", "lr_", "optimizer_"),
        )
    ),
    Case({"lr": -1}, r"net_params\['lr'\] must be a number > 0 .*, got -1"),
    Case({"max_epochs": 0}, r"net_params\['max_epochs'\] must be an integer >= 1 .*, got 0"),
    Case({"batch_size": "8"}, r"net_params\['batch_size'\] must be an integer >= 1.*, got '8'"),
    Case({"compile": "yes"}, r"net_params\['compile'\] must be one of \(True, False\), got 'yes'"),
    Case({"precision": "half"}, r"net_params\['precision'\] must be one of .*, got 'half'"),
    Case({"verbose": None}, r"net_params\['verbose'\] must be a number >= 0, got None"),
    Case(
        {"callbacks": 3},
        r"net_params\['callbacks'\] must be None or a list of skorch callbacks.* 3",
    ),
    Case({"device": "abacus"}, 'device must be "auto", "accelerate" or a device.*got \'abacus\''),
    *(
        Case({key: value}, BUILT.format(key) + match)
        for key, value, match in (
            ("optimizer__nonsense", 1, "unexpected keyword argument 'nonsense'"),
            ("optimizer__betas", (2, 3), "beta"),
            ("optimizer__betas", "x", "not supported"),
            ("optimizer__lr", -1, "learning rate: -1"),
            ("optimizer__weight_decay", -1, "weight_decay value: -1"),
            ("optimizer__param_groups", 3, "not iterable"),
            ("optimizer", 3, "'int' object is not callable"),
            ("optimizer", "adam", "'str' object is not callable"),
            ("criterion", 3, "'int' object is not callable"),
            ("criterion__x", 3, "unexpected keyword argument 'x'"),
            ("callbacks__print_log", 3, "callbacks__print_log must be a skorch callback, got 3"),
            ("callbacks__print_log", print, "must be a skorch callback, got <built-in"),
            ("callbacks__print_log__x", 3, r"has the parameters \[.*'sink'.*\], got \['x'\]"),
        )
    ),
    Case({"optimizer__fused": True, "optimizer__foreach": True}, "cannot be `True` together"),
    Case({"callbacks__nonsense": None}, "net_params name a callback 'nonsense', expected one of"),
    Case({"callbacks__": None}, "net_params name a callback '', expected one of"),
    Case(
        {"callbacks": [("a", 3)]},
        r"net_params\['callbacks'\] must be None or a list of skorch .*\('a', 3\)",
    ),
    Case(
        {"callbacks__print_log": None, "callbacks__print_log__sink": print},
        r"the callback 'print_log' has the parameters \[\], got \['sink'\]",
    ),
    Case(
        {"callbacks": [EarlyStopping], "callbacks__EarlyStopping__x": 1},
        "the callback 'EarlyStopping' of .*unexpected keyword argument 'x'",
    ),
    Case({"compile": True, "compile__mode": "slow"}, "cannot build its network.*'slow'"),
]
HOLD = "callbacks must be None or a list of skorch callbacks, or pairs of a name and one, got "
CALLBACKS = [
    *(3, "print", EpochTimer, EpochTimer(), {"timer": EpochTimer()}, np.array([1])),
    *(Case([value], HOLD + re.escape(repr(value))) for value in (3, None, ("a", 3), len)),
    Case([dict], HOLD + "<class 'dict'>"),
    Case([("timer", dict)], HOLD + r"\('timer', <class 'dict'>\)"),
    Case([EpochScoring], "callbacks=.*callback 'EpochScoring'.*argument: 'scoring'"),
    Case([EpochTimer, EpochTimer, ("EpochTimer", PrintLog)], "callbacks=.*duplicate"),
    Case([("a", "b", "c")], HOLD + r"\('a', 'b', 'c'\)"),
    Case([(3, EpochTimer())], HOLD + r"\(3, "),
    Case([("a", EpochTimer()), ("a", PrintLog())], "callbacks=.*duplicate.*'a'"),
    Case([("train_loss", EpochTimer())], "callbacks=.*duplicate.*'train_loss'"),
]
DEVICES = ["abacus", "", "cpu:x", "meta", "xla", "cuda:99", None, 3, 3.5, True, b"cpu", ["cpu"]]
SEED = "random_state, unless None or a RandomState, must be an integer >= 0 and <= 4294967295"
FOLDER = "checkpoint must be the path of a folder or None"
STEPS = "checkpoint_interval must be a number > 0 and <= 2147483647"

SHARED = {
    "modalities": (NAMES, MODALITIES),
    "frame_scaling": option("frame_scaling", "modality", "feature", None),
    "mask_padding": flag("mask_padding"),
    "max_frames": count("max_frames"),
    "long_videos": (
        option("long_videos", "pool", "cut")[0],
        [
            *OPTIONS[:-1],
            Case({"video": "drop"}, r"long_videos\['video'\] must be one of \('pool', 'cut'\)"),
            Case({"clip": "cut"}, r"long_videos must be of the modalities \[.*\], got \['clip'\]"),
        ],
    ),
    "dropout": number("dropout", ">= 0 and <= 1", -0.1, 1.1, 2),
    "lr": number("lr", r"> 0 and <= 1e\+30", 0, -1e-3, 0.0, 1e31),
    "batch_size": count("batch_size"),
    "max_epochs": count("max_epochs"),
    "lr_schedule": option("lr_schedule", "plateau", "cosine", None),
    "lr_patience": count("lr_patience", low=0, drop=(0,)),
    "weight_decay": number("weight_decay", r">= 0 and <= 1e\+30", -0.1, 1e31),
    "early_stopping": option("early_stopping", "auto", True, False, drop=(True,)),
    "validation_fraction": number("validation_fraction", "> 0 and < 1", 0, 1, 1.0, -0.1, 7),
    "device": ('device must be "auto", "accelerate" or a device that torch can use here', DEVICES),
    "precision": option("precision", "auto", "float32", "float64", "bfloat16"),
    "compile": flag("compile"),
    "callbacks": (
        "callbacks must be None or a list of skorch callbacks, or pairs of a name and one",
        CALLBACKS,
    ),
    "net_params": ("net_params must be None or a dict of arguments by name", NET_PARAMS),
    "random_state": (
        SEED,
        ["lucky", -1, 2**32, 1.5, True, [0], (1, 2), b"a", np.int64(-5), np.random.default_rng(0)],
    ),
    "verbose": number("verbose", ">= 0", -1, -0.5, drop=(True, np.True_)),
    "checkpoint": (
        FOLDER,
        [
            *(3, True, b"x", ["a"], "", "a\0b", 1.5),
            Case(
                __file__,
                r"checkpoint must be the path of a folder or None, got '.*_parameters\.py'",
            ),
        ],
    ),
    "checkpoint_interval": (
        STEPS,
        [
            *(*NUMBERS, 0, -1),
            Case(1.5, "checkpoint_interval must be whole or below 1, got 1.5"),
        ],
    ),
    "resume": (
        r"resume must be one of \(True, False\)",
        [*FLAGS, Case(True, "resume=True needs a folder to resume from: give `checkpoint`")],
    ),
    "hierarchy": (
        "hierarchy must be None or a LabelHierarchy, "
        "such as hierarchy_ of a HierarchyLabelBinarizer",
        [
            *("tree", 3, {"Food": []}, LabelHierarchy, [], True),
            Case(LabelHierarchy({"nowhere": []}), r"outside the hierarchy: \['Food', "),
        ],
    ),
}
FACTOR = r"class_weight\['Food'\] must be a number >= 0 and <= 1e\+30, got "
TOWER = (
    "correlation_tower must be None, a CorrelationTower or a FrozenEstimator of a fitted one, got"
)
PRETRAINED = "pretrained must be None or a FrozenEstimator of a fitted CrossModal\\w+Classifier"
CLASSIFIERS = {
    **SHARED,
    "fusion": option(
        "fusion", "early", "late", "cross_modal", "cross_modal_gated", *("cross_modal_concat",)
    ),
    "gate": option("gate", "hard", "soft"),
    "cross_modal_combine": option("cross_modal_combine", "add", "multiply"),
    "influence": option("influence", "cross", "self", "none"),
    "correlation_features": option("correlation_features", "probability", "embedding"),
    "cross_modal_layer_sizes": sizes("cross_modal_layer_sizes"),
    "cross_modal_transform": option("cross_modal_transform", "dense", "conv"),
    "cross_modal_max_lag": count("cross_modal_max_lag", low=0, drop=(0,)),
    "modality_dropout": number("modality_dropout", ">= 0 and <= 1", -0.1, 1.1),
    "label_smoothing": number("label_smoothing", ">= 0 and <= 1", -0.1, 1.1),
    "warm_start": flag("warm_start"),
    "freeze_towers": (
        flag("freeze_towers")[0],
        [
            *FLAGS,
            Case(True, "freeze_towers=True needs the weights of `pretrained` or of warm_start"),
        ],
    ),
    "pretrained": (
        PRETRAINED,
        [
            *("model", 3, True, CrossModalRNNClassifier),
            Case(make_classifier(), f"{PRETRAINED}.*got CrossModalT"),
            Case(FrozenEstimator(make_tower()), f"{PRETRAINED}.*got Frozen.*CorrelationTower"),
            Case(FrozenEstimator(None), f"{PRETRAINED}.*got Frozen.*None"),
            Case(FrozenEstimator(make_classifier()), f"{PRETRAINED}.*(not fitted|got Frozen)"),
            Case([make_classifier()], rf"{PRETRAINED}.*got \[CrossModal"),
        ],
    ),
    "memory": (
        "memory must be the path of a folder as a str, a joblib.Memory or None",
        [3, True, ["a"], b"x", 1.5, "", "a\0b"],
    ),
    "class_weight": (
        'class_weight must be None, "balanced" or a dict',
        [3.0, [1, 2], np.ones(4), True]
        + [Case("heavy", r"class_weight must be one of \('balanced',\), got 'heavy'")]
        + [Case({"Food": v}, FACTOR + re.escape(repr(v))) for v in (-1, "x", True, 1e31, None)]
        + [Case({"Food": v}, FACTOR) for v in ENDLESS]
        + [
            Case({v: 1.0}, rf"names unknown labels \[{v!r}\]; known are \['Food', ")
            for v in ("nowhere", None, 0)
        ]
        + [
            Case(
                dict.fromkeys(("Food", "Music", "Sports", "Transport"), 0.0),
                "class_weight must have a number above 0, got {'Food': 0.0",
            )
        ],
    ),
    "correlation_tower": (
        TOWER[:-5],
        [
            *("tower", 3, True, CorrelationTower),
            Case(make_classifier(), f"{TOWER} CrossModalTransformer"),
            Case(FrozenEstimator(make_classifier()), f"{TOWER} Frozen.*CrossModalTransformer"),
            Case(FrozenEstimator(None), f"{TOWER} Frozen.*None"),
            Case(FrozenEstimator(make_tower()), f"{TOWER} one that is not fitted"),
            Case([make_tower()], rf"{TOWER} \[CorrelationTower"),
            Case(make_tower(lr=-1), "lr must be a number > 0 .*got -1"),
            Case(make_tower(encoder="lstm"), "encoder must be one of .*got 'lstm'"),
        ],
    ),
}
SIZE = "must be an integer >= 1 and <= 1048576"
ENCODER = (
    r"encoder must be one of \('transformer', 'netvlad', 'rnn', 'mean'\), or the class of a "
    "torch module"
)
# By estimator and parameter: the start of the message, and the wrong values.
PARAMETERS = {
    "CrossModalTransformerClassifier": {
        **CLASSIFIERS,
        "d_model": (
            f"d_model {SIZE}",
            [
                *COUNTS,
                10**12,
                Case(15, "d_model must be a multiple of n_heads, got d_model=15, n_heads=2"),
            ],
        ),
        "n_heads": (
            f"n_heads {SIZE}",
            [*COUNTS, Case(3, "multiple of n_heads, got d_model=16, n_heads=3")],
        ),
        "n_layers": ("n_layers must be an integer >= 1 and <= 100", [*COUNTS, 101, 10**9]),
    },
    "CrossModalNetVLADClassifier": {
        **CLASSIFIERS,
        "n_clusters": (
            f"n_clusters {SIZE}",
            [v for v in COUNTS if v is not None and not isinstance(v, dict)]
            + [10**12]
            + [
                Case(v, r"n_clusters must name each of \['video', 'audio'\], got")
                for v in ({}, {"video": 4}, {"sound": 4})
            ]
            + [
                Case({"video": 4, "audio": v}, rf"n_clusters\['audio'\] {SIZE}, got {v!r}")
                for v in (0, -1, "4", True, 2.5, None)
            ],
        ),
        "hidden_size": (f"hidden_size {SIZE}", [*COUNTS, 10**12]),
    },
    "CrossModalRNNClassifier": {
        **CLASSIFIERS,
        "rnn_type": option("rnn_type", "gru", "lstm", None),
        "n_clusters": (f"n_clusters {SIZE}", [*COUNTS, {"video": 4, "audio": 4}, 10**12]),
        "hidden_size": (
            f"hidden_size {SIZE}",
            [*COUNTS, 10**12, Case(15, "hidden_size must be even with rnn_type='gru', got 15")],
        ),
    },
    "CorrelationTower": {
        **SHARED,
        "encoder": (
            ENCODER,
            [
                *("lstm", "", 3, None, int, ["mean"], True, b"mean", np.array(["mean", "x"])),
                *(CrossModalRNNClassifier, len),
                Case(torch.nn.Linear(2, 2), ENCODER + r", got Linear\("),
                Case(torch.nn.Linear, r"encoder_params of .*Linear.* may be .*got \['d_model'\]"),
            ],
        ),
        "encoder_params": (
            "encoder_params must be a dict or None",
            [*(3, "d_model", [], True)]
            + [
                Case({key: 1}, rf"of 'mean' may be \['d_model', 'dropout'\], got \['{key}'\]")
                for key in ("foo", "widths", "n_heads", 1)
            ]
            + [
                Case({"d_model": v}, rf"encoder_params\['d_model'\] {SIZE}, got ")
                for v in (0, -1, "8", True, 2.5, None, 10**12, float("nan"))
            ]
            + [
                Case({"dropout": v}, r"encoder_params\['dropout'\] must be a number >= 0 and <= 1")
                for v in (-0.1, 5, "x", None)
            ],
        ),
        "hidden_layer_sizes": sizes("hidden_layer_sizes"),
        "negative_weight": number("negative_weight", r"> 0 and <= 1e\+30", 0, -1, 1e31),
    },
}
