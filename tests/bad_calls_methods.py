"""Wrong combinations of arguments, and wrong calls of methods."""

import functools

import numpy as np
import torch
from bad_calls_data import AUDIO, CYCLE, VIDEO, M, X, Y
from estimator_cases import (
    fitted,
    fitted_tower,
    from_rows,
    make_classifier,
    make_labels,
    make_tower,
)
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EpochTimer

from sk_crossmodal import LabelHierarchy

WRONG = (ValueError, TypeError)
UNFITTED = (NotFittedError,)
LATER = ("decision_function", "attention_weights", "influence_response")
CLASSIFIER, TOWER = "CrossModalTransformerClassifier", "CorrelationTower"


class OneNumber(torch.nn.Module):
    """A user's encoder that cannot be built."""

    def __init__(self, widths, spec=None, *, size=4, dropout=0.1):
        super().__init__()
        self.layer = torch.nn.Linear(widths[0], size)
        self.out_features = int(self.layer.weight.sum()) * 0 - size


def late(**params):
    return make_classifier(fusion="late", **params)


def again(**params):
    """A fitted classifier with other parameters and the fitted attributes of `fitted`."""
    old = fitted("late")
    new = clone(old).set_params(**params)
    vars(new).update({name: value for name, value in vars(old).items() if name.endswith("_")})
    vars(new).update({name: vars(old)[name] for name in ("_targets", "_n_features", "_longest")})
    return new


OTHERS = {
    "names": lambda: FrozenEstimator(_tower(from_rows(video=VIDEO, sound=AUDIO))),
    "order": lambda: FrozenEstimator(_tower(X.select(["audio", "video"]))),
    "widths": lambda: FrozenEstimator(
        _tower(from_rows(video=VIDEO, audio=[frames[:, :4] for frames in AUDIO]))
    ),
    "number": lambda: FrozenEstimator(_tower(from_rows(video=VIDEO, audio=AUDIO, text=AUDIO))),
}


def _tower(videos):
    return make_tower(max_epochs=1).fit(videos, Y)


TOWERS = {name: make() for name, make in OTHERS.items()}


def unfitted():
    methods = {
        CLASSIFIER: (late, ("predict", "predict_proba", *LATER)),
        TOWER: (make_tower, ("predict_proba", "transform", "embed")),
    }
    for name, (make, each) in methods.items():
        for method in each:
            match = f"This {name} instance is not fitted yet. Call 'fit'"
            yield (f"{name}.{method}: unfitted", make, method, (X,), {}, UNFITTED, match)
    for name, make, method in (
        (CLASSIFIER, late, "score"),
        (TOWER, make_tower, "pair_probabilities"),
        (TOWER, make_tower, "pair_error_rates"),
    ):
        match = f"This {name} instance is not fitted yet. Call 'fit'"
        yield (f"{name}.{method}: unfitted", make, method, (X, Y), {}, UNFITTED, match)
    match = f"This {TOWER} instance is not fitted yet"
    yield (
        f"{TOWER}.get_feature_names_out: unfitted",
        make_tower,
        "get_feature_names_out",
        (),
        {},
        UNFITTED,
        match,
    )


def unknown():
    for name, make in ((CLASSIFIER, late), (TOWER, make_tower)):
        for key in ("nonsense", "learning_rate", "lr_", "net_params__lr"):
            match = f"'?{key.partition('__')[0]}|net_params"
            kwargs = {"lr": 5.0, key: 1}
            yield (f"{name}.set_params: {key}", make, "set_params", (), kwargs, WRONG, match)
        for i, wrong in enumerate((3, "progress", EpochTimer(), StandardScaler())):
            match = "callback"
            yield (f"{name}.set_callbacks: {i}", make, "set_callbacks", (wrong,), {}, WRONG, match)


