"""The reproduction in benchmarks/paper runs from beginning to end, here on few small videos."""

import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from sk_crossmodal import LabelHierarchy
from sk_crossmodal.metrics import gap_score, hierarchy_report

pytestmark = pytest.mark.full

PAPER = Path(__file__).resolve().parents[1] / "benchmarks" / "paper"
MODULES = ("settings", "data", "store", "plan", "runs", "intervals", "results", "comparisons")
MODULES += ("claims", "blocks", "example_tables", "score_tables", "report", "run", "paper_numbers")
MODULES += ("baselines", "families", "truth_tables")


@pytest.fixture(scope="module")
def paper():
    """The modules of the benchmark, with small settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PAPER))
        modules = SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
        settings = modules.settings
        tiny = {"weight_seeds": 1, "encoder_seeds": 1, "search": {"n_videos": 60, "n_folds": 3}}
        sizes = {
            "synthetic": {**tiny, "n_seeds": 2, "data": {"n_train": 120, "n_test": 60}},
            "corsmal": {**tiny, "n_seeds": 3, "data": {}, "search": None},
        }
        patch.setitem(settings.SIZES, "small", sizes)
        tower = {"encoder": "mean", "hidden_layer_sizes": (8,), "max_epochs": 1}
        model = {"d_model": 8, "n_heads": 2, "max_epochs": 1}
        encoders = {"mean": {"d_model": 8}, "transformer": {"d_model": 8, "n_heads": 2}}
        for kind in sizes:
            patch.setitem(settings.TOWERS, kind, tower)
            patch.setitem(settings.ENCODERS, kind, encoders)
            patch.setitem(settings.SETTINGS, kind, {"TM": model})
        yield modules


@pytest.fixture(scope="module")
def out(paper, tmp_path_factory):
    """A folder in which the command has run."""
    out = tmp_path_factory.mktemp("paper")
    paper.run.main(arguments(out))
    return out


def arguments(out, *more):
    return ["--families", "TM", "--jobs", "1", "--out", str(out), *more]


def results_of(paper, out, data_set="synthetic", n_seeds=2):
    return paper.results.Results(out, data_set, "small", n_seeds, ["TM"])


# The command


def test_report_holds_every_table(out):
    text = (out / "synthetic" / "report.md").read_text()
    for part in (
        *("The paper's claims", "Table 4", "Tables 5 and 9", "Tables 6, 7, 10 and 11"),
        *("Figure 1", "Figure 8", "Figure 9", "Tables 1 to 3", "Depth and size of F"),
        *("TM-CM-G soft", "TM-L+p", "TM-CM-C self", "level 3", "Hit@1", "irrelevant audio"),
        *("other data", "cannot be tested here", "64 → 64 → 64", "bootstrap", "Python 3"),
    ):
        assert part in text, part
    assert "nan" not in text.lower().replace("finance", "")
    assert str(out) not in text
    assert str(Path.home()) not in text


def test_html_is_one_file(out):
    folder = out / "synthetic"
    page = (folder / "report.html").read_text()
    pictures = re.findall(r"!\[.*\]\((.*)\)", (folder / "report.md").read_text())
    assert len(pictures) == 4
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    assert page.count("data:image/png;base64,") == 4
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert page.count("<table") == page.count('class="wide"')
    anchors = re.findall(r'<a href="#(.*?)"', page)
    assert all(f'id="{anchor}"' in page for anchor in anchors)


def stamps(out):
    return {path: path.stat().st_mtime_ns for path in out.rglob("seed*/*")}


def test_nothing_is_trained_twice(paper, out, capsys):
    before = stamps(out)
    assert len(list(out.rglob("*.npz"))) == 2 * (1 + 1 + 8) + 3 + 1 + 1
    paper.run.main(arguments(out))
    assert stamps(out) == before
    assert "TM-" not in capsys.readouterr().out


def test_other_settings_are_trained_anew(paper, out, monkeypatch, capsys):
    before = stamps(out)
    changed = {**paper.settings.ROWS["L"], "dropout": 0.2}
    monkeypatch.setitem(paper.settings.ROWS, "L", changed)
    paper.run.main(arguments(out))
    trained = re.findall(r"seed (\d) +(\S+)", capsys.readouterr().out)
    assert trained == [("0", "TM-L"), ("1", "TM-L")]
    after = stamps(out)
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 4


def test_report_says_what_is_missing(paper, out, tmp_path):
    with pytest.raises(SystemExit, match="no results of synthetic"):
        paper.run.main(arguments(tmp_path, "--report-only"))
    paper.run.main(arguments(out, "--report-only", "--seeds", "3"))
    text = (out / "synthetic" / "report.md").read_text()
    assert "10 planned runs are missing" in text


def test_classes_are_scored_by_accuracy(paper, monkeypatch, tmp_path):
    made = paper.data.load("synthetic", 0, None, {"n_train": 90, "n_test": 40})
    top = np.array([str(root) for root in made.hierarchy.roots])
    columns = [made.hierarchy.index(root) for root in made.hierarchy.roots]

    def load(data_set, seed, folder, options):
        assert options == {"n_folds": 3}
        classes = [top[y[:, columns].argmax(1)] for y in (made.y_train, made.y_test)]
        hierarchy = LabelHierarchy.from_paths(np.unique(classes[0]))
        return paper.data.Videos(
            made.X_train, classes[0], made.X_test, classes[1], hierarchy, made.names
        )

    monkeypatch.setattr(paper.runs, "load", load)
    monkeypatch.setattr(paper.run, "check_folder", lambda kind, folder: None)
    monkeypatch.setitem(paper.settings.DATA_SETS, "corsmal", ("corsmal_type",))
    rows = {row: paper.settings.ROWS[row] for row in ("L", "CM-C")}
    monkeypatch.setattr(paper.settings, "ROWS", rows)
    paper.run.main(arguments(tmp_path, "--data", "corsmal"))
    text = (tmp_path / "corsmal_type" / "report.md").read_text()
    assert "balanced accuracy" in text
    assert "logistic regression" in text
    assert "Student's t over the folds" in text
    assert "GAP | level 0" not in text


def test_folder_of_real_data_is_needed(paper, tmp_path):
    for kind in ("youtube8m", "corsmal"):
        with pytest.raises(SystemExit, match=rf"{kind}.*SK_CROSSMODAL_DATA"):
            paper.run.main(["--data", kind, "--folder", str(tmp_path), "--out", str(tmp_path)])


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--data", "corsmal", "--seeds", "1"]])
def test_seeds_must_be_enough(paper, capsys, arguments):
    with pytest.raises(SystemExit):
        paper.run.parse([*arguments, "--out", "somewhere"])
    assert "--seeds must be at least 1" in capsys.readouterr().err


def test_folds_keep_containers_apart(paper, data_dir):
    first, second = (
        paper.data.load("corsmal_level", fold, data_dir, {"n_folds": 3}) for fold in (0, 1)
    )
    containers = [{name.split(",")[0] for name in videos.names} for videos in (first, second)]
    assert not containers[0] & containers[1]
    assert len(first.y_train) + len(first.y_test) == 456
    assert len(np.unique(first.y_train)) == 7


def test_broken_off_write_leaves_nothing(paper, tmp_path):
    run = {"data_set": "synthetic", "seed": 0, "name": "TM-L", "settings": {"lr": 1}}
    with pytest.raises(TypeError):
        paper.store.save(tmp_path, run, {}, "no arrays")
    assert not paper.store.is_done(tmp_path, run)
    paper.store.save(tmp_path, run, {"error": 1.0}, {"p": np.ones(2)})
    numbers, arrays = paper.store.read(tmp_path, run)
    assert numbers == {"name": "TM-L", "settings": {"lr": 1}, "error": 1.0}
    assert arrays["p"].tolist() == [1, 1]


# Statistics


def constant(paper, value):
    return paper.intervals.Statistic(1, lambda weights: value)


def test_interval_over_seeds_is_students(paper):
    gains = np.array([1.0, 2.5, 1.7, 0.4])
    found = paper.intervals.estimate([constant(paper, gain) for gain in gains])
    expected = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.mean == pytest.approx(gains.mean())


def test_interval_over_videos_is_that_of_a_share(paper):
    hits = np.arange(400) < 100
    found = paper.intervals.estimate([paper.intervals.share(hits)])
    half = 1.96 * 100 * np.sqrt(0.25 * 0.75 / 400)
    assert found.mean == 25
    assert (found.low, found.high) == pytest.approx((25 - half, 25 + half), abs=0.6)


def test_differences_of_resampled_videos_are_paired(paper):
    share, combine = paper.intervals.share, paper.intervals.combine
    hits = np.random.default_rng(0).random(300) < 0.5
    (difference,) = combine(lambda a, b: a - b, [share(hits)], [share(hits)])
    found = paper.intervals.estimate([difference])
    assert (found.mean, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize("decimals", [1, 6])
def test_gap_error_is_that_of_weighted_gap_score(paper, decimals):
    rng = np.random.default_rng(0)
    y = rng.random((80, 25)) < 0.1
    p = np.round(rng.random((80, 25)), decimals).astype(np.float32)
    statistic = paper.intervals.gap_error(y, p)
    weights = rng.integers(0, 4, 80).astype(float)
    assert statistic() == pytest.approx(100 * (1 - gap_score(y, p)))
    assert statistic(weights) == pytest.approx(100 * (1 - gap_score(y, p, sample_weight=weights)))
    levels = np.arange(25) % 3
    report = hierarchy_report(y, p / 1.8, levels)
    of_level = paper.intervals.gap_error(y, p / 1.8, list(np.flatnonzero(levels == 1)))
    assert of_level() == pytest.approx(100 * (1 - report.gap[2]))


def test_gains_are_those_of_the_tables(paper, out):
    results = results_of(paper, out)
    gains = paper.comparisons.gain(results, "TM-L", "TM-CM-C")
    late, concat = ([r.gap[0] for r in results.reports(n)] for n in ("TM-L", "TM-CM-C"))
    assert [one() for one in gains] == pytest.approx(100 * np.subtract(concat, late))
    groups = [r.gap for r in results.reports("TM-L", by_group=True)]
    for i, columns in enumerate(results.categories.values()):
        errors = [one() for one in results.errors("TM-L", [0, 1], columns)]
        assert errors == pytest.approx([100 * (1 - gap[i]) for gap in groups])


def test_best_category_is_chosen_on_other_seeds(paper):
    gains = [[1.0, 0.0, 5.0], [2.0, 0.0, -9.0], [3.0, 0.0, 0.0]]  # a row a seed

    class Results(SimpleNamespace):
        shares_test_videos = False

        def seeds(self, *names):
            return [0, 1, 2]

        def errors(self, name, seeds, columns):
            values = [gains[seed][columns] if name == "TM-L" else 0.0 for seed in seeds]
            return [constant(paper, value) for value in values]

    found = paper.comparisons.category_spread(Results(categories={"a": 0, "b": 1, "c": 2}), "TM")
    # Without seed 0 a is best and c worst: 1 - 5; without 1, c and b: -9 - 0; without 2, a and c.
    assert found.mean == pytest.approx(np.mean([1 - 5, -9 - 0, 3 - 0]))


def test_best_category_is_chosen_on_other_videos_if_seeds_share_them(paper):
    gains = np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 3.0, 0.0, 5.0]])  # a row a category

    class Results(SimpleNamespace):
        shares_test_videos = True

        def seeds(self, *names):
            return [0, 1, 2]

        def errors(self, name, seeds, columns):
            values = gains[columns] if name == "TM-L" else np.zeros(4)
            mean = paper.intervals.Statistic(4, lambda weights: weights @ values / weights.sum())
            return [mean for seed in seeds]

    found = paper.comparisons.category_spread(Results(categories={"a": 0, "b": 1}), "TM")
    # Videos 0 and 2 say that a is best; in videos 1 and 3 it is behind b, by 4 on average.
    assert found.mean == pytest.approx(-4)


def test_seeds_know_whether_they_share_test_videos(paper, out):
    results = results_of(paper, out)
    assert not results.shares_test_videos
    assert "same test videos" not in paper.report.statistics_note(results)
    shared = results_of(paper, out)
    shared.videos[1] = shared.videos[0]
    assert shared.shares_test_videos
    assert "same test videos" in paper.report.statistics_note(shared)


def test_bootstrap_draws_shared_videos_once(paper):
    hits = np.arange(100) < 50
    one, two = (paper.intervals.estimate([paper.intervals.share(hits)] * n) for n in (1, 2))
    assert one == two


def test_slope(paper):
    assert paper.comparisons.slope(range(4), [1.0, 3.0, 5.0, 7.0]) == pytest.approx(2)
    assert paper.comparisons.paper_gain_by_depth("NV") == pytest.approx(0.068)
    assert paper.comparisons.paper_gain("TM", "L", "CM-C") == pytest.approx(0.18)
    assert paper.comparisons.paper_gain("RNN", "L", "CM-C") is None


# Claims


@pytest.mark.parametrize(
    ("low", "high", "threshold", "verdict"),
    [
        (0.1, 0.9, 0, "holds"),
        (-0.9, -0.1, 0, "does not hold"),
        (-0.1, 0.9, 0, "within noise"),
        (0.0, 0.9, 0, "within noise"),
        (91.0, 93.0, 92.0, "within noise"),
        (92.5, 93.0, 92.0, "holds"),
    ],
)
def test_verdict(paper, low, high, threshold, verdict):
    found = paper.intervals.Estimate((low + high) / 2, low, high)
    finding = paper.claims.Finding("claim", "5", "TM", "-", found, threshold)
    assert finding.verdict == verdict


def test_what_is_unknown_has_no_verdict(paper):
    assert paper.intervals.estimate([]) is None
    assert paper.intervals.estimate([constant(paper, np.nan)] * 3) is None
    finding = paper.claims.Finding("claim", "5", "TM", "-", None)
    assert finding.verdict == "cannot be tested here"


def test_claim_of_no_gain_is_judged_the_other_way_round(paper):
    for low, high, verdict in (
        (0.1, 0.9, "does not hold"),
        (-0.9, -0.1, "holds"),
        (-0.1, 0.9, "within noise"),
    ):
        found = paper.intervals.Estimate((low + high) / 2, low, high)
        finding = paper.claims.Finding("no gain", "4.2", "TM", "-", found, below=True)
        assert finding.verdict == verdict


def test_claims_are_about_every_family(paper, out):
    found = paper.claims.findings(results_of(paper, out))
    about = [one.model for one in found]
    assert about.count("TM") == len(paper.claims.PAIRS) + 3
    assert about.count("F of TM") == 1
    assert about.count("tower") == 7
    judged = [one for one in found if one.model == "TM"]
    assert all(one.verdict != "cannot be tested here" for one in judged)


# Tables


def test_examples_are_chosen_by_the_rule(paper):
    tables = paper.example_tables
    truth = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    base = np.array([[0.5, 0.5], [0.2, 0.2], [0.1, 0.2], [0.9, 0.3]])
    ours = np.array([[0.9, 0.1], [0.9, 0.2], [0.7, 0.6], [0.9, 0.8]])
    merit = tables.right_merit(truth, base, ours)
    assert merit == pytest.approx([0.8, 0.7, -0.2, 0.5])
    assert tables.choose(merit, truth) == [0, 3]
    wrong = tables.wrong_merit(truth, ours)
    assert wrong == pytest.approx([-np.inf, -np.inf, 0.7, 0.9])
    assert tables.choose(wrong, truth) == [3]
    assert tables.choose(wrong, np.eye(4, dtype=bool)) == [3, 2]


def test_top_two_are_probable(paper):
    names = ["a", "b", "c"]
    assert paper.example_tables.top_two(np.array([0.31, 0.9, 0.5]), names) == "b: 0.90\nc: 0.50"
    assert paper.example_tables.top_two(np.array([0.3, 0.2, 0.2]), names) == "a: 0.30"
    assert paper.example_tables.top_two(np.array([0.1, 0.2, 0.2]), names) == "none"


def test_table_of_a_family(paper, out):
    table = paper.score_tables.model_table(results_of(paper, out), "TM")
    assert [row[0] for row in table.rows[::5]] == ["GAP", "MAP", "PERR", "Hit@1"]
    assert all(len(row) == len(table.head) == 2 + 8 + 1 for row in table.rows)
    assert all(sum("**" in cell for cell in row) == 1 for row in table.rows)


def test_paper_gains_are_as_printed(paper):
    printed = {"TM": (0.18, 0.09, 0.07, 0.08, 0.15), "NV": (0.86, 0.72, 0.77, 0.82, 0.93)}
    for family, gains in printed.items():
        rows = paper.paper_numbers.SCORES[family]["GAP"]
        assert [row[1] - row[3] for row in rows] == pytest.approx(gains)


def test_false_negatives_are_counted(paper, monkeypatch):
    p = np.array([0.1, 0.2, 0.3, 0.8, 0.9])
    flags = {"irrelevant_audio": np.array([1, 1, 0, 0, 0], bool)}
    monkeypatch.setattr(paper.truth_tables, "tower_verdicts", lambda results: iter([(p, flags)]))
    called, everything = paper.truth_tables.false_negative_table(None).rows
    assert called[1:] == ["3.00", "2.00", "66.67"]
    assert everything[1:] == ["5.00", "2.00", "40.00"]
    plain, irrelevant = paper.truth_tables.truth_table(None).rows
    assert plain[1:3] == ["3", "33.33"]
    assert irrelevant[1:3] == ["2", "100.00"]


def test_families_are_named_by_their_settings(paper, monkeypatch):
    chosen = {
        "NV": {"n_clusters": 2},
        "RNN": {"n_clusters": 1, "rnn_type": None},
        "GRU-8": {"n_clusters": 8},
    }
    for kind in ("synthetic", "youtube8m"):
        monkeypatch.setitem(paper.settings.SETTINGS, kind, chosen)
    name = paper.families.family_name
    assert name("synthetic", "NV") == "NetVLAD, 2 clusters"
    assert name("synthetic", "GRU-8") == "Attention RNN: 8 clusters over a GRU's states"
    assert name("synthetic", "RNN").endswith("over the frames themselves, no recurrent layer")
    assert name("youtube8m", "RNN").endswith("over the frame itself, no recurrent layer")


def test_every_data_set_says_how_it_was_tuned(paper):
    assert set(paper.families.CHOSEN) == set(paper.settings.DATA_SETS)
    assert set(paper.families.ROW_NAMES) == set(paper.settings.ROWS)


def test_baselines_bear_a_last_batch_of_one(paper):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(129, 3)).astype(np.float32), rng.random((129, 2)) < 0.5
    predict = paper.baselines._network(X, Y, 0, hidden=4, max_epochs=1)
    assert predict(X).shape == (129, 2)


def test_blocks_are_escaped(paper):
    blocks = paper.blocks
    table = blocks.Table(["a|b", "n"], [["<i>\nx", "**1**"]], "caption", n_labels=1)
    title = blocks.Heading("T & U", 1)
    assert blocks.to_markdown([title, table]) == (
        "# T & U\n\n*caption*\n\n| a\\|b | n |\n|:--|--:|\n| <i><br>x | **1** |\n"
    )
    page = blocks.to_html([title, table], None)
    assert "<td class=label>&lt;i&gt;<br>x</td><td><strong>1</strong></td>" in page
