"""Classify real YouTube-8M videos, beside a linear model and a multilayer perceptron.

Video-level shards have one frame a video, so attention along time has nothing to say there; the
correlation tower's signal has. Labels are the verticals and the entities with at least 30
training videos, the last fifth of the shards is held out. Prints error rates side by side.
"""

import argparse
import time

import numpy as np
import torch
from demo import SETTINGS, youtube8m_data
from sklearn.frozen import FrozenEstimator
from torch import nn

from sk_crossmodal import CorrelationTower, CrossModalTransformerClassifier
from sk_crossmodal.inspection import compare_report
from sk_crossmodal.metrics import hierarchy_report

MODELS = {
    "TM-E": {"fusion": "early"},
    "TM-L": {"fusion": "late"},
    "TM-CM-C": {"fusion": "cross_modal_concat"},
    "TM-L+p": {"fusion": "cross_modal_concat", "influence": "none"},  # the control
}


def concatenated(X):
    """Both modalities' mean frames side by side, (n, 1152)."""
    return np.array([np.concatenate([f.mean(0) for f in row.values()]) for row in X])


def baseline(hidden, X, Y, seed, max_epochs=12):
    """Train a linear model, or a perceptron with BatchNorm and dropout, with Adam."""
    torch.manual_seed(seed)
    layers = [nn.BatchNorm1d(X.shape[1])]
    width = X.shape[1]
    if hidden:
        layers += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.4)]
        width = hidden
    network = nn.Sequential(*layers, nn.Linear(width, Y.shape[1]))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    X, Y = torch.from_numpy(X), torch.from_numpy(Y).float()
    for _ in range(max_epochs):
        for rows in torch.randperm(len(X)).split(128):
            loss = nn.functional.binary_cross_entropy_with_logits(network(X[rows]), Y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    return lambda X: torch.sigmoid(network(torch.from_numpy(X))).detach().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="folder of shards, with vocabulary.csv in it or near it")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds (default: 1)")
    args = parser.parse_args()
    train, test, labels = youtube8m_data(args.folder)
    Y, Y_test = labels.fit_transform(train.target), labels.transform(test.target)
    hierarchy = labels.hierarchy_
    print(f"{len(Y)} training videos, {len(Y_test)} test videos, {Y.shape[1]} labels", flush=True)
    flat, flat_test = concatenated(train.data), concatenated(test.data)
    tower_params, model_params = SETTINGS["youtube8m"]
    reports, seconds = {}, {}

    def note(name, probability, start):
        reports.setdefault(name, []).append(hierarchy_report(Y_test, probability, hierarchy))
        seconds[name] = time.perf_counter() - start
        error = 100 * (1 - reports[name][-1].gap[0])
        print(f"  {name:8} {seconds[name]:6.1f} s   GAP error {error:.2f} %", flush=True)

    for seed in range(args.seeds):
        for name, hidden in {"linear": 0, "MLP": 1024}.items():
            start = time.perf_counter()
            note(name, baseline(hidden, flat, Y, seed)(flat_test), start)
        start = time.perf_counter()
        tower = CorrelationTower(hierarchy=hierarchy, random_state=seed, **tower_params)
        tower.fit(train.data, Y)
        rates = tower.pair_error_rates(test.data, Y_test)
        print(
            f"  tower    {time.perf_counter() - start:6.1f} s   on held-out pairs: accuracy "
            f"{1 - rates['error']:.1%}, FPR {rates['fpr']:.1%}, FNR {rates['fnr']:.1%}, "
            f"AUC {rates['auc']:.4f}",
            flush=True,
        )
        for name, choice in MODELS.items():
            start = time.perf_counter()
            classifier = CrossModalTransformerClassifier(
                correlation_tower=FrozenEstimator(tower),
                hierarchy=hierarchy,
                random_state=seed,
                **model_params,
                **choice,
            ).fit(train.data, Y)
            note(name, classifier.predict_proba(test.data), start)
    print()
    print(compare_report(reports))


if __name__ == "__main__":
    main()
