"""Unusual but valid forms of X, y and weights give the same results as plain ones."""

from functools import wraps

import numpy as np
import pytest
import torch
from estimator_cases import Interrupt, RandomStates, make_classifier, make_labels, make_tower
from scipy.sparse import csr_array
from sklearn.model_selection import GridSearchCV, KFold, PredefinedSplit, cross_validate
from skorch.callbacks import Callback, EpochTimer
from torch import nn

from sk_crossmodal.metrics import map_scorer
from sk_crossmodal.modules import (
    HEADS,
    CorrelationNetwork,
    CrossModalNetwork,
    Head,
    MeanEncoder,
)
from sk_crossmodal.training import _estimator

pytestmark = pytest.mark.one_version

N = 24
# Whole numbers that float16 and uint8 represent exactly.
FRAMES = np.random.RandomState(0).randint(0, 9, size=(N, 5, 6)).astype(np.float32)
SPLIT = {"video": 3, "audio": 3}
Y = np.arange(N) % 3
WEIGHT = np.arange(N) % 2 + 1.0


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def memory_map(array, path):
    mapped = np.memmap(path, array.dtype, "w+", shape=array.shape)
    mapped[:] = array
    return mapped


FORMS_OF_X = {
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "every second of more": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards twice": lambda x: x[:, :, ::-1].copy()[:, :, ::-1],
    "big-endian": lambda x: x.astype(">f4"),
    "big-endian float64": lambda x: x.astype(">f8"),
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "int64": lambda x: x.astype(np.int64),
    "big-endian int16": lambda x: x.astype(">i2"),
    "uint8": lambda x: x.astype(np.uint8),
    "objects that are numbers": lambda x: x.astype(object),
    "lists": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x.tolist())),
    "a list of arrays": list,
    "a list of read-only arrays": lambda x: list(map(read_only, x)),
    "a list of big-endian arrays": lambda x: [row.astype(">f4") for row in x],
    "a list of Fortran arrays": lambda x: list(map(np.asfortranarray, x)),
    "a masked array without masks": np.ma.masked_array,
}
FORMS_OF_Y = {
    "read-only": read_only,
    "big-endian": lambda y: y.astype(">i4"),
    "every second of more": lambda y: np.repeat(y, 2)[::2],
    "objects": lambda y: y.astype(object),
    "floats": lambda y: y.astype(np.float32),
    "uint8": lambda y: y.astype(np.uint8),
    "a list": lambda y: y.tolist(),
}
FORMS_OF_WEIGHT = {
    "read-only": read_only,
    "big-endian": lambda w: w.astype(">f8"),
    "ints": lambda w: w.astype(int),
    "objects": lambda w: w.astype(object),
    "a list": lambda w: w.tolist(),
    "a tuple": tuple,
}


def small(make, **params):
    params = {"max_epochs": 1, "modalities": SPLIT, **params}
    if make is make_classifier:
        params = {"fusion": "late", **params}
    return make(**params)


def fit_predict(estimator, X=FRAMES, y=Y, weight=WEIGHT):
    return estimator.fit(X, y, sample_weight=weight).predict_proba(FRAMES)


both = pytest.mark.parametrize("make", [make_classifier, make_tower], ids=["classifier", "tower"])


@pytest.mark.parametrize("form", FORMS_OF_X)
@both
def test_every_form_of_x_gives_the_same_predictions(make, form):
    X = FORMS_OF_X[form](FRAMES)
    estimator = small(make)
    np.testing.assert_allclose(fit_predict(estimator, X=X), fit_predict(small(make)), rtol=1e-5)
    np.testing.assert_allclose(estimator.predict_proba(X), fit_predict(small(make)), rtol=1e-5)


def test_memory_maps_give_the_same_predictions(tmp_path):
    X = memory_map(FRAMES, tmp_path / "x")
    y, weight = memory_map(Y, tmp_path / "y"), memory_map(WEIGHT, tmp_path / "w")
    expected = fit_predict(small(make_classifier))
    np.testing.assert_array_equal(fit_predict(small(make_classifier), X, y, weight), expected)


@pytest.mark.parametrize("form", FORMS_OF_Y)
@both
def test_every_form_of_y_gives_the_same_predictions(make, form):
    expected = fit_predict(small(make))
    np.testing.assert_array_equal(fit_predict(small(make), y=FORMS_OF_Y[form](Y)), expected)


@pytest.mark.parametrize("form", FORMS_OF_WEIGHT)
@both
def test_every_form_of_weights_gives_the_same_predictions(make, form):
    expected = fit_predict(small(make))
    weight = FORMS_OF_WEIGHT[form](WEIGHT)
    np.testing.assert_array_equal(fit_predict(small(make), weight=weight), expected)


