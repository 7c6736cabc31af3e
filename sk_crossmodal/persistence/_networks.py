"""Estimators with a network: a description of it, its weights, and what came of training it."""

import reprlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .._types import Ints
from ..modules import CorrelationNetwork, CrossModalNetwork
from ..training import check_number, check_option, net_around
from ._build import build_network, check_device
from ._described import (
    check_fitted,
    check_tower,
    read_history,
    read_loss,
    read_moments,
    read_targets,
)
from ._kinds import Kind
from ._values import Reader, Writer

DTYPES = {"float32": torch.float32, "bfloat16": torch.float32, "float64": torch.float64}


class NetworkKind(Kind):
    """A `NetworkEstimator`: a description of its network, weights, and its history."""

    network: type = CrossModalNetwork

    def known(self, value: Any) -> set[str]:
        """Names of what `fit` sets, by the estimator's own words."""
        if "net_" not in vars(value):
            return set()
        seen = _Seen(value._n_features, value._longest)
        return {*value._fitted_attributes(value.net_, seen), *self.derived}

    def write_fitted(self, value: Any, where: str, writer: Writer) -> dict[str, Any] | None:
        """Say how the network is built, and put its weights among the tensors."""
        if "net_" not in vars(value):
            return None
        net = value.net_
        params = net.get_params_for("module")
        moments = params.pop("moments")
        fitted = {
            "modalities": list(moments),
            "network": writer.value(params, f"{where}net_.module"),
            "loss": writer.value(net.get_params_for("criterion"), f"{where}net_.criterion"),
            "precision": net.precision,
            "batch_size": writer.value(net.batch_size, f"{where}net_.batch_size"),
            "interrupted": net.interrupted,
            "longest": value._longest,
            "n_epochs": len(net.finished_epochs()),
            "history": writer.value(value.history_, f"{where}history_"),
            **self.write_more(value, where, writer),
        }
        check_fitted(value, params, len(moments))
        # The objects inside are numbered by now, so this is the number of this one.
        prefix = str(len(writer.objects))
        for i, (mean, scale) in enumerate(moments.values()):
            writer.tensor(f"{prefix}.mean.{i}", torch.tensor(mean, dtype=torch.float64))
            writer.tensor(f"{prefix}.scale.{i}", torch.tensor(scale, dtype=torch.float64))
        # That which torch.compile wraps is the one that can be built.
        module = getattr(value.module_, "_orig_mod", value.module_)
        for name, tensor in module.state_dict().items():
            writer.tensor(f"{prefix}.module.{name}", tensor)
        return fitted

    def write_more(self, value: Any, where: str, writer: Writer) -> dict[str, Any]:
        """Say what towers know and classifiers do not, or the other way round."""
        return {}

    def build(self, params: dict[str, Any], reader: Reader) -> Any:
        """Construct the estimator, and let it check its parameters, except that on the device."""
        device = params.get("device", "auto")
        if not isinstance(device, str):
            raise ValueError(f"device must be a name, got {reprlib.repr(device)}.")
        check_device(device)
        if params.get("callbacks"):
            raise ValueError(f"callbacks must be None, got {reprlib.repr(params['callbacks'])}.")
        value = super().build({**params, "device": "auto"}, reader)
        value.device = device if reader.device is None else reader.device
        return value

    def make_fitted(self, value: Any, fitted: dict[str, Any], reader: Reader) -> None:
        """Build the network as it is described, and set what `fit` leaves behind."""
        wanted = {*_FITTED, *self.more()}
        if differ := sorted(set(fitted) ^ wanted):
            raise ValueError(f"a fitted {self.cls.__name__} lacks, or has beyond it: {differ}.")
        check_option("precision", fitted["precision"], tuple(DTYPES))
        check_option("interrupted", fitted["interrupted"], (True, False))
        check_number("batch_size", fitted["batch_size"], low=1, integer=True)
        check_number("longest", fitted["longest"], low=0, integer=True)
        history = read_history(reader.value(fitted["history"]))
        check_number("n_epochs", fitted["n_epochs"], low=0, high=len(history), integer=True)
        n_before = len(history) - fitted["n_epochs"]
        network, params = self._network(value, fitted, reader)
        net = net_around(
            network,
            params,
            read_loss(reader.value(fitted["loss"]), params.get("n_outputs")),
            value,
            batch_size=fitted["batch_size"],
            precision=fitted["precision"],
            epochs=[{**row, "epoch": i} for i, row in enumerate(history[n_before:], start=1)],
        )
        net.interrupted = fitted["interrupted"]
        seen = _Seen(
            {n: len(mean) for n, (mean, _) in params["moments"].items()}, fitted["longest"]
        )
        vars(value).update(value._fitted_attributes(net, seen, history[:n_before]))
        self.make_more(value, fitted, reader)

    def _network(
        self, value: Any, fitted: dict[str, Any], reader: Reader
    ) -> tuple[torch.nn.Module, dict[str, Any]]:
        """Build the network; return it and its arguments."""
        prefix = str(len(reader.objects))
        moments = read_moments(reader.value(fitted["modalities"]), prefix, reader)
        params = reader.value(fitted["network"])
        weights = reader.tensors_below(f"{prefix}.module.")
        dtype = DTYPES[fitted["precision"]]
        network = build_network(self.network, params, moments, weights, dtype)
        check_fitted(value, params, len(moments))
        return network, {"moments": moments, **params}

    def more(self) -> tuple[str, ...]:
        """Names of what `write_more` says."""
        return ()

    def make_more(self, value: Any, fitted: dict[str, Any], reader: Reader) -> None:
        """Set what it said; ValueError if it does not fit the network."""