def misfits():
    """Parameters that are valid one by one, but not together."""
    huge = r"would have .* weights, expected at most \d+ GiB in training, the memory of cpu"
    labels = make_labels()[0].hierarchy_
    three = np.eye(3, dtype=int)[CYCLE % 3]
    for what, make, args, match in (
        ("a network beyond memory", lambda: late(d_model=2**20), (X, Y), huge),
        (
            "a network of videos beyond memory",
            lambda: make_classifier(
                fusion="cross_modal",
                correlation_tower=None,
                mask_padding=False,
                max_frames=10**6,
                cross_modal_layer_sizes=(2**20,),
            ),
            (X, Y),
            huge,
        ),
        (
            "padding beyond memory",
            lambda: late(mask_padding=False, max_frames=2**31 - 1),
            (X, Y),
            r"max_frames=2147483647 with mask_padding=False pads videos to \d+ GiB, cpu has \d+",
        ),
        (
            "hierarchy of another size",
            lambda: late(hierarchy=labels),
            (X, three),
            f"y must have one column per node of hierarchy, {len(labels)}, got 3",
        ),
        (
            "classes outside the hierarchy",
            lambda: late(hierarchy=LabelHierarchy({"Music": [], "Sports": []})),
            (X, Y),
            r"outside the hierarchy: \['Food', 'Transport'\]",
        ),
        (
            "class_weight of no column",
            lambda: late(class_weight={28: 2.0}),
            (X, M),
            r"class_weight names unknown labels \[28\]; known are \[0, 1",
        ),
        (
            "validation_fraction of all",
            lambda: late(early_stopping=True, validation_fraction=0.99),
            (X, Y),
            "validation_fraction=0.99 leaves none of the 48 videos",
        ),
        (
            "checkpoint without a seed",
            lambda: late(checkpoint="nowhere", random_state=None),
            (X, Y),
            "checkpoint needs an int as random_state.*got None",
        ),
        *(
            (
                f"tower of other {other}",
                lambda tower=tower: make_classifier(correlation_tower=tower),
                (X, Y),
                "was fitted on .*; names, widths and order must be those of X, {'video': 8",
            )
            for other, tower in TOWERS.items()
        ),
    ):
        yield (f"{CLASSIFIER}.fit: {what}", make, "fit", args, {}, WRONG, match)
    for what, make, args, match in (
        (
            "one modality",
            make_tower,
            (X.select(["audio"]), Y),
            r"needs two modalities, X has \['audio'\] with 6",
        ),
        ("one video", make_tower, (X[[0]], Y[:1]), "needs two videos to compare, X has 1 sample"),
        (
            "no negative pairs",
            make_tower,
            (X, np.ones((48, 2), int)),
            "No two videos differ.*there are no negative pairs",
        ),
        (
            "heads that do not divide",
            lambda: make_tower(
                encoder="transformer", encoder_params={"d_model": 15, "n_heads": 2}
            ),
            (X, Y),
            "encoder=TransformerEncoder, .*d_model must be a multiple of n_heads, got d_model=15",
        ),
        (
            "clusters of three modalities",
            lambda: make_tower(encoder="netvlad", encoder_params={"n_clusters": (3, 4, 5)}),
            (X, Y),
            r"encoder=NetVLADEncoder, .*n_clusters must be an integer or 2 of them.*\(3, 4, 5\)",
        ),
        (
            "an odd hidden_size",
            lambda: make_tower(encoder="rnn", encoder_params={"hidden_size": 7}),
            (X, Y),
            "encoder=RNNEncoder, .*hidden_size must be even.*got 7",
        ),
        (
            "an unknown recurrent layer",
            lambda: make_tower(encoder="rnn", encoder_params={"rnn_type": "elman"}),
            (X, Y),
            r"encoder_params\['rnn_type'\] must be one of \('gru', .*got 'elman'",
        ),
        (
            "a module of another kind",
            lambda: make_tower(encoder=torch.nn.Linear, encoder_params={}),
            (X, Y),
            "encoder=Linear, .*unexpected keyword argument 'dropout'",
        ),
        (
            "a wrong encoder of one's own",
            lambda: make_tower(encoder=OneNumber, encoder_params={"size": 3}),
            (X, Y),
            r"cannot build its network with encoder=OneNumber, encoder_params={.*'size': 3}",
        ),
        (
            "a network beyond memory",
            lambda: make_tower(encoder_params={"d_model": 2**20}, hidden_layer_sizes=(2**20,)),
            (X, Y),
            huge,
        ),
    ):
        yield (f"{TOWER}.fit: {what}", make, "fit", args, {}, WRONG, match)