NUMPY = {
    "lr": np.float32(2.0**-10),
    "batch_size": np.int64(16),
    "max_epochs": np.uint8(1),
    "max_frames": np.int32(300),
    "dropout": np.float64(0.0),
    "weight_decay": np.float32(0.0),
    "lr_patience": np.int16(2),
    "mask_padding": np.True_,
    "compile": np.False_,
    "early_stopping": np.False_,
    "frame_scaling": np.str_("modality"),
    "precision": np.str_("float32"),
    "random_state": np.int64(0),
    "validation_fraction": np.float32(0.5),
    "verbose": np.int64(0),
    "resume": np.False_,
    "checkpoint_interval": np.int64(1),
}
OWN = {
    make_classifier: {
        "d_model": np.int64(16),
        "n_heads": np.int8(2),
        "n_layers": np.int64(1),
        "cross_modal_layer_sizes": [np.int64(4)],
        "modality_dropout": np.float32(0.0),
        "label_smoothing": np.float64(0.0),
        "warm_start": np.False_,
        "fusion": np.str_("late"),
        "class_weight": {np.int64(0): np.float32(2.0)},
    },
    make_tower: {
        "encoder_params": {"d_model": np.int64(8)},
        "hidden_layer_sizes": (np.int64(8),),
        "negative_weight": np.float32(2.0),
    },
}


@both
def test_numbers_of_numpy(make):
    """Parameters may be numbers, texts and bools of NumPy."""
    params = {**NUMPY, **OWN[make]}
    plain = {name: value.item() for name, value in params.items() if hasattr(value, "item")}
    plain |= {"class_weight": {0: 2.0}} if make is make_classifier else {}
    np.testing.assert_array_equal(
        fit_predict(small(make, **params)), fit_predict(small(make, **plain))
    )


@pytest.mark.parametrize("verbose", [True, False, np.True_, np.False_])
@both
def test_verbose_may_be_a_bool(make, verbose, capsys):
    fit_predict(small(make, verbose=verbose))
    assert ("train_loss" in capsys.readouterr().out) == verbose


# Callbacks --------------------------------------------------------------------------------------


class Counting(Callback):
    """Counts its instances and initializations."""

    made = initialized = 0

    def __init__(self, step=1):
        self.step = step
        type(self).made += 1

    def initialize(self):
        type(self).initialized += self.step
        return self


@pytest.fixture
def counting():
    Counting.made = Counting.initialized = 0
    return Counting


@pytest.mark.parametrize("named", [False, True])
@both
def test_callbacks_are_initialized_once(make, named, counting):
    callback = counting()
    fit_predict(small(make, callbacks=[("mine", callback) if named else callback]))
    assert (counting.made, counting.initialized) == (1, 1)


@pytest.mark.parametrize("named", [False, True])
@both
def test_callbacks_may_be_classes(make, named, counting):
    name = "mine" if named else "Counting"
    callbacks = [EpochTimer, (name, counting) if named else counting]
    estimator = small(make, callbacks=callbacks, net_params={f"callbacks__{name}__step": 5})
    fit_predict(estimator)
    assert (counting.made, counting.initialized) == (1, 5)
    assert isinstance(dict(estimator.net_.callbacks_)[name], counting)
    assert estimator.callbacks is callbacks


@both
def test_refused_arguments_of_callbacks_leave_callbacks_unchanged(make, counting):
    callback = counting()
    params = {"callbacks__Counting__step": 5, "callbacks__nobody__step": 5}
    with pytest.raises(ValueError, match=r"net_params name a callback 'nobody__step'"):
        fit_predict(small(make, callbacks=[callback], net_params=params))
    assert (callback.step, counting.initialized) == (1, 0)


@both
def test_callbacks_of_net_params_may_be_a_tuple(make, counting):
    estimator = small(make, net_params={"callbacks": (counting(),)})
    fit_predict(estimator)
    assert counting.initialized == 1


# Encoders of users -----------------------------------------------------------------------------


class OnCPU(MeanEncoder):
    """Draws its numbers on the CPU, whatever the default device is."""

    def __init__(self, widths, spec=None, *, d_model=8, dropout=0.1):
        super().__init__(widths, spec, d_model=d_model, dropout=dropout)
        self.register_buffer("noise", torch.randn(3, device="cpu"))


class Mixing(OnCPU):
    """Computes with numbers on the CPU and others."""

    def __init__(self, widths, spec=None, *, d_model=8, dropout=0.1):
        super().__init__(widths, spec, d_model=d_model, dropout=dropout)
        self.register_buffer("sum", torch.cat([torch.ones(3), self.noise]))


