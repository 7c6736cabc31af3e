"""Classes of users in model files: registered, they are saved and loaded as the package's are."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from estimator_cases import make_videos, make_y
from sklearn.pipeline import make_pipeline

from sk_crossmodal import CrossModalTransformerClassifier, load_model, save_model
from sk_crossmodal.classification import CrossModalClassifier
from sk_crossmodal.modules import ENCODERS, LOSSES, TransformerEncoder
from sk_crossmodal.persistence import _registered, register_model

X, Y = make_videos().data, make_y("classes")


class OwnEncoder(TransformerEncoder):
    """An encoder with an argument and a buffer that the package's encoders do not have."""

    def __init__(self, widths, spec=None, *, n_channels=8, persistent=True, dropout=0.1):
        super().__init__(widths, spec, d_model=n_channels, n_heads=2, dropout=dropout)
        self.register_buffer("n_seen", torch.tensor(3), persistent=persistent)


@dataclass(kw_only=True, eq=False, repr=False)
class OwnClassifier(CrossModalClassifier):
    """A family of classifiers around it."""

    n_channels: int = 8
    persistent: bool = True

    _encoder = OwnEncoder

    def _encoder_params(self, names):
        return {"n_channels": self.n_channels, "persistent": self.persistent}

    def _width(self):
        return self.n_channels


class OwnValue:
    """No estimator: all of it is state."""

    def _get_state(self):
        return {"numbers": self.numbers, "tensors": {"weight": self.weight}}

    def _set_state(self, state):
        self.numbers, self.weight = state["numbers"], state["tensors"]["weight"]


def fit_own(**params):
    small = {"cross_modal_layer_sizes": (3,), "max_epochs": 1, "random_state": 0}
    return OwnClassifier(**small, **params).fit(X, Y)


class OwnLoss(LOSSES["classes"]):
    """A loss with an argument that the package's losses do not have."""

    def __init__(self, class_weight=None, label_smoothing=0.0, power=1, kind=None):
        super().__init__(class_weight, label_smoothing)
        self.power = power

    def losses(self, logits, y):
        return super().losses(logits, y) ** self.power


@pytest.fixture
def registries(monkeypatch):
    """Registries that are as before when a test ends."""
    monkeypatch.setattr(_registered.MODELS, "_parts", dict(_registered.MODELS))
    monkeypatch.setattr(ENCODERS, "_parts", dict(ENCODERS))
    monkeypatch.setattr(LOSSES, "_parts", dict(LOSSES))


@pytest.fixture
def registered(registries):
    ENCODERS.register("own", OwnEncoder)
    return register_model(OwnClassifier)


def test_registered_family_is_loaded_with_its_tower(registered, tmp_path):
    model = make_pipeline(fit_own(fusion="cross_modal_gated")).fit(X, Y)
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert type(loaded[0]) is OwnClassifier
    assert loaded[0].correlation_tower_.encoder is OwnEncoder
    assert loaded[0].module_.encoder.n_seen == 3
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("criterion", ["own", OwnLoss], ids=["name", "class"])
def test_registered_loss_with_further_arguments_is_restored(criterion, registries, tmp_path):
    LOSSES.register("own", OwnLoss)
    net_params = {"criterion": criterion, "criterion__power": 2}
    small = {"fusion": "late", "d_model": 8, "n_heads": 2, "max_epochs": 1}
    model = CrossModalTransformerClassifier(**small, net_params=net_params).fit(X, Y)
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.net_params == net_params
    assert type(loaded.net_.criterion_) is OwnLoss
    assert loaded.net_.criterion_.power == 2
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_unregistered_class_or_encoder_is_named(registered, tmp_path, monkeypatch):
    classifier = fit_own(fusion="late")
    save_model(classifier, tmp_path / "m")
    monkeypatch.delitem(ENCODERS._parts, "own")
    with pytest.raises(ValueError, match=r"No encoder is registered as 'own'.*register yours"):
        load_model(tmp_path / "m")
    with pytest.raises(
        TypeError, match=r"network_\['encoder'\] is .*OwnEncoder.* use register_model"
    ):
        save_model(classifier, tmp_path / "m")
    monkeypatch.delitem(_registered.MODELS._parts, "OwnClassifier")
    with pytest.raises(ValueError, match=r"No model class is registered as 'OwnClassifier'.*your"):
        load_model(tmp_path / "m")
    with pytest.raises(TypeError, match=r"of the class OwnClassifier, .* use register_model"):
        save_model(classifier, tmp_path / "m")


def test_encoder_with_buffers_outside_its_state_is_refused(registered, tmp_path):
    with pytest.raises(ValueError, match=r"buffers .*n_seen.* persistent=True"):
        save_model(fit_own(fusion="late", persistent=False), tmp_path / "m")


def test_registered_value_is_loaded_with_arrays_and_tensors(registries, tmp_path):
    register_model(OwnValue, depth=0)
    value = OwnValue()
    value.numbers, value.weight = np.arange(3) / 2, torch.tensor([2, 3])
    save_model(value, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    np.testing.assert_array_equal(loaded.numbers, value.numbers)
    assert torch.equal(loaded.weight, value.weight)


def test_register_model_refuses_other_values(registries):
    assert register_model(OwnValue, depth=1) is register_model(OwnValue, depth=1) is OwnValue
    for wrong in (OwnValue(), int, None, "OwnValue"):
        with pytest.raises(
            TypeError, match="model_class must be a class with _get_state and _set_state"
        ):
            register_model(wrong)
    with pytest.raises(TypeError, match="depth must be an integer"):
        register_model(OwnValue, depth="1")
    with pytest.raises(ValueError, match=r"depth must be .* <= 5, got 6"):
        register_model(OwnValue, depth=6)
    other = type(CrossModalTransformerClassifier.__name__, (OwnValue,), {})
    with pytest.raises(ValueError, match="already another model class named 'CrossModalTrans"):
        register_model(other)
