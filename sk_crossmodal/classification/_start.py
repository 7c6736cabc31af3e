"""How a fit starts: from scratch, from the fit before, or from a pretrained classifier."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from ..training import MultimodalNet, Videos
from ..validation import check_flag, short

FROM_DATA = ("n_frames", "frame_stats", "pad_to")  # arguments that depend on the data
# Arguments of the network that a pretrained classifier may have had other values of.
FREE = ("frame_stats", "n_outputs", "n_frames", "dropout", "modality_dropout", "frozen")
# Arguments of the network with another name in the constructor.
NAMES = {
    name: f"cross_modal_{name}" for name in ("combine", "layer_sizes", "transform", "max_lag")
}


class Start:
    """From scratch; its subclasses start from the weights of a fitted classifier, `source`."""

    source: Any = None
    continues = False  # whether history and optimizer continue those of the source

    @property
    def history(self) -> list[dict[str, Any]]:
        """The epochs before this fit."""
        return self.source.history_ if self.continues else []

    def align(self, videos: Videos) -> Videos:
        """Return the videos with modalities and labels in the order of the source."""
        return videos

    def check_classes(self, classes: Any) -> None:
        """Raise ValueError unless the source has these classes."""

    def tower(self, given: Any) -> Any:
        """Return the fitted tower to keep, or None; `given` is the parameter of the classifier."""
        return None

    def network_params(self) -> dict[str, Any]:
        """Return the arguments of the network that depend on the data, if the source has them."""
        return {}

    def check_network(self, params: Mapping[str, Any], embeds: bool) -> None:
        """Raise ValueError unless a network with these arguments can take the weights."""

    def load(self, net: MultimodalNet) -> None:
        """Load the weights of the source into a new net."""


class _FromSource(Start):
    def __init__(self, source: Any) -> None:
        self.source = source

    def network_params(self) -> dict[str, Any]:
        return {name: getattr(self.source.net_, f"module__{name}") for name in FROM_DATA}


class WarmStart(_FromSource):
    """From the fit before of the same classifier."""

    continues = True

    def __init__(self, source: Any, *, keeps_optimizer: bool) -> None:
        super().__init__(source)
        self.keeps_optimizer = keeps_optimizer

    def align(self, videos: Videos) -> Videos:
        """Return the videos with modalities and labels in the order of the fit before."""
        source, given = self.source, videos.X.n_features
        if given != source._n_features:
            # scikit-learn's words, which its checks look for.
            name, n = type(source).__name__, source.n_features_in_
            text = f"X has {sum(given.values())} features, but {name} is expecting {n} features"
            raise ValueError(f"{text} as input: {source._n_features} as before, got {given}.")
        videos = source._targets.align(videos, "y")
        return videos.select(source.modality_names_in_)

    def check_classes(self, classes: Any) -> None:
        """Raise ValueError unless these are the classes of the fit before."""
        if not np.array_equal(classes, self.source.classes_):
            wanted = f"the classes of the fit before, {self.source.classes_.tolist()}"
            raise ValueError(f"With warm_start y must have {wanted}, got {classes.tolist()}.")

    def tower(self, given: Any) -> Any:
        """Return the tower of the fit before."""
        return self.source.correlation_tower_

    def load(self, net: MultimodalNet) -> None:
        """Load the weights, and after `partial_fit` the state of the optimizer as well."""
        before = self.source.net_
        new, old = (each.plain_module().state_dict() for each in (net, before))
        for name in {**new, **old}:
            if (given := _shape(new.get(name))) != (shape := _shape(old.get(name))):
                rule = "Parameters that change the network's shape must stay the same"
                raise ValueError(f"{rule}: expected {name} of shape {shape}, got {given}.")
        net.plain_module().load_state_dict(old)
        if self.keeps_optimizer and _optimize_alike(net.optimizer_, before.optimizer_):
            state = deepcopy(before.optimizer_.state_dict()["state"])  # the source stays unchanged
            net.optimizer_.load_state_dict({**net.optimizer_.state_dict(), "state": state})


class PretrainedStart(_FromSource):
    """From another fitted classifier of the same class, with a new output layer."""

    def __init__(self, source: Any, classifier: Any) -> None:
        super().__init__(source)
        self.classifier = classifier

    def align(self, videos: Videos) -> Videos:
        """Return the videos with the modalities in the order of the pretrained classifier."""
        if (given := videos.X.n_features) != self.source._n_features:
            raise ValueError(f"pretrained was fitted on {self.source._n_features}, got {given}.")
        return videos.select(self.source.modality_names_in_)

    def tower(self, given: Any) -> Any:
        """Return the tower of the pretrained classifier, unless another one is given."""
        return self.source.correlation_tower_ if given is None else None

    def check_network(self, params: Mapping[str, Any], embeds: bool) -> None:
        """Raise ValueError that names the parameters which change the shape of the network."""
        now = _constructor_params({**params, "pad_to": self.classifier._pad_to()}, embeds)
        arguments = self.source.net_.get_params_for("module")
        before = _constructor_params(arguments, self.source._embeds_correlation)
        if differ := [name for name, value in now.items() if value != before.get(name)]:
            given, wanted = ({n: values.get(n) for n in differ} for values in (now, before))
            raise ValueError(f"The weights of pretrained need {short(wanted)}, got {short(given)}")

    def load(self, net: MultimodalNet) -> None:
        """Load the weights, except those of the output layer."""
        network: Any = net.plain_module()
        network.start_from(self.source.net_.plain_module())


def choose_start(classifier: Any, *, continues: bool, keeps_optimizer: bool = False) -> Start:
    """Return how a fit starts; ValueError if there are no weights to freeze."""
    if continues and hasattr(classifier, "net_"):
        return WarmStart(classifier, keeps_optimizer=keeps_optimizer)
    if classifier.pretrained is not None:
        return PretrainedStart(classifier.pretrained.estimator, classifier)
    if classifier.freeze_towers:
        raise ValueError("freeze_towers=True needs the weights of `pretrained` or of warm_start.")
    return Start()


def check_pretrained(given: Any, freeze_towers: Any, kind: type) -> None:
    """Raise TypeError or ValueError unless these can be `pretrained` and `freeze_towers`."""
    check_flag("freeze_towers", freeze_towers)
    if given is None:
        return
    wanted = f"pretrained must be None or a FrozenEstimator of a fitted {kind.__name__}"
    inner = given.estimator if isinstance(given, FrozenEstimator) else given
    if not isinstance(given, FrozenEstimator) or type(inner) is not kind:
        hint = ": give its classifier_" * hasattr(inner, "classifier_")
        raise TypeError(f"{wanted}, got {short(given)}{hint}.")
    if not hasattr(inner, "net_"):
        raise NotFittedError(f"{wanted}, got one that is not fitted.")


def _shape(weight: torch.Tensor | None) -> tuple[int, ...] | None:
    return None if weight is None else tuple(weight.shape)


def _optimize_alike(optimizer: Any, other: Any) -> bool:
    """Whether an optimizer can take the state of another one."""
    counts = [[len(group["params"]) for group in each.param_groups] for each in (optimizer, other)]
    return type(optimizer) is type(other) and counts[0] == counts[1]


def _constructor_params(arguments: Mapping[str, Any], embeds: bool) -> dict[str, Any]:
    """Return the arguments that change a network's shape, by the names of the constructor."""
    skipped = {*FREE, "encoder", "encoder_params", "n_correlation", "pad_to"}
    params = {**arguments, **arguments["encoder_params"]}
    params = {NAMES.get(n, n): value for n, value in params.items() if n not in skipped}
    if "d_model" in params:  # the width of the Transformer's head, by another name
        del params["hidden_size"]
    pad_to = arguments.get("pad_to")
    return {
        "head": "mlp",
        **params,
        "mask_padding": pad_to is None,
        **({} if pad_to is None else {"max_frames": pad_to}),
        "correlation_features": "embedding" if embeds else "probability",
        **({"width of the tower's embedding": arguments["n_correlation"]} if embeds else {}),
    }