def continued_fits():
    old = r"network's shape must stay the same: expected \S+ of shape .*, got"
    for what, params, args, kwargs, match in (
        ("early_stopping", {"early_stopping": True}, (X, Y), {}, "early_stopping cannot be True"),
        (
            "class_weight",
            {"class_weight": "balanced"},
            (X, Y),
            {},
            "class_weight must be a dict in partial_fit, got 'balanced'",
        ),
        (
            "checkpoint",
            {"checkpoint": "nowhere"},
            (X, Y),
            {},
            "partial_fit writes no checkpoint; pickle the classifier",
        ),
        ("another d_model", {"d_model": 32}, (X, Y), {}, old),
        ("more layers", {"n_layers": 2}, (X, Y), {}, old),
        ("another fusion", {"fusion": "early"}, (X, Y), {}, old),
        ("an unknown class", {}, (X, np.where(CYCLE, "Food", "new")), {}, r"got classes .*'new'"),
        ("one modality", {}, (X.select(["video"]), Y), {}, "X has 8 features.*expecting 14"),
        ("lr", {"lr": -1}, (X, Y), {}, "lr must be a number > 0.*got -1"),
    ):
        id_ = f"{CLASSIFIER}.partial_fit: {what}"
        make = functools.partial(again, **params)
        yield (id_, make, "partial_fit", args, kwargs, WRONG, match)
    one = np.ones(48, int)
    yield (
        f"{CLASSIFIER}.partial_fit: one class at first",
        late,
        "partial_fit",
        (X, one),
        {},
        WRONG,
        r"only one class is present.*got \[1\]",
    )
    warm = functools.partial(again, warm_start=True)
    for what, args, match in (
        ("other classes", (X, CYCLE), r"classes of the fit before, \['Food', .*got \[0, 1"),
        ("other modalities", (X.select(["video"]), Y), "X has 8 features.*expecting 14"),
    ):
        yield (f"{CLASSIFIER}.fit: warm_start, {what}", warm, "fit", args, {}, WRONG, match)
    make = functools.partial(again, warm_start=True, d_model=32)
    yield (f"{CLASSIFIER}.fit: warm_start, d_model", make, "fit", (X, Y), {}, WRONG, old)


def of_towers():
    seed = "random_state, unless None or a RandomState, must be an integer >= 0 and <= .*, got "
    for method in ("pair_probabilities", "pair_error_rates"):
        for wrong in ("lucky", -1, 1.5, True):
            kwargs, match = {"random_state": wrong}, f"{seed}{wrong!r}"
            id_ = f"{TOWER}.{method}: random_state {wrong}"
            yield (id_, fitted_tower, method, (X, Y), kwargs, WRONG, match)
        args, match = (X, np.ones(48, int)), "No two videos differ in all .* no negative pairs"
        yield (f"{TOWER}.{method}: one class", fitted_tower, method, args, {}, WRONG, match)
    for what, args, kwargs, match in (
        ("y None", (X,), {}, "y is None. y must be a multilabel"),
        ("lengths", (X, Y[:-1]), {}, r"inconsistent numbers of samples: \[48, 47\]"),
        ("eval_set", (X, Y), {"eval_set": 3}, "eval_set must be a tuple"),
        ("sample_weight", (X, Y), {"sample_weight": -np.ones(48)}, "finite and at least 0.*-1.0"),
        ("unknown argument", (X, Y), {"nonsense": 1}, "unexpected keyword argument 'nonsense'"),
    ):
        yield (
            f"{TOWER}.fit_transform: {what}",
            make_tower,
            "fit_transform",
            args,
            kwargs,
            WRONG,
            match,
        )


def of_influences():
    make = functools.partial(fitted, "cross_modal")
    for what, X_, match in (
        ("no videos", X[:0], "X is empty"),
        (
            "other modalities",
            X.select(["video"]),
            r"Modalities \['audio'\] are missing; X has \['video'\]",
        ),
        ("a number", 3, r"X must be an array of numbers .*got int"),
        (
            "no sound",
            from_rows(video=VIDEO, audio=[frames[:0] for frames in AUDIO]),
            "X must have a video with frames of both 'audio' and 'video'",
        ),
    ):
        yield (f"{CLASSIFIER}.influence_response: {what}", make, LATER[2], (X_,), {}, WRONG, match)
    for fusion in ("early", "late"):
        match = f"fusion='{fusion}' on .* has no influence F: expected a fusion such as"
        make = functools.partial(fitted, fusion)
        yield (f"{CLASSIFIER}.influence_response: {fusion}", make, LATER[2], (), {}, WRONG, match)


METHOD_ROWS = [
    *unfitted(),
    *unknown(),
    *misfits(),
    *continued_fits(),
    *of_towers(),
    *of_influences(),
]
