"""Wrong calls of persistence and compose: (id, call, errors, pattern of the message)."""

import tempfile
from pathlib import Path

import numpy as np
from estimator_cases import (
    fitted,
    fitted_tower,
    from_rows,
    make_classifier,
    make_labels,
    make_videos,
    rows_of,
)
from scipy.sparse import csr_array
from sklearn.decomposition import NMF, PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, StandardScaler

from sk_crossmodal import (
    CorrelationTower,
    HierarchyLabelBinarizer,
    ModalityTransformer,
    TransformedTargetClassifier,
    export_model,
    load_model,
    save_model,
)
from sk_crossmodal.persistence import register_model

X = make_videos().data
VIDEO, AUDIO = rows_of(X, "video"), rows_of(X, "audio")
TABLE = np.random.RandomState(0).randn(8, 4)
PATHS = [{"a:x"}, {"b"}] * 4
LATE = make_classifier(fusion="late", max_epochs=1)
BAD = (ValueError, TypeError)


def save(model, name="model"):
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, Path(folder) / name if isinstance(name, str) else name)


def load(data, **kwargs):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(data)
        load_model(path, **kwargs)


def modality(transformers=None, data=X, y=None, **params):
    return ModalityTransformer(transformers, **params).fit(data, y)


def transformed(data, fitted_on=X, transformers=None):
    return modality(transformers, fitted_on).transform(data)


def target(classifier=None, transformer=None, data=TABLE, y=PATHS, **kwargs):
    return TransformedTargetClassifier(classifier, transformer=transformer).fit(data, y, **kwargs)


def fitted_target():
    return target(LogisticRegression(), LabelEncoder(), y=["a", "b"] * 4)


class NoInverse:
    """A transformer without `inverse_transform`."""

    def get_params(self, deep=True):
        return {}

    def fit(self, y):
        return self

    def transform(self, y):
        return y


def export(model, name="model.pt2", **kwargs):
    with tempfile.TemporaryDirectory() as folder:
        export_model(model, Path(folder) / name if isinstance(name, str) else name, **kwargs)


EXPORTING = [
    ("export none", lambda: export(None), TypeError, "estimator must be one of .* got None"),
    ("export a class", lambda: export(type(LATE)), TypeError, "estimator must be one of"),
    (
        "export a pipeline",
        lambda: export(make_pipeline(LATE)),
        TypeError,
        "estimator must be one of .*got Pipeline.*export the classifier inside",
    ),
    ("export a tower", lambda: export(fitted_tower()), TypeError, "estimator must be one of"),
    ("export not fitted", lambda: export(LATE), NotFittedError, "not fitted yet"),
    ("export to none", lambda: export(fitted(), None), TypeError, "path must be a str or a path"),
    ("export to nothing", lambda: export_model(fitted(), ""), ValueError, "path must name a file"),
    ("export to bytes", lambda: export(fitted(), b"m"), TypeError, "path must be .* got b'm'"),
    (
        "export to what is there",
        lambda: export(fitted(), Path(__file__)),
        FileExistsError,
        "exists: give overwrite=True",
    ),
    (
        "overwrite a word",
        lambda: export(fitted(), overwrite="yes"),
        ValueError,
        r"overwrite must be one of \(True, False\), got 'yes'",
    ),
]

SAVING = [
    (
        "model none",
        lambda: save(None),
        TypeError,
        "model is None, of the class NoneType, which a model file cannot",
    ),
    (
        "model a class",
        lambda: save(type(LATE)),
        TypeError,
        "model is <class .*cannot contain there",
    ),
    ("model of another kind", lambda: save(NMF()), TypeError, r"model is NMF\(\).*joblib"),
    ("model not fitted", lambda: save(LATE), NotFittedError, "not fitted yet"),
    ("pipeline not fitted", lambda: save(make_pipeline(PCA())), NotFittedError, "not fitted yet"),
    (
        "path none",
        lambda: save(fitted(), None),
        TypeError,
        "path must be a str or a path, got None",
    ),
    ("path a number", lambda: save(fitted(), 3), TypeError, "path must be a str or a path, got 3"),
    ("path of bytes", lambda: save(fitted(), b"m"), TypeError, "path must be .* got b'm'"),
    ("path empty", lambda: save_model(fitted(), ""), ValueError, "path must name a file, got ''"),
    (
        "path a folder",
        lambda: save(fitted(), Path.cwd()),
        OSError,
        "one file, but this is a folder",
    ),
    (
        "part of another kind",
        lambda: save(modality({"video": FunctionTransformer()})),
        TypeError,
        r"transformers\['video'\] is FunctionTransformer\(\), .*give another value",
    ),
    (
        "classifier of another kind",
        lambda: save(fitted_target()),
        TypeError,
        r"classifier is LogisticRegression\(\)",
    ),
    ("load none", lambda: load_model(None), TypeError, "path must be a str or a path, got None"),
    ("load a model", lambda: load_model(fitted()), TypeError, "path must be a str or a path"),
    ("load empty path", lambda: load_model(""), ValueError, "path must name a file"),
    ("load a folder", lambda: load_model(Path.cwd()), OSError, "directory"),
    ("load nothing", lambda: load_model("no/such/file"), FileNotFoundError, "no/such/file"),
    (
        "load empty file",
        lambda: load(b""),
        ValueError,
        "cannot be loaded: it is empty; copy or download",
    ),
    (
        "load pickle",
        lambda: load(b"\x80\x04N."),
        ValueError,
        "it is a pickle, .*joblib.load",
    ),
    ("load text", lambda: load(b"lr: 0.1\n" * 9), ValueError, "damaged, or no safetensors file"),
    (
        "device unknown",
        lambda: load(b"", device="tpu9"),
        ValueError,
        "device must be .* got 'tpu9'",
    ),
    ("device a number", lambda: load(b"", device=2.5), TypeError, "device must be .* got 2.5"),
    ("device meta", lambda: load(b"", device="meta"), ValueError, "device must be .*got 'meta'"),
]

