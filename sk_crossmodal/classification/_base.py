"""What all cross-modal classifiers share: everything but the encoder."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Bunch
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from ..correlation import CorrelationTower
from ..modules import FUSIONS, CrossModalNetwork
from ..training import (
    FrameDataset,
    NetworkEstimator,
    Targets,
    check_number,
    check_option,
    check_sizes,
    check_y,
)

OPTIONS = {
    "fusion": FUSIONS,
    "gate": ("hard", "soft"),
    "cross_modal_combine": ("add", "multiply"),
    "influence": ("cross", "self", "none"),
    "correlation_features": ("probability", "embedding"),
}
NEEDS_TOWER = ("cross_modal_gated", "cross_modal_concat")


class CrossModalClassifier(ClassifierMixin, NetworkEstimator):
    """Base of the cross-modal classifiers; a family adds an encoder and its parameters."""

    def _encoder(self):
        """Return the class of the encoder, its arguments, and its name in a tower."""
        raise NotImplementedError

    def _width(self):
        """Return the width of the layer that fuses the encoders."""
        raise NotImplementedError

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, X, y=None, *more, sample_weight=None):
        """Train the classifier, and before it a correlation tower where one is needed.

        Parameters
        ----------
        X : MultimodalArray or any form that becomes one
            The videos; or the frames of the first modality, followed by those of the others.
        y : array-like or sparse
            Labels: multilabel indicators (n, n_labels) or classes (n,). With several modalities
            given one by one, ``fit(X_video, X_audio, y)``, y is the last positional argument.
        *more : array-like
            Further modalities and y, when modalities are given one by one.
        sample_weight : array-like of shape (n,), default=None
            Weights of the videos in the loss; those of weight 0 are left out.

        Returns
        -------
        CrossModalClassifier
            The fitted classifier itself.

        Raises
        ------
        ValueError
            If a parameter, X or y does not fit, see
            :func:`~sk_crossmodal.multimodal.as_multimodal`; if classes are outside the hierarchy
            or its size is not that of y; or if the tower's modalities are not those of X.
        """
        *arrays, y = (X, y, *more)
        self._check_params()
        X = self._check_fit_input(arrays[0], arrays[1:])
        y = check_y(y, len(X))
        weight = self._sample_weight(sample_weight, X)
        kept = np.flatnonzero(weight)
        self._check_tower(X)
        self._fit_videos(X[kept], y[kept], weight[kept])
        return self

    def _fit_videos(self, X, y, weight):
        """Fit on checked videos: split, tower, network, fitted attributes."""
        targets = Targets(y, self.hierarchy)
        if len(targets.classes) < 2 and not targets.multilabel:
            raise ValueError(
                "Classifier can't train when only one class is present: "
                f"{targets.classes.tolist()}."
            )
        encoded = targets.encode(y)
        split_seed, tower_seed, train_seed = self._seeds(3)
        train, valid = self._split(len(X), split_seed)
        tower = self._fit_tower(X[train], y[train], weight[train], tower_seed)
        extra = self._correlation(tower, X)
        n_correlation = extra["correlation"].shape[-1] if extra else 1
        data = [self._dataset(X, encoded, weight, extra, rows) for rows in (train, valid)]
        train_set, valid_set = data if len(valid) else (data[0], None)
        module_params = self._module_params(X[train], len(targets.classes), n_correlation)
        loss = {
            "kind": "binary" if targets.multilabel else "classes",
            "class_weight": self._class_weights(targets, encoded, weight),
        }
        self._train(CrossModalNetwork, module_params, train_set, valid_set, loss, train_seed)
        self._remember_input(X)
        self._targets = targets
        self.classes_, self.label_names_ = targets.classes, targets.names
        self.correlation_tower_ = tower

    def _dataset(self, X, encoded, weight, extra, rows):
        part = {name: values[rows] for name, values in extra.items()}
        y = encoded[rows]
        return FrameDataset(X[rows], y, weight[rows], max_frames=self.max_frames, extra=part)

    def _module_params(self, X, n_outputs, n_correlation):
        encoder, encoder_params, _ = self._encoder()
        longest = int(X.timeline_lengths().max())
        return {
            "moments": X.frame_moments(),
            "n_outputs": n_outputs,
            "encoder": encoder,
            "encoder_params": encoder_params,
            "fusion": self.fusion,
            "gate": self.gate,
            "influence": self.influence,
            "layer_sizes": tuple(self.cross_modal_layer_sizes),
            "combine": self.cross_modal_combine,
            "n_frames": max(1, min(self.max_frames, longest)),
            "n_correlation": n_correlation,
            "hidden_size": self._width(),
            "dropout": self.dropout,
            "modality_dropout": self.modality_dropout,
        }

    def _check_params(self):
        self._check_training_params()
        for name, options in OPTIONS.items():
            check_option(name, getattr(self, name), options)
        check_sizes("cross_modal_layer_sizes", self.cross_modal_layer_sizes)
        check_number("modality_dropout", self.modality_dropout, low=0, high=1)

    def _class_weights(self, targets, encoded, weight):
        """Factors of the loss, (n_outputs,), or None."""
        if self.class_weight is None:
            return None
        n = len(targets.classes)
        if isinstance(self.class_weight, str):
            check_option("class_weight", self.class_weight, ("balanced",))
            if targets.multilabel:
                positive = np.asarray(weight @ encoded).ravel()
                # A label that nobody has needs no weight.
                return np.divide(weight.sum() - positive, positive, np.ones(n), where=positive > 0)
            return compute_class_weight(
                "balanced", classes=np.arange(n), y=encoded, sample_weight=weight
            )
        keys = list(range(n)) if targets.multilabel else targets.classes.tolist()
        if not isinstance(self.class_weight, Mapping):
            raise TypeError(
                f'class_weight must be None, "balanced" or a dict, got {self.class_weight!r}.'
            )
        for key, factor in self.class_weight.items():
            check_number(f"class_weight[{key!r}]", factor, low=0)
        if unknown := [key for key in self.class_weight if key not in keys]:
            raise ValueError(f"class_weight names unknown labels {unknown}; known are {keys}.")
        return np.array([float(self.class_weight.get(key, 1.0)) for key in keys])

    def _uses_tower(self, n_modalities):
        return self.fusion in NEEDS_TOWER and n_modalities > 1

    def _check_tower(self, X):
        """Refuse a tower that is of the wrong type or was fitted on other modalities."""
        tower = self.correlation_tower
        frozen = isinstance(tower, FrozenEstimator)
        tower = tower.estimator if frozen else tower
        if tower is not None and not isinstance(tower, CorrelationTower):
            raise TypeError(
                "correlation_tower must be None, a CorrelationTower or a FrozenEstimator of a "
                f"fitted one, got {self.correlation_tower!r}."
            )
        if frozen:
            check_is_fitted(tower)
            given = (tower.modality_names_in_, tower._n_features)
            if self._uses_tower(len(X.modality_names)) and given != (
                X.modality_names,
                X.n_features,
            ):
                raise ValueError(
                    f"correlation_tower was fitted on {tower._n_features}, but X has "
                    f"{X.n_features}; names, widths and order must be the same."
                )

    def _fit_tower(self, X, y, weight, seed):
        """Return the tower to use: as given, or trained on these rows alone; None if unused."""
        if not self._uses_tower(len(X.modality_names)):
            return None
        if isinstance(self.correlation_tower, FrozenEstimator):
            return self.correlation_tower.estimator
        if self.correlation_tower is None:
            tower = self._default_tower()
        else:
            tower = clone(self.correlation_tower)
        if tower.hierarchy is None:
            tower.set_params(hierarchy=self.hierarchy)
        if tower.random_state is None:
            tower.set_params(random_state=seed)
        if self.verbose:
            print("Correlation tower")
        tower.fit(X, y, sample_weight=weight)
        if self.verbose:
            print(type(self).__name__)
        return tower

    def _default_tower(self):
        """Return a tower of the classifier's own kind, size and training."""
        _, encoder_params, name = self._encoder()
        shared = "max_frames dropout lr batch_size max_epochs lr_schedule lr_patience"
        shared += " early_stopping validation_fraction device precision compile verbose"
        return CorrelationTower(
            encoder=name,
            encoder_params=encoder_params,
            hidden_layer_sizes=(self._width(),),
            **{param: getattr(self, param) for param in shared.split()},
        )

    def _correlation(self, tower, X):
        """What the network is told about the correlation of each video, as its extra input."""
        if tower is None:
            return {}
        if self.correlation_features == "embedding" and self.fusion == "cross_modal_concat":
            return {"correlation": tower.embed(X)}
        return {"correlation": tower.predict_proba(X)[:, :, None]}

    def _prediction_set(self, X, more):
        X = self._check_predict_input(X, more)
        extra = self._correlation(self.correlation_tower_, X)
        return FrameDataset(X, max_frames=self.max_frames, extra=extra)

    def decision_function(self, X, *more):
        """Logits.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_labels), (n, n_classes), or (n,) for two classes
            The network's outputs; for two classes the second's minus the first's.
        """
        dataset = self._prediction_set(X, more)
        logits = self.net_.predict_rows(dataset)
        if not self._targets.multilabel and len(self.classes_) == 2:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_proba(self, X, *more):
        """Predict the probabilities of the labels, or of the classes.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_labels) or (n, n_classes), float32 (float64 if `precision` is)
            For indicators the probability of each label on its own; for classes rows that sum
            to 1. Strictly between 0 and 1.
        """
        dataset = self._prediction_set(X, more)
        logits = self.net_.predict_rows(dataset)
        probability = expit(logits) if self._targets.multilabel else softmax(logits, axis=1)
        edge = np.finfo(probability.dtype).eps / 2
        return probability.clip(edge, 1 - edge)

    def predict(self, X, *more):
        """Predict labels above 0.5, or the likeliest class, in y's form and dtype.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray or csr_array of shape (n, n_labels), or ndarray of shape (n,)
            The predictions.
        """
        probability = self.predict_proba(X, *more)
        return self._targets.decode(probability)

    def score(self, X, y, *more, sample_weight=None):
        """Accuracy; for indicators the share of videos with all labels right.

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the videos.

        Returns
        -------
        float
            The accuracy.
        """
        *arrays, y = (X, y, *more)
        array = self._check_predict_input(arrays[0], arrays[1:])
        return super().score(array, y, sample_weight=sample_weight)

    def attention_weights(self, X, *more):
        """Attention over time before and after the influence (Figure 1).

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        dict of str to Bunch of two ndarrays of shape (n, T)
            Per modality ``before`` and ``after``: how much each moment is attended to, averaged
            over heads and queries. Rows sum to 1, or are 0 for a video without frames; T is the
            longest time line. With early fusion the only entry joins the modalities' names
            by "+".
        """
        dataset = self._prediction_set(X, more)
        names = self.modality_names_in_
        names = ("+".join(names),) if self.fusion == "early" else names
        shape = (len(dataset), max(1, int(dataset.lengths().max())))
        out = {n: Bunch(before=np.zeros(shape), after=np.zeros(shape)) for n in names}
        # Attention is T x T for every head, so few videos at a time.
        for rows, towers in self.net_.outputs(dataset, "attention", batch_size=8):
            for name, pair in zip(names, towers, strict=True):
                for kind, weights in zip(("before", "after"), pair, strict=True):
                    weights = weights.to(torch.float64).cpu().numpy()
                    out[name][kind][rows, : weights.shape[1]] = weights
        return out
