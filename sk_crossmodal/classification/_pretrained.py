"""Fine-tuning: a classifier that starts from one that is fitted on other labels."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from ..training import Videos, check_option, short

# Arguments of the network that another classifier may have others of.
FREE = ("moments", "n_outputs", "n_frames", "dropout", "modality_dropout", "frozen")
# Those that the constructor calls by another name.
NAMES = {"combine": "cross_modal_combine", "layer_sizes": "cross_modal_layer_sizes"}


def check_pretrained(classifier: Any) -> None:
    """Raise TypeError or ValueError unless `pretrained` and `freeze_towers` can be parameters."""
    given, kind = classifier.pretrained, type(classifier)
    check_option("freeze_towers", classifier.freeze_towers, (True, False))
    if given is None:
        return
    wanted = f"pretrained must be None or a FrozenEstimator of a fitted {kind.__name__}"
    inner = given.estimator if isinstance(given, FrozenEstimator) else given
    if type(getattr(inner, "classifier_", None)) is kind:
        raise TypeError(
            f"{wanted}, got one of a {type(inner).__name__}: give the classifier inside, "
            "FrozenEstimator(model.classifier_)."
        )
    if type(inner) is not kind:
        raise TypeError(f"{wanted}, got {short(given)}.")
    if not isinstance(given, FrozenEstimator):
        raise TypeError(
            f"{wanted}, got {short(given)}: wrap it once it is fitted, "
            "sklearn.frozen.FrozenEstimator(classifier), so that clones keep its weights."
        )
    if not hasattr(inner, "net_"):
        raise NotFittedError(f"{wanted}, got one that is not fitted.")


def pretrained_of(classifier: Any) -> Any:
    """Return the fitted classifier to start from, or None."""
    if classifier.pretrained is not None:
        return classifier.pretrained.estimator
    if classifier.freeze_towers:
        raise ValueError(
            "freeze_towers=True keeps the weights of towers that are trained, and there are none: "
            "give pretrained=FrozenEstimator(classifier), or go on from a fit with warm_start."
        )
    return None


def as_pretrained(pretrained: Any, videos: Videos) -> Videos:
    """Return the videos with the modalities in the order of those of `pretrained`."""
    X = videos.X
    if X.n_features != pretrained._n_features:
        raise ValueError(
            f"pretrained was fitted on {pretrained._n_features}, but X has {X.n_features}; names "
            "and widths must be the same."
        )
    return replace(videos, X=X.select(pretrained.modality_names_in_))


def check_alike(classifier: Any, pretrained: Any, arguments: Mapping[str, Any]) -> None:
    """Raise ValueError unless the network to be built takes the weights of `pretrained`."""
    now = _telling({**arguments, "pad_to": _pad_to(classifier)})
    before = _telling(pretrained.net_.get_params_for("module"))
    now["correlation_features"], before["correlation_features"] = (
        "embedding" if embeds else "probability"
        for embeds in (classifier._embeds(), pretrained._embeds_correlation)
    )
    tower = classifier.correlation_tower
    if tower is not None and classifier._embeds() and pretrained._embeds_correlation:
        tower = getattr(tower, "estimator", tower)
        now["width of the tower's embedding"] = tower.hidden_layer_sizes[-1]
        before["width of the tower's embedding"] = pretrained.net_.module__n_correlation
    differ = [
        f"{name}={short(value)} (pretrained: {short(before.get(name))})"
        for name, value in now.items()
        if value != before.get(name)
    ]
    if differ:
        raise ValueError(
            f"{type(classifier).__name__} cannot take the weights of pretrained with "
            f"{', '.join(differ)}: give it the same."
        )


def _pad_to(classifier: Any) -> int | None:
    return None if classifier.mask_padding else classifier.max_frames


def _telling(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that say what a network computes, by the names of the constructor."""
    inner = dict(arguments["encoder_params"])
    rest = {name: value for name, value in arguments.items() if name not in FREE}
    del rest["encoder_params"], rest["encoder"]
    rest.pop("n_correlation", None)
    pad_to = rest.pop("pad_to", None)
    told = {NAMES.get(name, name): value for name, value in {**rest, **inner}.items()}
    told = {name: value for name, value in told.items() if name not in FREE}
    # The Transformer calls the width of its head by another name, and says it already.
    if "d_model" in told:
        del told["hidden_size"]
    padding = {} if pad_to is None else {"max_frames": pad_to}
    return {**told, "mask_padding": pad_to is None, **padding}
