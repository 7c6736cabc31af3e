"""Damaged and forged model files: each must raise, or be a model that works.

Damaged files keep their checksum, and must all raise. Forged files have a correct checksum: each
must raise a ValueError that names the file, or be a model that predicts. Neither may take long,
take much memory, or run, import or open anything that loading a good model does not.

    python benchmarks/robustness/forged_models.py --out docs/robustness/forged_models.json
"""

import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import campaign
import numpy as np
from model_forgeries import damaged, forged
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_crossmodal import (
    CorrelationTower,
    CrossModalNetVLADClassifier,
    CrossModalRNNClassifier,
    CrossModalTransformerClassifier,
    HierarchyLabelBinarizer,
    LabelHierarchy,
    ModalityTransformer,
    MultimodalArray,
    TransformedTargetClassifier,
    load_model,
    save_model,
)
from sk_crossmodal.persistence import from_bytes

WIDTHS = {"video": 5, "audio": 4}
SECONDS = 10  # allowed for a small file
MEGABYTES = 300  # that the process may grow
WATCHED = (
    "code.__new__",
    "compile",
    "ctypes.",
    "exec",
    "import",
    "marshal.",
    "open",
    "os.",
    "pickle.",
    "pty.",
    "shutil.",
    "socket.",
    "subprocess.",
    "urllib.",
)


def videos(n=12, widths=WIDTHS, seed=0):
    """Random videos of one to six frames."""
    rng = np.random.RandomState(seed)
    lengths = {name: rng.randint(1, 7, n) for name in widths}
    frames = {name: rng.randn(lengths[name].sum(), width) for name, width in widths.items()}
    return MultimodalArray.from_frames(frames, lengths)


def make_models():
    """One small fitted model of every class."""
    X, rng = videos(), np.random.RandomState(1)
    paths = [["a:x"], ["a:y"], ["b"], ["b", "a:x"]] * 3
    labels = HierarchyLabelBinarizer().fit(paths)
    Y = labels.transform(paths)
    common = {"max_epochs": 1, "batch_size": 8, "random_state": 0, "device": "cpu"}
    shared = {**common, "cross_modal_layer_sizes": (3,)}
    tower = CorrelationTower(
        encoder="mean", encoder_params={"d_model": 4}, hidden_layer_sizes=(4, 3), **common
    )
    transformer = CrossModalTransformerClassifier(
        d_model=8, n_heads=2, n_layers=2, correlation_tower=tower, **shared
    )
    features = ModalityTransformer({"video": PCA(3)}, remainder=StandardScaler())
    return {
        "hierarchy": LabelHierarchy({"a": [], ("b", 1): ["a"], 2: ["a", ("b", 1)]}),
        "binarizer": HierarchyLabelBinarizer(min_frequency=4).fit(paths),
        "tower": clone(tower).fit(X, Y),
        "transformer": clone(transformer)
        .set_params(hierarchy=labels.hierarchy_, early_stopping=True)
        .fit(X, Y),
        "netvlad": CrossModalNetVLADClassifier(
            n_clusters={"video": 3, "audio": 2},
            hidden_size=4,
            fusion="cross_modal_gated",
            correlation_tower=tower,
            class_weight={"up": 2.0},
            **shared,
        ).fit(X, rng.permutation(["up", "down", "left"] * 4)),
        "rnn": CrossModalRNNClassifier(
            n_clusters=2, hidden_size=4, fusion="late", mask_padding=False, max_frames=7, **shared
        ).fit(X, rng.permutation([3, 7] * 6)),
        "composed": TransformedTargetClassifier(
            make_pipeline(features, transformer), transformer=HierarchyLabelBinarizer()
        ).fit(X, paths),
    }


def works(model):
    """Use a model; raise if it does not work as a good one."""
    if isinstance(model, LabelHierarchy):
        assert model.closure_matrix().shape == (len(model), len(model))
        return
    if isinstance(model, HierarchyLabelBinarizer):
        assert model.transform([[model.classes_[0]]]).shape == (1, len(model.classes_))
        clone(model)
        return
    network = model.classifier_ if isinstance(model, TransformedTargetClassifier) else model
    first = network[0] if isinstance(network, Pipeline) else network
    X = videos(widths=getattr(first, "_widths_in", None) or first._n_features)
    predict = network.transform if isinstance(network, CorrelationTower) else network.predict_proba
    probability = predict(X)
    assert probability.shape[0] == len(X)
    assert np.isfinite(probability).all()
    assert ((probability > 0) & (probability < 1)).all()
    if hasattr(network, "classes_"):
        assert probability.shape[1] == len(network.classes_)
    if hasattr(network, "attention_weights"):
        assert all(np.isfinite(w.after).all() for w in network.attention_weights(X).values())
    assert len(model.predict(X) if hasattr(model, "predict") else X) == len(X)
    repr(model)
    clone(model)