COMPOSING = [
    ("transformers a list", lambda: modality([PCA()]), TypeError, "must be a dict by modality"),
    (
        "transformer a class",
        lambda: modality({"video": PCA}),
        TypeError,
        "modality 'video' must be",
    ),
    ("transformer a word", lambda: modality({"video": "pca"}), TypeError, "got 'pca'"),
    ("transformer none", lambda: modality({"video": None}), TypeError, "got None"),
    (
        "unknown modality",
        lambda: modality({"text": PCA()}),
        ValueError,
        r"unknown modalities \['t",
    ),
    (
        "remainder",
        lambda: modality(remainder="keep"),
        TypeError,
        "remainder must be .* got 'keep'",
    ),
    ("all dropped", lambda: modality(remainder="drop"), ValueError, "All modalities are dropped"),
    (
        "block_size 0",
        lambda: modality(block_size=0),
        ValueError,
        "block_size must be .* >= 1, got 0",
    ),
    ("block_size a float", lambda: modality(block_size=2.5), TypeError, "block_size .* got 2.5"),
    ("block_size a bool", lambda: modality(block_size=True), TypeError, "block_size .* got True"),
    ("block_size a word", lambda: modality(block_size="8"), TypeError, "block_size .* got '8'"),
    ("modalities unknown", lambda: modality(modalities=["text", "x"]), ValueError, "text"),
    ("modalities too wide", lambda: modality(data=TABLE, modalities={"a": 9}), ValueError, "9"),
    ("X none", lambda: modality(data=None), BAD, "Expected 2D array|None"),
    ("X a word", lambda: modality(data="video"), BAD, "X must be an array of numbers.*<U5"),
    ("X sparse", lambda: modality(data=csr_array(TABLE)), BAD, "[Ss]parse"),
    ("X empty", lambda: modality(data=[]), ValueError, "empty|0 sample|no video"),
    (
        "X with NaN",
        lambda: modality({"video": PCA(2)}, nan_in_video()),
        ValueError,
        "NaN.*'video', row 3",
    ),
    (
        "too many components",
        lambda: modality({"video": PCA(99)}),
        ValueError,
        "modality 'video'.*99",
    ),
    ("y too short", lambda: modality(y=[0, 1]), ValueError, "inconsistent numbers of samples"),
    ("y of frames", lambda: modality(data=VIDEO, y=AUDIO), ValueError, "y holds frames"),
    (
        "no frames",
        lambda: modality(remainder=PCA(1), data=no_audio()),
        ValueError,
        r"Modalities \['audio'\] have no frames",
    ),
    (
        "transform not fitted",
        lambda: ModalityTransformer().transform(X),
        NotFittedError,
        "ModalityTransformer",
    ),
    ("other modality", lambda: transformed({"video": VIDEO}), ValueError, "audio"),
    (
        "other widths",
        lambda: transformed({"video": AUDIO, "audio": VIDEO}),
        ValueError,
        "fitted with",
    ),
    ("other columns", lambda: transformed(TABLE[:, :3], TABLE), ValueError, "3 features"),
    (
        "names of other columns",
        lambda: modality(data=TABLE).get_feature_names_out(["a"]),
        ValueError,
        "input_features",
    ),
    ("unknown parameter", lambda: ModalityTransformer().set_params(x=1), ValueError, "'x'"),
    ("classifier a word", lambda: target("svm"), TypeError, "classifier must be .* got 'svm'"),
    (
        "classifier a class",
        lambda: target(LogisticRegression),
        TypeError,
        "classifier must be .*LogisticRegression",
    ),
    (
        "classifier that cannot predict",
        lambda: target(StandardScaler()),
        TypeError,
        r"classifier must be .* got StandardScaler\(\)",
    ),
    (
        "transformer a word for y",
        lambda: target(LATE, "labels"),
        TypeError,
        "transformer must be .* got 'labels'",
    ),
    (
        "transformer of y a class",
        lambda: target(LATE, LabelEncoder),
        TypeError,
        "transformer must be .*LabelEncoder",
    ),
    (
        "transformer of y that cannot go back",
        lambda: target(LATE, NoInverse()),
        TypeError,
        "transformer must be .*inverse_transform.*NoInverse",
    ),
    (
        "y none",
        lambda: target(LogisticRegression(), y=None),
        ValueError,
        "requires y to be passed",
    ),
    (
        "y of sets without a transformer",
        lambda: target(LATE, data=X, y=[{"a"}] * 48),
        BAD,
        "label sets|HierarchyLabelBinarizer",
    ),
    (
        "y with NaN",
        lambda: target(LATE, LabelEncoder(), y=np.array([0.0, np.nan] * 4)),
        ValueError,
        "y contains NaN",
    ),
    (
        "y of another length",
        lambda: target(LATE, HierarchyLabelBinarizer(), X, PATHS),
        ValueError,
        "inconsistent numbers of samples",
    ),
    (
        "labels that are unknown",
        lambda: target(LATE, HierarchyLabelBinarizer(hierarchy=make_labels()[0].hierarchy_)),
        ValueError,
        "unknown label",
    ),
    (
        "eval_set a list",
        lambda: target(LATE, HierarchyLabelBinarizer(), eval_set=[TABLE, PATHS]),
        TypeError,
        r"eval_set must be a tuple \(X_val, y_val\), got list",
    ),
    (
        "eval_set of one",
        lambda: target(LATE, HierarchyLabelBinarizer(), eval_set=(TABLE,)),
        TypeError,
        "eval_set must be a tuple",
    ),
    (
        "sample_weight of another length",
        lambda: target(LATE, HierarchyLabelBinarizer(), sample_weight=[1.0]),
        ValueError,
        "sample_weight",
    ),
    (
        "unknown metadata",
        lambda: target(LATE, HierarchyLabelBinarizer(), groups=[1]),
        TypeError,
        "'groups'",
    ),
    (
        "predict not fitted",
        lambda: TransformedTargetClassifier(LATE).predict(TABLE),
        NotFittedError,
        "TransformedTargetClassifier",
    ),
    (
        "score not fitted",
        lambda: TransformedTargetClassifier(LATE).score(TABLE, PATHS),
        NotFittedError,
        "TransformedTargetClassifier",
    ),
    (
        "predict other columns",
        lambda: fitted_target().predict(TABLE[:, :2]),
        ValueError,
        "2 features",
    ),
    (
        "score of unseen labels",
        lambda: fitted_target().score(TABLE, ["c"] * 8),
        ValueError,
        "unseen labels",
    ),
    (
        "at_least_one of another kind",
        lambda: TransformedTargetClassifier(LATE, at_least_one=2).fit(TABLE, PATHS),
        ValueError,
        "at_least_one must be one of .*2",
    ),
    (
        "at_least_one of a classifier without scores",
        lambda: TransformedTargetClassifier(
            MultiOutputClassifier(Perceptron()),
            transformer=HierarchyLabelBinarizer(),
            at_least_one=True,
        ).fit(TABLE, PATHS),
        ValueError,
        "decision_function or predict_proba, MultiOutputClassifier",
    ),
    (
        "unknown parameter of a target",
        lambda: TransformedTargetClassifier(LATE).set_params(classifier__x=1),
        ValueError,
        "'x'",
    ),
]
REGISTERING = [
    ("register_model: no class", lambda: register_model(3), TypeError, "class"),
    ("register_model: no state", lambda: register_model(dict), TypeError, "_get_state"),
    (
        "register_model: depth 9",
        lambda: register_model(type("Deep", (CorrelationTower,), {}), depth=9),
        ValueError,
        "depth",
    ),
]
CASES = [
    (name, call, errors if isinstance(errors, tuple) else (errors,), words)
    for name, call, errors, words in SAVING + EXPORTING + COMPOSING + REGISTERING
]


def nan_in_video():
    video = [frames.copy() for frames in VIDEO]
    video[3][0, 0] = np.nan
    return from_rows(video=video, audio=AUDIO)


def no_audio():
    return from_rows(video=VIDEO, audio=[frames[:0] for frames in AUDIO])
