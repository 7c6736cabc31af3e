"""Results of the runs, for the report."""

from functools import cached_property

import numpy as np
import settings
import store
from intervals import gap_error, share
from plan import plan

from sk_crossmodal.metrics import hierarchy_report


class Results:
    """Results of the finished runs of a data set; arguments are those of `plan`."""

    def __init__(self, out, data_set, size, n_seeds, families):
        self.out, self.data_set, self.size = out, data_set, size
        self.runs = plan(data_set, size, n_seeds, families)
        self.families = families
        self._found = {
            (run["name"], run["seed"]): run for run in self.runs if store.is_done(out, run)
        }
        # Reading, sorting and scoring take most of the time of a report.
        self._loaded, self._reports, self._errors = {}, {}, {}

    @property
    def done(self):
        """Return (name, seed) of all finished runs."""
        return list(self._found)

    @property
    def n_missing(self):
        """Number of planned runs without results."""
        return len(self.runs) - len(self._found)

    def seeds(self, *names):
        """Return the seeds with results of all these runs."""
        seeds = sorted({seed for _, seed in self._found})
        return [seed for seed in seeds if all((name, seed) in self._found for name in names)]

    def numbers(self, name, seed):
        """Return a run's numbers."""
        return self._read(name, seed)[0]

    def arrays(self, name, seed):
        """Return a run's arrays."""
        return self._read(name, seed)[1]

    def _read(self, name, seed):
        if (name, seed) not in self._loaded:
            self._loaded[name, seed] = store.read(self.out, self._found[name, seed])
        return self._loaded[name, seed]

    @property
    def unit(self):
        """The noun for a seed, which is a fold on CORSMAL."""
        return "fold" if settings.kind_of(self.data_set) == "corsmal" else "seed"

    @cached_property
    def videos(self):
        """Properties of the test videos, by seed."""
        return {
            seed: store.read_object(self.out, self._found["videos", seed])
            for seed in self.seeds("videos")
        }

    @cached_property
    def shares_test_videos(self):
        """Whether all seeds have the same test videos."""
        first, *others = self.videos.values()
        return all(
            list(first["names"]) == list(other["names"]) and np.array_equal(first["y"], other["y"])
            for other in others
        )

    @cached_property
    def multilabel(self):
        """Whether labels are indicators, and not classes."""
        return self.videos[self.first_seed]["classes"] is None

    @property
    def first_seed(self):
        """The seed of examples and plots."""
        return min(self.videos)

    @property
    def hierarchy(self):
        """The hierarchy of the labels, which all seeds share."""
        return self.videos[self.first_seed]["hierarchy"]

    @property
    def label_names(self):
        """Names of the columns of the probabilities."""
        if self.multilabel:
            return self.hierarchy.display_names
        return [str(name) for name in self.videos[self.first_seed]["classes"]]

    @cached_property
    def levels(self):
        """Columns of each level of the hierarchy, empty for classes."""
        if not self.multilabel:
            return {}
        levels = self.hierarchy.levels
        return {f"level {level}": np.flatnonzero(levels == level) for level in np.unique(levels)}

    @cached_property
    def categories(self):
        """Columns of each top-level label and its descendants, empty for classes."""
        if not self.multilabel:
            return {}
        under = self.hierarchy.root_matrix().toarray()
        names = dict(zip(self.hierarchy.nodes, self.hierarchy.display_names, strict=True))
        roots = enumerate(self.hierarchy.roots)
        return {names[root]: np.flatnonzero(under[:, i]) for i, root in roots}

    def truth(self, seed):
        """Return the true labels of the test videos as a boolean indicator."""
        videos = self.videos[seed]
        if self.multilabel:
            return np.asarray(videos["y"]).astype(bool)
        return np.asarray(videos["y"])[:, None] == videos["classes"][None]

    def probability(self, name, seed):
        """Return a model's test probabilities."""
        return self.arrays(name, seed)["probability"]

    def models(self, family):
        """Return the names of the models of a family with results, by row."""
        names = {row: f"{family}-{row}" for row in settings.ROWS}
        return {row: name for row, name in names.items() if self.seeds(name)}

    def baselines(self):
        """Return the names of the baselines with results."""
        kind = settings.kind_of(self.data_set)
        return [name for name in settings.BASELINES[kind] if self.seeds(name)]

    def reports(self, name, by_group=False):
        """Return the `HierarchyReport` of a model for each of its seeds."""
        if (name, by_group) not in self._reports:
            self._reports[name, by_group] = [
                hierarchy_report(
                    self.truth(seed),
                    self.probability(name, seed),
                    self.hierarchy,
                    by_group=by_group,
                )
                for seed in self.seeds(name)
            ]
        return self._reports[name, by_group]

    def errors(self, name, seeds, columns=None):
        """Return GAP errors or shares of wrong classes, one `Statistic` per seed.

        `columns` are the labels that count, by default all.
        """
        return [self._error(name, seed, columns) for seed in seeds]

    def _error(self, name, seed, columns):
        key = name, seed, None if columns is None else tuple(columns)
        if key not in self._errors:
            truth, probability = self.truth(seed), self.probability(name, seed)
            if self.multilabel:
                chosen = slice(None) if columns is None else list(columns)
                self._errors[key] = gap_error(truth, probability, chosen)
            else:
                self._errors[key] = share(probability.argmax(1) != truth.argmax(1))
        return self._errors[key]
