"""Search over fusions with `GridSearchCV`, on indicators and on label paths.

The first search uses a multilabel indicator. The correlation tower is trained in every fold, and
`cv_results_` with scores of every hierarchy level becomes a table and a plot. The second search
uses label paths, and a Pipeline that transforms the frames of the video modality. It predicts
paths, and with untransformed frames its scores must equal those of the first search.

Without arguments it uses synthetic videos and takes a few minutes on two cores; with
``--data FOLDER`` it uses YouTube-8M shards, as demo.py does.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import demo
import numpy as np
import torch
from joblib import parallel_config
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline

from sk_crossmodal import (
    CorrelationTower,
    CrossModalTransformerClassifier,
    HierarchyLabelBinarizer,
    ModalityTransformer,
    TransformedTargetClassifier,
)
from sk_crossmodal.metrics import hierarchy_scorers

GRID = {"fusion": ["early", "late", "cross_modal", "cross_modal_gated", "cross_modal_concat"]}
FUSION, VIDEO = "classifier__classifier__fusion", "classifier__features__video"
FEWER_FUSIONS = {FUSION: ["early", "late", "cross_modal_concat"]}
PATH_GRIDS = [
    {**FEWER_FUSIONS, VIDEO: ["passthrough"]},
    {**FEWER_FUSIONS, f"{VIDEO}__n_components": [8, 32]},
]
# Okabe and Ito's palette, for colour-blind readers
STYLES = ("#000000", "s"), ("#0072B2", "o"), ("#E69F00", "D"), ("#009E73", "^"), ("#D55E00", "v")


def search(name, estimator, grid, X, y, scoring, folds):
    """Search, refit the parameters with the best GAP, and print `cv_results_`."""
    start = time.perf_counter()
    found = GridSearchCV(estimator, grid, scoring=scoring, refit="gap", cv=folds).fit(X, y)
    seconds = time.perf_counter() - start
    print(f"\n{name}, {seconds:.0f} s; mean ± standard deviation over {folds.n_splits} folds:")
    print_table(found.cv_results_)
    print(f"best: {found.best_params_}", flush=True)
    return found


def errors(results, score):
    """Return the mean and standard deviation over folds of error rates in percent."""
    return 100 * (1 - results[f"mean_test_{score}"]), 100 * results[f"std_test_{score}"]


def names_of(results):
    """Yield a name of each combination of parameters, which starts with its fusion."""
    for params in results["params"]:
        short = {name.split("__")[-1]: value for name, value in params.items()}
        yield ", ".join([short.pop("fusion"), *(f"{name}={v}" for name, v in short.items())])


def print_table(results):
    """Print one row per combination: GAP with its std overall and by level, other scores."""
    columns = {"error rates in %": list(names_of(results))}
    for score in sorted(s.removeprefix("mean_test_") for s in results if s.startswith("mean_")):
        if "gap" in score:
            cells = zip(*errors(results, score), strict=True)
            columns[score] = [f"{mean:.1f} ± {std:.1f}" for mean, std in cells]
        elif score in ("map", "perr", "hit_at_1"):
            columns[score] = [f"{mean:.1f}" for mean in errors(results, score)[0]]
    columns["fit"] = [f"{seconds:.1f} s" for seconds in results["mean_fit_time"]]
    widths = [max(map(len, (head, *cells))) for head, cells in columns.items()]
    for first, *cells in (columns, *zip(*columns.values(), strict=True)):
        right = zip(cells, widths[1:], strict=True)
        print(first.ljust(widths[0]), *(cell.rjust(width) for cell, width in right), sep="  ")


def draw(results, n_folds, path):
    """Plot the GAP error overall and by level, with one marker per fusion."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    ax = figure.subplots()
    scores = [s.removeprefix("mean_test_") for s in results if s.startswith("mean_test_gap")]
    means, stds = zip(*(errors(results, score) for score in scores), strict=True)
    positions = np.arange(len(scores))
    for i, (name, (color, marker)) in enumerate(zip(names_of(results), STYLES, strict=True)):
        mean, std = np.array(means)[:, i], np.array(stds)[:, i]
        x = positions + 0.14 * (i - 2)
        ax.errorbar(x, mean, std, fmt=marker, color=color, ms=5, capsize=3, label=name)
    ax.set_xticks(positions, ["overall", *(score[4:].replace("_", " ") for score in scores[1:])])
    ax.set_ylabel("GAP error in %, lower is better")
    ax.set_ylim(bottom=0)
    ax.set_title(f"Mean ± standard deviation over {n_folds} folds", loc="left", fontsize=11)
    ax.grid(axis="y", color="#dddddd", lw=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(title="fusion", frameon=False)
    figure.savefig(path, dpi=120)


def print_agreement(indicators, paths):
    """Compare the scores of all folds for the fusions that are in both searches."""
    plain = [i for i, params in enumerate(paths["params"]) if VIDEO in params]
    fusions = [paths["params"][i][FUSION] for i in plain]
    rows_of_fusions = [GRID["fusion"].index(fusion) for fusion in fusions]
    scores = [name for name in indicators if name.startswith("split")]
    first = np.array([indicators[score][rows_of_fusions] for score in scores])
    second = np.array([paths[score][plain] for score in scores])
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    print(
        f"\nOn paths with video=passthrough, {same.sum()} of {same.size} scores of all folds are"
    )
    print("equal to those on indicators. GAP error in %, best first:")
    for name, results, rows in (
        ("indicators", indicators, rows_of_fusions),
        ("paths", paths, plain),
    ):
        gap = errors(results, "gap")[0][rows]
        print(f"  {name:10}  " + " < ".join(f"{fusions[i]} {gap[i]:.2f}" for i in gap.argsort()))


def print_predictions(found, labels, test):
    """Print true and predicted labels of some test videos."""
    names = dict(zip(labels.hierarchy_.nodes, labels.hierarchy_.display_names, strict=True))
    true = labels.inverse_transform(labels.transform(test.target[:5]))
    print("\nFive test videos, true -> predicted paths:")
    for pair in zip(true, found.predict(test.data[:5]), strict=True):
        print("  " + " -> ".join(", ".join(map(names.get, paths)) or "none" for paths in pair))


def run(train, test, labels, settings, args, memory):
    """Search on indicators, then on label paths."""
    Y = labels.fit_transform(train.target)
    scoring = hierarchy_scorers(labels.hierarchy_)
    folds = KFold(args.folds, shuffle=True, random_state=args.seed)
    tower_params, model_params = settings
    classifier = CrossModalTransformerClassifier(
        # Trained on the training rows of each fold, and cached in `memory` for all fusions.
        correlation_tower=CorrelationTower(**tower_params),
        memory=memory,
        hierarchy=labels.hierarchy_,
        random_state=args.seed,
        **model_params,
    )
    print(f"{len(train.data)} videos, {Y.shape[1]} labels", flush=True)
    on_indicators = search("On indicators", classifier, GRID, train.data, Y, scoring, folds)
    draw(on_indicators.cv_results_, args.folds, args.out / "grid_search.png")

    features = ModalityTransformer({"video": PCA(random_state=args.seed)})
    classifier = TransformedTargetClassifier(
        Pipeline([("features", features), ("classifier", classifier)]),
        transformer=HierarchyLabelBinarizer(hierarchy=labels.hierarchy_),
    )
    y = [frozenset(paths) for paths in train.target]
    on_paths = search("On label paths", classifier, PATH_GRIDS, train.data, y, scoring, folds)
    print_agreement(on_indicators.cv_results_, on_paths.cv_results_)
    print_predictions(on_paths, labels, test)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", help="folder of YouTube-8M shards (default: synthetic videos)")
    parser.add_argument(
        "--videos", type=int, default=2000, help="synthetic videos (default: 2000)"
    )
    parser.add_argument("--folds", type=int, default=3, help="number of folds (default: 3)")
    parser.add_argument("--jobs", type=int, default=2, help="fits run in parallel (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument(
        "--out", type=Path, default=Path("grid_search_output"), help="folder of the plot"
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # as in the processes; more do not help small networks
    if args.data is None:
        data, settings = demo.synthetic_data(args.seed, args.videos), demo.SETTINGS["synthetic"]
    else:
        data, settings = demo.youtube8m_data(args.data), demo.SETTINGS["youtube8m"]
    jobs = parallel_config("loky", n_jobs=args.jobs, inner_max_num_threads=1)
    with jobs, TemporaryDirectory() as memory:
        run(*data, settings, args, memory)
    print(f"\nPlot: {args.out / 'grid_search.png'}")


if __name__ == "__main__":
    main()
