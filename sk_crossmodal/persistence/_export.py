"""`export_model`: a fitted classifier as a program that torch runs without this package."""

import io
import json
import reprlib
import warnings
from copy import deepcopy
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted

from ..modules import CorrelationNetwork, CrossModalNetwork, InferenceModule
from ..training import check_option
from ._file import write_whole
from ._models import CLASSIFIERS, checked_path

FORMAT = 1
ABOUT = "sk_crossmodal.json"  # name of the description in the archive


def export_model(estimator: Any, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Export a fitted classifier as a program of `torch.export`, which needs torch alone.

    The program holds the network, its correlation tower and the scaling of frames, and gives
    what `predict_proba` does, for any number of videos and frames.

    Parameters
    ----------
    estimator : classifier
        A fitted classifier of one of the three families.
    path : str or path
        The file, which usually ends in ``.pt2``.
    overwrite : bool, default=False
        Whether a file that is there is replaced.

    Raises
    ------
    TypeError
        If `estimator` is none of the three classifiers.
    NotFittedError
        If it is not fitted.
    FileExistsError
        If the file is there, and `overwrite` is False.
    ValueError
        If the network cannot be exported, as one with an encoder of your own may be.
    OSError
        If the file cannot be written; what was there is as it was.

    See Also
    --------
    save_model : For use with this package: it can be loaded on any version, and go on training.

    Notes
    -----
    docs/export.md describes inputs, outputs and the JSON in the archive, and how a program is
    served. It computes on the CPU in float32, or float64 with that `precision`.

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
    where = Path(checked_path(path))
    check_option("overwrite", overwrite, (True, False))
    if type(estimator) not in CLASSIFIERS:
        raise TypeError(
            f"estimator must be one of {sorted(cls.__name__ for cls in CLASSIFIERS)}, got "
            f"{reprlib.repr(estimator)}. Of a Pipeline or a TransformedTargetClassifier export "
            "the classifier inside, such as classifier_, and do what stands before it yourself."
        )
    check_is_fitted(estimator)
    if where.exists() and not overwrite:
        raise FileExistsError(
            f"{str(where)!r} is there already: give overwrite=True to replace it, or another path."
        )
    archive = io.BytesIO()
    program = _program(estimator)
    about = json.dumps(_about(estimator), ensure_ascii=False)
    torch.export.save(program, archive, extra_files={ABOUT: about})
    write_whole(where, archive.getvalue(), "program")


def _program(estimator: Any) -> torch.export.ExportedProgram:
    """Trace the networks with three videos of four frames; no size of these stays in it."""
    served = _served(estimator)
    n_videos, n_frames = 3, min(4, max(served.max_frames))
    frames = {n: torch.zeros(n_videos, n_frames, w) for n, w in estimator._n_features.items()}
    masks = {name: torch.ones(n_videos, n_frames, dtype=torch.bool) for name in frames}
    sizes: Any = {0: torch.export.Dim("videos", min=1)}
    if n_frames > 1:
        sizes[1] = torch.export.Dim("frames", min=1, max=max(served.max_frames))
    shapes = (dict.fromkeys(frames, sizes), dict.fromkeys(masks, sizes))
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the insides of torch
            program = torch.export.export(served, (frames, masks), dynamic_shapes=shapes)
    except Exception as error:  # of whatever an encoder does
        raise ValueError(
            f"The network of this {type(estimator).__name__} cannot be exported: {error}"
        ) from error
    for part in program.graph_module.modules():
        for node in part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)  # it names folders of this machine
    return program


def _served(estimator: Any) -> InferenceModule:
    """Put copies of the networks together, on the CPU."""
    tower = estimator.correlation_tower_
    network: CrossModalNetwork = _copy(estimator)
    judge: CorrelationNetwork | None = None if tower is None else _copy(tower)
    served = InferenceModule(
        network,
        judge,
        _lengths(estimator),
        embeds=estimator._embeds_correlation,
        multilabel=estimator._targets.multilabel,
    )
    return served.eval()


def _lengths(estimator: Any) -> tuple[int, int]:
    """First moments that the network looks at, and that its tower does."""
    tower = estimator.correlation_tower_
    return int(estimator.max_frames), int((estimator if tower is None else tower).max_frames)


def _copy(estimator: Any) -> Any:
    module = getattr(estimator.module_, "_orig_mod", estimator.module_)
    return deepcopy(module).cpu().requires_grad_(False)


def _about(estimator: Any) -> dict[str, Any]:
    """Say what goes in and what comes out."""
    targets = estimator._targets
    names = targets.names if targets.multilabel else targets.classes.tolist()
    return {
        "format": FORMAT,
        "modalities": estimator._n_features,
        "max_frames": max(_lengths(estimator)),
        "labels": None if names is None else [_plain(name) for name in names],
        "n_labels": len(targets.classes),
        "multilabel": bool(targets.multilabel),
    }


def _plain(label: Any) -> Any:
    """Return a label as JSON has it, or as text."""
    return label if isinstance(label, str | int | float | bool) else str(label)
