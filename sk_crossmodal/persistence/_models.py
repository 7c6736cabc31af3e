"""`save_model` and `load_model`: fitted estimators in files that hold no code."""

import reprlib
import warnings
from importlib.metadata import PackageNotFoundError, version
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted

from ..classification import (
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
)
from ..correlation import CorrelationTower
from ..hierarchy import LabelHierarchy
from ..training import resolve_device
from ._build import check_device
from ._file import from_bytes, read_whole, to_bytes, write_whole
from ._kinds import HierarchyKind, Kind, check_keys
from ._networks import ClassifierKind, TowerKind
from ._parts import PARTS
from ._values import Reader, Writer

try:
    PACKAGE = version("sk_crossmodal")
except PackageNotFoundError:  # used without being installed
    PACKAGE = "unknown"
CLASSIFIERS = (
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
)
MOST_OBJECTS = 10_000
OF_CLASSIFIERS = (
    "_embeds_correlation",
    "_targets",
    "classes_",
    "correlation_tower_",
    "label_names_",
)
KINDS: dict[str, Kind] = {
    kind.cls.__name__: kind
    for kind in (
        HierarchyKind(),
        TowerKind(CorrelationTower, 1, derived=("pairs_",)),
        *(ClassifierKind(cls, 3, derived=OF_CLASSIFIERS) for cls in CLASSIFIERS),
        *PARTS,
    )
}


def save_model(model: Any, path: str | PathLike[str]) -> None:
    """Save a fitted estimator as a file that holds no code: parameters, weights, a checksum.

    Parameters
    ----------
    model : estimator
        One of the three classifiers, a `CorrelationTower`, `HierarchyLabelBinarizer`,
        `ModalityTransformer`, or `TransformedTargetClassifier`, fitted; a scikit-learn
        `Pipeline` of such; or a `LabelHierarchy`. Parts of scikit-learn inside may be `PCA`,
        `IncrementalPCA`, `StandardScaler`, `Normalizer`, `LabelEncoder` and `FrozenEstimator`.
    path : str or path
        The file; an existing one is replaced when the new one is whole. Any name will do.

    Raises
    ------
    TypeError
        If something cannot be said in such a file: an estimator of another class, callbacks, a
        `RandomState`, a class of your own as encoder. The message names it.
    NotFittedError
        If the model is not fitted.
    ValueError
        If a weight is NaN or infinite, or parameters that change how the model is applied are
        no longer those of `fit`.
    OSError
        If the file cannot be written; what was there is as it was.

    Warns
    -----
    UserWarning
        If `checkpoint` or `memory` is set: they name places of this machine, and are saved as
        None. If `pretrained` is set: it is a second model, and is saved as None, too.

    See Also
    --------
    load_model : Load it.

    Notes
    -----
    docs/models.md describes the file, which any tool for safetensors reads, and says what
    pickle and joblib are for. The state of the optimizer is not saved: `partial_fit` of a
    loaded model goes on with the weights alone.

    Examples
    --------
    >>> import os, tempfile
    >>> from sk_crossmodal import HierarchyLabelBinarizer, load_model, save_model
    >>> labels = HierarchyLabelBinarizer().fit([["Transport:Land"], ["Sport"]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels.safetensors")
    ...     save_model(labels, path)
    ...     load_model(path).transform([["Transport"]])
    array([[0, 1, 0]])
    """
    where = Path(checked_path(path))
    if type(model).__name__ not in KINDS or type(model) is not KINDS[type(model).__name__].cls:
        raise TypeError(
            f"model must be one of {sorted(KINDS)}, got {reprlib.repr(model)}, of the class "
            f"{type(model).__name__}. For anything else there is joblib.dump, see docs/models.md."
        )
    if not isinstance(model, LabelHierarchy):
        check_is_fitted(model)
    writer = Writer(KINDS)
    number = writer.object(model, "")
    document = {"package": PACKAGE, "objects": writer.objects, "model": number}
    data = to_bytes(document, writer.tensors)
    if writer.dropped:
        warnings.warn(
            f"{writer.dropped} is where training began, and not needed to go on or to predict: in "
            "the saved model it is None.",
            UserWarning,
            stacklevel=2,
        )
    if places := {name: value for name, value in writer.places.items() if value is not True}:
        warnings.warn(
            f"{places} name places of this machine: in the saved model they are None; set "
            "them anew after load_model.",
            UserWarning,
            stacklevel=2,
        )
    write_whole(where, data)


def load_model(path: str | PathLike[str], *, device: str | None = None) -> Any:
    """Load what `save_model` saved, whoever sent it: nothing in the file is run.

    Parameters
    ----------
    path : str or path
        The file.
    device : str, default=None
        Where to compute, set as parameter `device` of all networks in it. None leaves the
        parameter as it is; where there is no such device here, the model computes where "auto"
        would.

    Returns
    -------
    estimator
        The fitted estimator, which predicts what the saved one did.

    Raises
    ------
    ValueError
        If the file is damaged, is no model or of a later format, names an unknown class or
        parameter, or anything in it does not fit the rest.
    OSError
        If it cannot be read at all.

    See Also
    --------
    save_model : Save a model, with an example.

    Notes
    -----
    Reading takes no more memory than a few times the file, whatever sizes it declares. The
    checksum tells damage, not who wrote the file.
    """
    where = Path(checked_path(path))
    if device is not None:
        check_device(resolve_device(device))
    try:
        document, tensors = from_bytes(read_whole(where))
        return make_model(document, tensors, device)
    except OSError:
        raise
    except Exception as error:  # whatever a forged file brings about
        raise ValueError(f"{str(where)!r} cannot be loaded: {error}") from error


def make_model(
    document: dict[str, Any], tensors: dict[str, torch.Tensor], device: str | None = None
) -> Any:
    """Make a model of what a file says."""
    reader = Reader(tensors, device)
    check_keys(document, ("format", "sha256", "package", "objects", "model"))
    objects = document.get("objects")
    if not isinstance(objects, list) or len(objects) > MOST_OBJECTS:
        raise ValueError(
            f"objects must be a list of at most {MOST_OBJECTS}, got {reprlib.repr(objects)}."
        )
    for written in objects:
        name = written.get("class") if isinstance(written, dict) else None
        if not isinstance(name, str) or name not in KINDS:
            raise ValueError(f"unknown class {reprlib.repr(name)}; known are {sorted(KINDS)}.")
        reader.below = KINDS[name].rank
        try:
            reader.objects.append(KINDS[name].make(written, reader))
        except Exception as error:
            raise ValueError(f"{name}: {error}{_written_by(document)}") from error
        reader.ranks.append(KINDS[name].rank)
    reader.below = 1 + max(kind.rank for kind in KINDS.values())
    if unused := sorted(set(tensors) - reader.used):
        raise ValueError(f"nothing knows of the tensors {reprlib.repr(unused)}.")
    model = reader.value({"!object": document.get("model")})
    if not isinstance(model, LabelHierarchy):
        check_is_fitted(model)
    return model


def checked_path(path: Any) -> str:
    """Return a path as a str; TypeError or ValueError if it is none."""
    if not isinstance(path, str | PathLike) or isinstance(fspath(path), bytes):
        raise TypeError(f"path must be a str or a path, got {path!r}.")
    if not fspath(path):
        raise ValueError("path must name a file, got ''.")
    return fspath(path)


def _written_by(document: dict[str, Any]) -> str:
    """Words about the version that wrote a file, where it is another."""
    package = document.get("package")
    if package == PACKAGE or not isinstance(package, str):
        return ""
    return f" (It was written by version {package[:20]!r}, this is {PACKAGE!r}.)"