class TowerKind(NetworkKind):
    """A `CorrelationTower`."""

    network = CorrelationNetwork

    def make_more(self, value: Any, fitted: dict[str, Any], reader: Reader) -> None:
        """Set the names of the pairs."""
        names = value.modality_names_in_
        if len(names) < 2:
            raise ValueError(f"a correlation needs two modalities, got {names}.")
        value.pairs_ = [(names[a], names[b]) for a, b in value.module_.pairs]


class ClassifierKind(NetworkKind):
    """A cross-modal classifier: its labels and its tower beside the network."""

    def more(self) -> tuple[str, ...]:
        """Names of what `write_more` says."""
        return ("targets", "correlation_tower", "embeds_correlation", "best_validation_score")

    def write_more(self, value: Any, where: str, writer: Writer) -> dict[str, Any]:
        """Say the form of y, and which tower is used."""
        targets, tower = value._targets, value.correlation_tower_
        classes = len(targets.classes) if targets.multilabel else targets.classes
        about = {
            "classes": classes,
            "hierarchy": targets.hierarchy,
            "sparse": targets.sparse,
            "dtype": targets.dtype.str,
        }
        best = value.best_validation_score_
        return {
            "targets": writer.value(about, f"{where}classes_"),
            "correlation_tower": writer.value(tower, f"{where}correlation_tower_"),
            "embeds_correlation": value._embeds_correlation,
            "best_validation_score": writer.value(best, f"{where}best_validation_score_"),
        }

    def make_more(self, value: Any, fitted: dict[str, Any], reader: Reader) -> None:
        """Set labels and tower, which have to fit the network."""
        arguments = value.net_.get_params_for("module")
        targets = read_targets(reader.value(fitted["targets"]), arguments["n_outputs"])
        tower = reader.value(fitted["correlation_tower"])
        embeds = fitted["embeds_correlation"]
        check_option("embeds_correlation", embeds, (True, False))
        best = reader.value(fitted["best_validation_score"])
        if best is not None:
            check_number("best_validation_score", best, low=0, high=1)
        check_tower(value, tower, arguments.get("n_correlation", 1), embeds)
        value._targets, value.classes_, value.label_names_ = (
            targets,
            targets.classes,
            targets.names,
        )
        value.correlation_tower_, value._embeds_correlation = tower, embeds
        value.best_validation_score_ = best


_FITTED = (
    "modalities",
    "network",
    "loss",
    "precision",
    "batch_size",
    "interrupted",
    "longest",
    "n_epochs",
    "history",
)


@dataclass(frozen=True)
class _Seen:
    """What an estimator remembers of the videos that it was fitted on."""

    n_features: dict[str, int]
    longest: int

    @property
    def modality_names(self) -> tuple[str, ...]:
        return tuple(self.n_features)

    def timeline_lengths(self) -> Ints:
        return np.array([self.longest])