class Watch:
    """Records the audit events of Python."""

    def __init__(self):
        self.found, self.on = set(), False
        sys.addaudithook(self)

    def __call__(self, event, args):
        """Record an event; called by Python."""
        if self.on and event.startswith(WATCHED):
            self.found.add((event, str(args[0])[:200] if args else ""))

    @contextmanager
    def watching(self):
        """Record the events of a block."""
        self.found, self.on = set(), True
        try:
            yield
        finally:
            self.on = False


WATCH = None


def watch():
    """The only watch of this process, as a hook cannot be removed."""
    global WATCH
    WATCH = WATCH or Watch()
    return WATCH


class Trial:
    """Loads files of one folder, and counts the outcomes."""

    def __init__(self, folder):
        self.path = Path(folder) / "model.safetensors"
        self.watch, self.allowed = watch(), set()
        self.counts, self.failures = Counter(), []
        self.seconds = self.megabytes = 0.0

    def learn(self, data):
        """Record the events of loading a good file."""
        self.path.write_bytes(data)
        for _ in range(2):
            with self.watch.watching():
                works_as = load_model(self.path)
            self.allowed |= self.watch.found
        return works_as

    def load(self, data):
        """Return the model of some bytes, or the ValueError; other outcomes are failures."""
        self.path.write_bytes(data)
        memory, start, out = peak(), time.perf_counter(), None
        try:
            with self.watch.watching():
                out = load_model(self.path)
        except ValueError as error:
            out = error
        self.seconds = max(self.seconds, seconds := time.perf_counter() - start)
        self.megabytes = max(self.megabytes, grown := peak() - memory)
        assert not (strange := self.watch.found - self.allowed), f"it did {sorted(strange)}"
        assert seconds < SECONDS, f"it took {seconds:.1f} s"
        assert grown < MEGABYTES, f"it took {grown:.0f} MB"
        if isinstance(out, ValueError):
            assert repr(str(self.path)) in str(out), f"the file is not named: {out}"
        return out

    def check(self, kind, data, may_load):
        """Load some bytes and count the outcome."""
        try:
            out = self.load(data)
            if refused := isinstance(out, ValueError):
                self.counts[f"{kind}: refused"] += 1
            else:
                assert may_load, "a damaged file was loaded"
                works(out)
                self.counts[f"{kind}: a model that works"] += 1
            return refused
        except Exception as error:
            self.counts[f"{kind}: failed"] += 1
            self.failures.append(f"{kind}: {type(error).__name__}: {error}"[:500])
            return None


def peak():
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forged_models(damages, forgeries, seed):
    """Damage and forge files of all kinds of models.

    Parameters
    ----------
    damages, forgeries : int
        Number of files.
    seed : int
        Random seed.

    Returns
    -------
    dict
        Counts by kind, the longest time and the most memory, failures.
    """
    rng = np.random.RandomState(seed)
    with tempfile.TemporaryDirectory() as folder:
        trial, files = Trial(folder), []
        for model in make_models().values():
            save_model(model, trial.path)
            data = trial.path.read_bytes()
            works(trial.learn(data))
            document, tensors = from_bytes(data)
            files.append(
                (data, {k: document[k] for k in ("package", "objects", "model")}, tensors)
            )
        for i in range(damages):
            trial.check(*damaged(files[i % len(files)][0], rng), may_load=False)
        for i in range(forgeries):
            trial.check(*forged(*files[i % len(files)][1:], rng), may_load=True)
        left = sorted(path.name for path in Path(folder).iterdir() if path != trial.path)
    left += ["forged"] * Path("forged").exists()
    return {
        "models": len(files),
        "bytes of a model": [len(data) for data, *_ in files],
        "outcomes": dict(sorted(trial.counts.items())),
        "longest load, seconds": round(trial.seconds, 2),
        "most memory of a load, MB": round(trial.megabytes, 1),
        "files left behind": left,
        "failed": len(trial.failures) + len(left),
        "failures": trial.failures[:20],
    }


if __name__ == "__main__":
    campaign.main(
        forged_models,
        full={"damages": 5000, "forgeries": 10_000},
        quick={"damages": 300, "forgeries": 400},
    )
