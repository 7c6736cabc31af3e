"""`save_model` and `load_model`: fitted estimators in files that contain no code."""

import reprlib
import warnings
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted

from ..classification import (
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
)
from ..compose import ModalityTransformer, TransformedTargetClassifier
from ..correlation import CorrelationTower
from ..hierarchy import HierarchyLabelBinarizer, LabelHierarchy
from ..training import own_defaults, resolve_device
from ._file import check_path, from_bytes, read_file, to_bytes, write_file
from ._read import Reader, check_keys
from ._registered import register_model
from ._sklearn import register_sklearn
from ._write import Writer

try:
    PACKAGE = version("sk_crossmodal")
except PackageNotFoundError:  # used without being installed
    PACKAGE = "unknown"
MAX_OBJECTS = 10_000
for cls, depth in {
    LabelHierarchy: 0,
    CorrelationTower: 1,
    HierarchyLabelBinarizer: 1,
    ModalityTransformer: 3,
    CrossModalNetVLADClassifier: 3,
    CrossModalRNNClassifier: 3,
    CrossModalTransformerClassifier: 3,
    TransformedTargetClassifier: 5,
}.items():
    register_model(cls, depth=depth)
register_sklearn()


@own_defaults()
def save_model(model: Any, path: str | PathLike[str]) -> None:
    """Save a fitted estimator as a file without code: parameters, weights and a checksum.

    Parameters
    ----------
    model : estimator
        A fitted cross-modal classifier, `CorrelationTower`, `HierarchyLabelBinarizer`,
        `ModalityTransformer` or `TransformedTargetClassifier`; a scikit-learn `Pipeline` of
        these; or a `LabelHierarchy`. They may contain `PCA`, `IncrementalPCA`,
        `StandardScaler`, `Normalizer`, `LabelEncoder` and `FrozenEstimator` of scikit-learn.
        A class of your own needs :func:`~sk_crossmodal.persistence.register_model`.
    path : str or path
        The file, of any name. An existing one is replaced once the new one is complete.

    Raises
    ------
    TypeError
        If a value cannot be in such a file: an estimator of another class, callbacks, a
        `RandomState`, an encoder that is not registered. The message names it.
    NotFittedError
        If the model is not fitted.
    ValueError
        If a weight is NaN or infinite, or parameters that predictions depend on are no longer
        those of `fit`.
    OSError
        If the file cannot be written; an earlier file is then unchanged.

    Warns
    -----
    UserWarning
        If `checkpoint` or `memory` is set: they are paths of this machine, and saved as None.
        If `pretrained` is set: it is a second model, and saved as None, too.

    See Also
    --------
    load_model : Load a saved model.

    Notes
    -----
    docs/models.md describes the file, which any tool for safetensors reads, and when to use
    pickle and joblib. The state of the optimizer is not saved: `partial_fit` of a loaded model
    continues with the weights only.

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
    path = check_path(path)
    writer = Writer()
    number = writer.object(model, "")
    written = writer.objects[number]
    if "params" in written and "fitted" not in written:  # as a Pipeline, which asks its steps
        check_is_fitted(model)
    data = to_bytes(
        {"package": PACKAGE, "objects": writer.objects, "model": number}, writer.tensors
    )
    if writer.dropped:
        words = "is None in the saved model, which needs it neither to continue nor to predict."
        warnings.warn(f"{writer.dropped} {words}", UserWarning, stacklevel=2)
    if paths := {name: value for name, value in writer.paths.items() if value is not True}:
        words = "are None in the saved model, as paths of this machine; set them after load_model."
        warnings.warn(f"{paths} {words}", UserWarning, stacklevel=2)
    write_file(path, data)


@own_defaults()
def load_model(path: str | PathLike[str], *, device: str | None = None) -> Any:
    """Load a model that `save_model` saved. Files of strangers are safe: no code is run.

    Parameters
    ----------
    path : str or path
        The file.
    device : str, default=None
        The parameter `device` of all networks in the model. None keeps the saved one; if this
        machine has no such device, the model uses that of "auto".

    Returns
    -------
    estimator
        The fitted estimator, with the predictions of the saved one.

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
    checksum detects damage, but does not say who wrote the file.
    """
    path = check_path(path)
    if device is not None:
        resolve_device(device)
    try:
        document, tensors = from_bytes(read_file(path))
        return _restore(document, tensors, device)
    except OSError:
        raise
    except Exception as error:  # whatever a forged file causes
        raise ValueError(f"{str(path)!r} cannot be loaded: {error}") from error


def _restore(
    document: dict[str, Any], tensors: dict[str, torch.Tensor], device: str | None
) -> Any:
    """Return the model of a document, after all objects before it."""
    check_keys(document, ("format", "sha256", "package", "objects", "model"))
    if len(objects := document["objects"]) > MAX_OBJECTS:
        raise ValueError(f"at most {MAX_OBJECTS} objects can be loaded, got {len(objects)}.")
    reader = Reader(tensors, device)
    for written in objects:
        try:
            reader.object(written)
        except Exception as error:
            words = _written_by(document.get("package"))
            raise ValueError(f"{reader.class_name!s:.80}: {error}{words}") from error
    if reader.unused:
        raise ValueError(f"nothing uses the tensors {reprlib.repr(sorted(reader.unused))}.")
    model = reader.value({"!object": document["model"]})
    if hasattr(model, "get_params"):
        check_is_fitted(model)
    return model


def _written_by(package: Any) -> str:
    """Return words about the version that wrote a file, if it is another."""
    if package == PACKAGE or not isinstance(package, str):
        return ""
    return f" (The file was written by version {package[:20]!r}, this is {PACKAGE!r}.)"