class Unique(MeanEncoder):
    """Reads its numbers, which tensors on the device "meta" do not have."""

    def __init__(self, widths, spec=None, *, d_model=8, dropout=0.1):
        super().__init__(widths, spec, d_model=d_model, dropout=dropout)
        self.register_buffer("values", torch.ones(3).unique())


class Empty(MeanEncoder):
    """Raises its own error on a device without numbers."""

    def __init__(self, widths, spec=None, *, d_model=8, dropout=0.1):
        super().__init__(widths, spec, d_model=d_model, dropout=dropout)
        if torch.ones(3).device.type != "cpu":
            raise AssertionError("numbers, please")


class PassesOn(MeanEncoder):
    """Passes on whatever it is given."""

    def __init__(self, widths, spec=None, **params):
        super().__init__(widths, spec, **params)


class Never(OnCPU):
    """Cannot be built."""

    def __init__(self, widths, spec=None, *, dropout=0.1):
        super().__init__(widths, spec, dropout=dropout)
        raise AssertionError("never")


@pytest.mark.parametrize("encoder", [OnCPU, Mixing, Unique, Empty, PassesOn])
def test_users_encoders_can_be_trained(encoder):
    before = RandomStates()
    tower = small(make_tower, encoder=encoder, encoder_params={"d_model": 8})
    assert np.isfinite(fit_predict(tower)).all()
    assert before.unchanged()


def test_encoder_that_cannot_be_built_leaves_random_states_unchanged():
    before = RandomStates()
    with pytest.raises(ValueError, match=r"cannot build .*encoder=.*Never.*: never"):
        fit_predict(small(make_tower, encoder=Never, encoder_params={}))
    assert before.unchanged()


# Continued training -----------------------------------------------------------------------------

EAGER = {"compile": True, "net_params": {"compile__backend": "eager"}}
COMPILES = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")


def continued(method, *settings, **params):
    """Predictions of a classifier that is trained with several settings in turn."""
    classifier = small(make_classifier, warm_start=True, dropout=0.0, **params)
    for setting in settings:
        getattr(classifier.set_params(**setting), method)(FRAMES, Y)
    assert classifier.n_iter_ == len(settings)
    return classifier.predict_proba(FRAMES)


@COMPILES
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("compiled", [(True, True), (True, False), (False, True)])
def test_compiled_network_continues_training(method, compiled):
    each = [{**EAGER, "compile": yes} for yes in compiled]
    np.testing.assert_allclose(continued(method, *each), continued(method, {}, {}), rtol=1e-4)


@COMPILES
def test_compiled_network_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"encoder\S* of shape \(16, 3\), got \(32, 3\)"):
        continued("fit", {**EAGER}, {"d_model": 32})


class OneLayer(Head):
    """A head of one layer."""

    output_layer = "linear"

    def __init__(self, in_features, n_outputs, *, hidden_size, dropout):
        super().__init__()
        self.linear = nn.Linear(in_features, n_outputs)

    def forward(self, x):
        return self.linear(x)


class Steps(list):
    """Records when networks are built and frames are read; a build may fail."""

    def __init__(self, monkeypatch, *, fails=False):
        super().__init__()
        for network in (CrossModalNetwork, CorrelationNetwork):
            monkeypatch.setattr(network, "__init__", self._building(network, fails=fails))
        scan = self._recording("read", _estimator.scan_frames)
        monkeypatch.setattr(_estimator, "scan_frames", scan)

    def _building(self, network, *, fails):
        build = network.__init__

        @wraps(build)
        def init(*args, **kwargs):
            self.append(network)
            if fails:
                raise KeyError("no network")
            build(*args, **kwargs)

        return init

    def _recording(self, name, function):
        def recording(*args, **kwargs):
            self.append(name)
            return function(*args, **kwargs)

        return recording


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("fusion", "networks"),
    [
        ("early", [CrossModalNetwork]),
        ("late", [CrossModalNetwork]),
        ("cross_modal_gated", [CorrelationNetwork, CrossModalNetwork]),
    ],
)
def test_network_of_each_fit_is_built_once_before_frames_are_read(
    monkeypatch, method, fusion, networks
):
    classifier = small(make_classifier, fusion=fusion, warm_start=True)
    steps = Steps(monkeypatch)
    getattr(classifier, method)(FRAMES, Y)
    built = [step for step in steps if step != "read"]
    assert built == networks
    assert steps[: len(built)] == built  # and then the frames are read
    steps.clear()
    getattr(classifier, method)(FRAMES, Y)  # continues, with the tower of before
    assert [step for step in steps if step != "read"] == [CrossModalNetwork]
    assert steps[0] is CrossModalNetwork


