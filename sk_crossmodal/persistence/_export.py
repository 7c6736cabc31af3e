"""`export_model`: a fitted classifier as a program of torch, without this package."""

import io
import json
import warnings
from copy import deepcopy
from os import PathLike
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from ..classification import CrossModalClassifier
from ..modules import InferenceModule
from ..multimodal import as_long_videos
from ..training import own_defaults
from ..validation import check_flag
from ._file import check_path, write_file

FORMAT = 1
DESCRIPTION = "sk_crossmodal.json"  # its name in the archive


@own_defaults()
def export_model(estimator: Any, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Export a fitted classifier as a program of `torch.export`, which needs only torch.

    The program contains the network, its correlation tower and the scaling of frames. Its output
    is that of `predict_proba`, for any number of videos and frames.

    Parameters
    ----------
    estimator : classifier
        A fitted cross-modal classifier.
    path : str or path
        The file; its name usually ends in ``.pt2``.
    overwrite : bool, default=False
        Whether an existing file is replaced.

    Raises
    ------
    TypeError
        If `estimator` is no cross-modal classifier.
    NotFittedError
        If it is not fitted.
    FileExistsError
        If the file exists, and `overwrite` is False.
    ValueError
        If the network cannot be exported, which may happen with an encoder of your own; or if
        long videos are pooled to other windows for the correlation tower than for the classifier.
    OSError
        If the file cannot be written; an earlier file is then unchanged.

    See Also
    --------
    save_model : Save a model that this package loads and trains further.

    Notes
    -----
    docs/export.md describes inputs, outputs, the JSON in the archive and how to serve a program.
    It computes on the CPU in float32, or float64 with that `precision`.

    Examples
    --------
    >>> import os, tempfile, torch
    >>> from sk_crossmodal import CrossModalTransformerClassifier, export_model
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> X = make_crossmodal_videos(8, random_state=0).data
    >>> classifier = CrossModalTransformerClassifier(
    ...     fusion="late", d_model=8, n_heads=2, max_epochs=1
    ... )
    >>> classifier = classifier.fit(X, [0, 1] * 4)
    >>> frames, masks = X.pad([0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.pt2")
    ...     export_model(classifier, path)
    ...     program = torch.export.load(path).module()
    >>> program(
    ...     {name: torch.from_numpy(x) for name, x in frames.items()},
    ...     {name: torch.from_numpy(mask) for name, mask in masks.items()},
    ... ).shape
    torch.Size([2, 2])
    """
    path = check_path(path)
    check_flag("overwrite", overwrite)
    if not isinstance(estimator, CrossModalClassifier):
        wanted = "estimator must be one of the cross-modal classifiers"
        given = type(estimator).__name__
        raise TypeError(f"{wanted}, got {given}; of a Pipeline, export the classifier inside.")
    check_is_fitted(estimator)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{str(path)!r} exists: give overwrite=True, or another path.")
    _check_windows(estimator)
    archive = io.BytesIO()
    program = _program(estimator)
    text = json.dumps(_description(estimator), ensure_ascii=False)
    torch.export.save(program, archive, extra_files={DESCRIPTION: text})
    write_file(path, archive.getvalue(), "program")


def _program(estimator: Any) -> torch.export.ExportedProgram:
    """Trace copies of the networks on the CPU with three videos of four frames."""
    tower = estimator.correlation_tower_
    network = InferenceModule(
        _copy(estimator),
        None if tower is None else _copy(tower),
        _max_frames(estimator),
        embeds=estimator._embeds_correlation,
        multilabel=np.ndim(estimator.classes_) == 2,
    ).eval()
    n_videos, max_frames = 3, max(network.max_frames)
    n_frames = min(4, max_frames)
    frames = {n: torch.zeros(n_videos, n_frames, w) for n, w in estimator._n_features.items()}
    masks = {name: torch.ones(n_videos, n_frames, dtype=torch.bool) for name in frames}
    sizes: Any = {0: torch.export.Dim("videos", min=1)}
    if n_frames > 1:
        sizes[1] = torch.export.Dim("frames", min=1, max=max_frames)
    shapes = (dict.fromkeys(frames, sizes), dict.fromkeys(masks, sizes))
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about internals of torch
            program = torch.export.export(network, (frames, masks), dynamic_shapes=shapes)
    except Exception as error:  # of any operation of an encoder
        raise ValueError(f"{type(estimator).__name__} cannot be exported: {error}") from error
    for part in program.graph_module.modules():
        for node in part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)  # it names folders of this machine
    return program


def _max_frames(estimator: Any) -> tuple[int, int]:
    """Return `max_frames` of the classifier, and of its tower."""
    tower = estimator.correlation_tower_
    return int(estimator.max_frames), int((estimator if tower is None else tower).max_frames)


def _check_windows(estimator: Any) -> None:
    """Raise ValueError unless classifier and tower have the same frames of a long video."""
    tower = estimator.correlation_tower_
    own, others = (_reading(each) for each in (estimator, estimator if tower is None else tower))
    if own != others and "pool" in {*own["long_videos"].values(), *others["long_videos"].values()}:
        wanted = "The classifier and its correlation tower must have the same max_frames and"
        raise ValueError(
            f'{wanted} long_videos in a program, got {own} and {others}. With long_videos="cut" '
            "in both, max_frames may differ."
        )


def _reading(estimator: Any) -> dict[str, Any]:
    """Return how an estimator reads long videos, by modality."""
    names = estimator.modality_names_in_
    long_videos = as_long_videos(estimator.long_videos, names)
    return {"max_frames": int(estimator.max_frames), "long_videos": long_videos}


def _copy(estimator: Any) -> Any:
    return deepcopy(estimator.net_.plain_module()).cpu().requires_grad_(False)


def _description(estimator: Any) -> dict[str, Any]:
    """Return inputs and outputs of the program for its users."""
    classes, multilabel = estimator.classes_, np.ndim(estimator.classes_) == 2
    names = estimator.label_names_ if multilabel else classes.tolist()
    plain = str | int | float | bool
    return {
        "format": FORMAT,
        "modalities": estimator._n_features,
        "max_frames": max(_max_frames(estimator)),
        "long_videos": _reading(estimator)["long_videos"],
        "labels": names and [name if isinstance(name, plain) else str(name) for name in names],
        "n_labels": len(classes),
        "multilabel": multilabel,
    }