def test_network_of_a_tower_is_built_once_before_frames_are_read(monkeypatch):
    steps = Steps(monkeypatch)
    small(make_tower).fit(FRAMES, Y)
    assert steps == [CorrelationNetwork, "read"]


@both
def test_failed_build_raises_before_frames_are_read_and_changes_nothing(
    monkeypatch, make, counting
):
    callback = counting()
    estimator = small(make, callbacks=[callback])
    before, random_states, state = estimator.get_params(), RandomStates(), vars(callback).copy()
    steps = Steps(monkeypatch, fails=True)
    with pytest.raises(ValueError, match=r"cannot build its network with .*no network"):
        estimator.fit(FRAMES, Y)
    assert len(steps) == 1
    assert estimator.get_params() == before
    assert not hasattr(estimator, "net_")
    assert (vars(callback), counting.initialized) == (state, 0)
    assert random_states.unchanged()


CHANGES = pytest.mark.parametrize(
    "params",
    [
        {},
        {"lr": 1e-3},
        {"class_weight": {0: 2.0}},
        {"d_model": 32},
        {"lr": 1e-2},
        {"net_params": {"optimizer__betas": (0.9, 0.99)}},
        {"callbacks": [EpochTimer()]},
    ],
    ids=lambda params: "-".join(params) or "none",
)


@CHANGES
def test_failed_build_of_a_continued_fit_leaves_the_fitted_classifier_unchanged(
    monkeypatch, params
):
    classifier = small(make_classifier, callbacks=[Interrupt(99)], compile=False)
    classifier.partial_fit(FRAMES, Y)
    classifier.set_params(**params)
    before, expected = vars(classifier).copy(), classifier.predict_proba(FRAMES)
    random_states = RandomStates()
    with monkeypatch.context() as patch:
        steps = Steps(patch, fails=True)
        with pytest.raises(ValueError, match="cannot build its network"):
            classifier.partial_fit(FRAMES, Y)
        assert steps == [CrossModalNetwork]
    assert random_states.unchanged()
    assert classifier.n_iter_ == 1
    assert all(vars(classifier)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(classifier.predict_proba(FRAMES), expected)


@CHANGES
def test_continued_fit_builds_its_network_once_with_the_new_parameters(monkeypatch, params):
    classifier = small(make_classifier).partial_fit(FRAMES, Y)
    steps = Steps(monkeypatch)
    classifier.set_params(**params)
    if "d_model" in params:
        with pytest.raises(ValueError, match=r"encoder\S* of shape \(16, 3\), got \(32"):
            classifier.partial_fit(FRAMES, Y)
        assert steps == [CrossModalNetwork]
        return
    classifier.partial_fit(FRAMES, Y)
    assert steps == [CrossModalNetwork, "read"]
    (group,) = classifier.net_.optimizer_.param_groups
    assert group["lr"] == params.get("lr", classifier.lr)
    assert group["betas"] == (params.get("net_params") or {}).get("optimizer__betas", (0.9, 0.999))
    weight = classifier.net_.criterion_.class_weight
    assert (weight is not None) == ("class_weight" in params)


@pytest.mark.parametrize("removed", [False, True])
def test_continued_fit_uses_net_params_that_were_changed_in_place_or_removed(removed):
    net_params = {"optimizer__betas": [0.9, 0.99], "optimizer__eps": 1e-6}
    classifier = small(make_classifier, class_weight={0: 2.0}, net_params=net_params)
    classifier.partial_fit(FRAMES, Y)
    if removed:
        classifier.set_params(net_params={"optimizer__eps": 1e-6}).partial_fit(FRAMES, Y)
        (group,) = classifier.net_.optimizer_.param_groups
        assert (group["betas"], group["eps"]) == ((0.9, 0.999), 1e-6)
    else:
        net_params["optimizer__betas"][0] = 7
        with pytest.raises(ValueError, match=r"cannot build its network.*beta.*7"):
            classifier.partial_fit(FRAMES, Y)
    assert classifier.n_iter_ == 1 + removed


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("params", "tensor"),
    [
        ({"d_model": 32}, r"encoder\S* of shape \(16, 3\), got \(32, 3\)"),
        ({"n_layers": 2}, r"encoder\S* of shape None, got \("),
        ({"fusion": "early"}, r"encoder\S* of shape"),
        ({"net_params": {"module__head": "one layer"}}, r"head\S* of shape"),
    ],
    ids=str,
)
def test_warm_start_with_another_shape_is_refused_by_the_name_of_the_weight(
    monkeypatch, method, params, tensor
):
    monkeypatch.setitem(HEADS._parts, "one layer", OneLayer)
    classifier = small(make_classifier, warm_start=True).fit(FRAMES, Y)
    expected = classifier.predict_proba(FRAMES)
    steps = Steps(monkeypatch)
    with pytest.raises(ValueError, match=f"shape must stay the same: expected {tensor}"):
        getattr(classifier.set_params(**params), method)(FRAMES, Y)
    assert steps == [CrossModalNetwork]
    classifier.set_params(**small(make_classifier, warm_start=True).get_params(deep=False))
    np.testing.assert_array_equal(classifier.predict_proba(FRAMES), expected)


def test_partial_fit_with_padding_beyond_memory_is_refused():
    classifier = small(make_classifier, mask_padding=False).partial_fit(FRAMES, Y)
    with pytest.raises(ValueError, match="max_frames=2147483647 with mask_padding=False pads"):
        classifier.set_params(max_frames=2**31 - 1).partial_fit(FRAMES, Y)


# Folds without a class ---------------------------------------------------------------------------

FOLDS = PredefinedSplit(np.repeat([0, 1], N // 2))
IN_HALVES = np.repeat([0, 1], N // 2)  # one class in the training rows of both folds


@pytest.mark.parametrize("make", [make_classifier, make_tower], ids=["classifier", "tower"])
def test_fold_with_one_class_is_refused(make):
    scoring = None if make is make_classifier else lambda *args: 0.0
    search = GridSearchCV(
        small(make), {"lr": [1e-3]}, cv=FOLDS, scoring=scoring, error_score="raise"
    )
    with pytest.raises(ValueError, match=r"only one class is present.*got \[1\]|No two videos"):
        search.fit(FRAMES, IN_HALVES)
    assert not hasattr(search, "best_estimator_")


def test_class_in_no_training_fold_is_never_predicted():
    """The class is not learned, and its videos count as wrong."""
    y = np.where(np.arange(N) < N // 2, np.arange(N) % 2, np.arange(N) % 2 + 1)
    got = cross_validate(
        small(make_classifier), FRAMES, y, cv=FOLDS, return_estimator=True, error_score="raise"
    )
    assert [fitted.classes_.tolist() for fitted in got["estimator"]] == [[1, 2], [0, 1]]
    assert np.isfinite(got["test_score"]).all()
    assert (got["test_score"] <= 0.5).all()


def test_label_in_no_training_fold_gets_a_probability():
    """A column of zeros gets a probability as others, and scores are finite."""
    M = np.zeros((N, 3), int)
    M[np.arange(N), np.arange(N) % 2] = 1
    M[:6, 2] = 1  # only in the first half
    got = cross_validate(
        small(make_classifier),
        FRAMES,
        M,
        cv=FOLDS,
        scoring={"map": map_scorer},
        return_estimator=True,
        error_score="raise",
    )
    probability = got["estimator"][0].predict_proba(FRAMES)
    sparse = small(make_classifier).fit(FRAMES[N // 2 :], csr_array(M[N // 2 :]))
    np.testing.assert_array_equal(sparse.predict_proba(FRAMES), probability)
    assert probability.shape == (N, 3)
    assert ((probability > 0) & (probability < 1)).all()
    assert np.isfinite(got["test_map"]).all()


def test_search_over_wrong_values_names_the_value():
    grid = {"lr": [1e-3, -1.0]}
    search = GridSearchCV(small(make_classifier), grid, cv=KFold(2), error_score="raise")
    with pytest.raises(ValueError, match=r"lr must be a number > 0.*got -1.0"):
        search.fit(FRAMES, Y)


def test_fit_on_one_row_works_for_indicators_only():
    with pytest.raises(ValueError, match=r"only one class is present.*got \[0\]"):
        small(make_classifier).fit(FRAMES[:1], Y[:1])
    one = small(make_classifier).fit(FRAMES[:1], np.array([[1, 0]]))
    assert one.predict_proba(FRAMES[:1]).shape == (1, 2)


def test_indicators_with_empty_columns_are_accepted():
    """A binarizer's indicators of few videos have columns that are all 0."""
    labels, M = make_labels()
    few = M[:4]
    assert not few.any(axis=0).all()
    classifier = small(make_classifier, hierarchy=labels.hierarchy_).fit(FRAMES[:4], few)
    assert classifier.predict_proba(FRAMES[:4]).shape == few.shape
