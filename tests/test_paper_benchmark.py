"""The reproduction in benchmarks/paper runs completely, here with few small videos."""

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
    """The output folder of the command."""
    out = tmp_path_factory.mktemp("paper")
    paper.run.main(arguments(out))
    return out


def arguments(out, *more):
    return ["--families", "TM", "--jobs", "1", "--out", str(out), *more]


def results_of(paper, out, data_set="synthetic", n_seeds=2):
    return paper.results.Results(out, data_set, "small", n_seeds, ["TM"])


# The command


def test_report_contains_all_tables(out):
    text = (out / "synthetic" / "report.md").read_text()
    for part in (
        *("The paper's claims", "Table 4", "Tables 5 and 9", "Tables 6, 7, 10 and 11"),
        *("Figure 1", "Figure 8", "Figure 9", "Tables 1 to 3", "Depth and size of F"),
        *("TM cross_modal_gated, soft (CM-G soft)", "TM late + tower (L+p)"),
        *("TM self-influence (CM-C self)", "level 3", "Hit@1", "irrelevant audio"),
        *("other data", "cannot be tested here", "64 → 64 → 64", "bootstrap", "Python 3"),
    ):
        assert part in text, part
    assert "nan" not in text.lower().replace("finance", "")
    assert str(out) not in text
    assert str(Path.home()) not in text


def test_html_includes_plots(out):
    folder = out / "synthetic"
    page = (folder / "report.html").read_text()
    plots = re.findall(r"!\[.*\]\((.*)\)", (folder / "report.md").read_text())
    assert len(plots) == 4
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in plots)
    assert page.count("data:image/png;base64,") == 4
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert page.count("<table") == page.count('class="wide"')
    anchors = re.findall(r'<a href="#(.*?)"', page)
    assert all(f'id="{anchor}"' in page for anchor in anchors)


def stamps(out):
    return {path: path.stat().st_mtime_ns for path in out.rglob("seed*/*")}


def test_run_again_trains_nothing(paper, out, capsys):
    before = stamps(out)
    assert len(list(out.rglob("*.npz"))) == 2 * (1 + 1 + 8) + 3 + 1 + 1
    paper.run.main(arguments(out))
    assert stamps(out) == before
    assert "TM " not in capsys.readouterr().out


def test_run_changed_settings_trains_again(paper, out, monkeypatch, capsys):
    before = stamps(out)
    changed = {**paper.settings.ROWS["L"], "dropout": 0.2}
    monkeypatch.setitem(paper.settings.ROWS, "L", changed)
    paper.run.main(arguments(out))
    trained = re.findall(r"seed (\d) +(.+?)  ", capsys.readouterr().out)
    assert trained == [("0", "TM late (L)"), ("1", "TM late (L)")]
    after = stamps(out)
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 4


def test_report_missing_runs_are_counted(paper, out, tmp_path):
    with pytest.raises(SystemExit, match="no results of synthetic"):
        paper.run.main(arguments(tmp_path, "--report-only"))
    paper.run.main(arguments(out, "--report-only", "--seeds", "3"))
    text = (out / "synthetic" / "report.md").read_text()
    assert "10 planned runs are missing" in text


def test_report_of_classes_has_accuracy(paper, monkeypatch, tmp_path):
    synthetic = paper.data.load("synthetic", 0, None, {"n_train": 90, "n_test": 40})
    top = np.array([str(root) for root in synthetic.hierarchy.roots])
    columns = [synthetic.hierarchy.index(root) for root in synthetic.hierarchy.roots]

    def load(data_set, seed, folder, options):
        assert options == {"n_folds": 3}
        classes = [top[y[:, columns].argmax(1)] for y in (synthetic.y_train, synthetic.y_test)]
        hierarchy = LabelHierarchy.from_paths(np.unique(classes[0]))
        return paper.data.Videos(
            synthetic.X_train, classes[0], synthetic.X_test, classes[1], hierarchy, synthetic.names
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


def test_run_without_real_data_exits(paper, tmp_path):
    for kind in ("youtube8m", "corsmal"):
        with pytest.raises(SystemExit, match=rf"{kind}.*SK_CROSSMODAL_DATA"):
            paper.run.main(["--data", kind, "--folder", str(tmp_path), "--out", str(tmp_path)])


@pytest.mark.parametrize("arguments", [["--seeds", "0"], ["--data", "corsmal", "--seeds", "1"]])
def test_parse_too_few_seeds_exits(paper, capsys, arguments):
    with pytest.raises(SystemExit):
        paper.run.parse([*arguments, "--out", "somewhere"])
    assert "--seeds must be at least 1" in capsys.readouterr().err


def test_corsmal_folds_share_no_containers(paper, data_dir):
    first, second = (
        paper.data.load("corsmal_level", fold, data_dir, {"n_folds": 3}) for fold in (0, 1)
    )
    containers = [{name.split(",")[0] for name in videos.names} for videos in (first, second)]
    assert not containers[0] & containers[1]
    assert len(first.y_train) + len(first.y_test) == 456
    assert len(np.unique(first.y_train)) == 7


def test_save_failure_leaves_run_unfinished(paper, tmp_path):
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


def test_estimate_over_seeds_equals_students_t(paper):
    gains = np.array([1.0, 2.5, 1.7, 0.4])
    found = paper.intervals.estimate([constant(paper, gain) for gain in gains])
    expected = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.mean == pytest.approx(gains.mean())


def test_estimate_over_videos_equals_interval_of_share(paper):
    hits = np.arange(400) < 100
    found = paper.intervals.estimate([paper.intervals.share(hits)])
    half = 1.96 * 100 * np.sqrt(0.25 * 0.75 / 400)
    assert found.mean == 25
    assert (found.low, found.high) == pytest.approx((25 - half, 25 + half), abs=0.6)


def test_estimate_of_difference_is_paired(paper):
    share, combine = paper.intervals.share, paper.intervals.combine
    hits = np.random.default_rng(0).random(300) < 0.5
    (difference,) = combine(lambda a, b: a - b, [share(hits)], [share(hits)])
    found = paper.intervals.estimate([difference])
    assert (found.mean, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize("decimals", [1, 6])
def test_gap_error_equals_weighted_gap_score(paper, decimals):
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


def test_gain_equals_difference_of_reports(paper, out):
    results = results_of(paper, out)
    gains = paper.comparisons.gain(results, "TM-L", "TM-CM-C")
    late, concat = ([r.gap[0] for r in results.reports(n)] for n in ("TM-L", "TM-CM-C"))
    assert [one() for one in gains] == pytest.approx(100 * np.subtract(concat, late))
    groups = [r.gap for r in results.reports("TM-L", by_group=True)]
    for i, columns in enumerate(results.categories.values()):
        errors = [one() for one in results.errors("TM-L", [0, 1], columns)]
        assert errors == pytest.approx([100 * (1 - gap[i]) for gap in groups])


def test_category_spread_selects_on_other_seeds(paper):
    gains = [[1.0, 0.0, 5.0], [2.0, 0.0, -9.0], [3.0, 0.0, 0.0]]  # one row per seed

    class Results(SimpleNamespace):
        shares_test_videos = False

        def seeds(self, *names):
            return [0, 1, 2]

        def errors(self, name, seeds, columns):
            values = [gains[seed][columns] if name == "TM-L" else 0.0 for seed in seeds]
            return [constant(paper, value) for value in values]

    found = paper.comparisons.category_spread(Results(categories={"a": 0, "b": 1, "c": 2}), "TM")
    # Best and worst: a and c without seed 0, c and b without seed 1, a and c without seed 2.
    assert found.mean == pytest.approx(np.mean([1 - 5, -9 - 0, 3 - 0]))


def test_category_spread_with_shared_videos_selects_on_other_videos(paper):
    gains = np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 3.0, 0.0, 5.0]])  # one row per category

    class Results(SimpleNamespace):
        shares_test_videos = True

        def seeds(self, *names):
            return [0, 1, 2]

        def errors(self, name, seeds, columns):
            values = gains[columns] if name == "TM-L" else np.zeros(4)
            mean = paper.intervals.Statistic(4, lambda weights: weights @ values / weights.sum())
            return [mean for seed in seeds]

    found = paper.comparisons.category_spread(Results(categories={"a": 0, "b": 1}), "TM")
    # a is best in videos 0 and 2, but 4 points below b in videos 1 and 3.
    assert found.mean == pytest.approx(-4)


def test_shares_test_videos_is_in_statistics_note(paper, out):
    results = results_of(paper, out)
    assert not results.shares_test_videos
    assert "same test videos" not in paper.report.statistics_note(results)
    shared = results_of(paper, out)
    shared.videos[1] = shared.videos[0]
    assert shared.shares_test_videos
    assert "same test videos" in paper.report.statistics_note(shared)


def test_bootstrap_of_shared_videos_draws_once(paper):
    hits = np.arange(100) < 50
    one, two = (paper.intervals.estimate([paper.intervals.share(hits)] * n) for n in (1, 2))
    assert one == two


def test_slope_of_line_is_exact(paper):
    assert paper.comparisons.slope(range(4), [1.0, 3.0, 5.0, 7.0]) == pytest.approx(2)
    assert paper.comparisons.paper_gain_by_depth("NV") == pytest.approx(0.068)
    assert paper.comparisons.paper_gain("TM", "L", "CM-C") == pytest.approx(0.18)
    assert paper.comparisons.paper_gain("RNN", "L", "CM-C") is None


# Claims


@pytest.mark.parametrize(
    ("low", "high", "threshold", "outcome"),
    [
        (0.1, 0.9, 0, "holds"),
        (-0.9, -0.1, 0, "does not hold"),
        (-0.1, 0.9, 0, "within noise"),
        (0.0, 0.9, 0, "within noise"),
        (91.0, 93.0, 92.0, "within noise"),
        (92.5, 93.0, 92.0, "holds"),
    ],
)
def test_outcome_of_interval_follows_rule(paper, low, high, threshold, outcome):
    found = paper.intervals.Estimate((low + high) / 2, low, high)
    finding = paper.claims.Finding("claim", "5", "TM", "-", found, threshold)
    assert finding.outcome == outcome


def test_outcome_without_estimate_is_untestable(paper):
    assert paper.intervals.estimate([]) is None
    assert paper.intervals.estimate([constant(paper, np.nan)] * 3) is None
    finding = paper.claims.Finding("claim", "5", "TM", "-", None)
    assert finding.outcome == "cannot be tested here"


def test_outcome_below_threshold_is_reversed(paper):
    for low, high, outcome in (
        (0.1, 0.9, "does not hold"),
        (-0.9, -0.1, "holds"),
        (-0.1, 0.9, "within noise"),
    ):
        found = paper.intervals.Estimate((low + high) / 2, low, high)
        finding = paper.claims.Finding("no gain", "4.2", "TM", "-", found, below=True)
        assert finding.outcome == outcome


def test_findings_cover_all_families(paper, out):
    found = paper.claims.findings(results_of(paper, out))
    about = [one.model for one in found]
    assert about.count("TM") == len(paper.claims.PAIRS) + 3
    assert about.count("F of TM") == 1
    assert about.count("tower") == 7
    of_family = [one for one in found if one.model == "TM"]
    assert all(one.outcome != "cannot be tested here" for one in of_family)


# Tables


def test_examples_selected_by_rule(paper):
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


def test_top_two_shows_probable_labels_only(paper):
    names = ["a", "b", "c"]
    assert paper.example_tables.top_two(np.array([0.31, 0.9, 0.5]), names) == "b: 0.90\nc: 0.50"
    assert paper.example_tables.top_two(np.array([0.3, 0.2, 0.2]), names) == "a: 0.30"
    assert paper.example_tables.top_two(np.array([0.1, 0.2, 0.2]), names) == "none"


def test_model_table_has_scores_by_level(paper, out):
    table = paper.score_tables.model_table(results_of(paper, out), "TM")
    assert [row[0] for row in table.rows[::5]] == ["GAP", "MAP", "PERR", "Hit@1"]
    assert all(len(row) == len(table.head) == 2 + 8 + 1 for row in table.rows)
    assert all(sum("**" in cell for cell in row) == 1 for row in table.rows)


def test_paper_gains_equal_printed_numbers(paper):
    printed = {"TM": (0.18, 0.09, 0.07, 0.08, 0.15), "NV": (0.86, 0.72, 0.77, 0.82, 0.93)}
    for family, gains in printed.items():
        rows = paper.paper_numbers.SCORES[family]["GAP"]
        assert [row[1] - row[3] for row in rows] == pytest.approx(gains)


def test_truth_tables_count_false_negatives(paper, monkeypatch):
    p = np.array([0.1, 0.2, 0.3, 0.8, 0.9])
    flags = {"irrelevant_audio": np.array([1, 1, 0, 0, 0], bool)}
    monkeypatch.setattr(
        paper.truth_tables, "tower_probabilities", lambda results: iter([(p, flags)])
    )
    negative, everything = paper.truth_tables.false_negative_table(None).rows
    assert negative[1:] == ["3.00", "2.00", "66.67"]
    assert everything[1:] == ["5.00", "2.00", "40.00"]
    plain, irrelevant = paper.truth_tables.truth_table(None).rows
    assert plain[1:3] == ["3", "33.33"]
    assert irrelevant[1:3] == ["2", "100.00"]


def test_family_name_describes_settings(paper, monkeypatch):
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


def test_descriptions_cover_all_data_sets_and_rows(paper):
    assert set(paper.families.CHOSEN) == set(paper.settings.DATA_SETS)
    assert set(paper.families.ROW_NAMES) == set(paper.settings.ROWS)
    assert set(paper.settings.HEADINGS) == set(paper.settings.ROWS)


def test_baseline_last_batch_of_one_trains(paper):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(129, 3)).astype(np.float32), rng.random((129, 2)) < 0.5
    predict = paper.baselines._network(X, Y, 0, hidden=4, max_epochs=1)
    assert predict(X).shape == (129, 2)


def test_blocks_escape_special_characters(paper):
    blocks = paper.blocks
    table = blocks.Table(["a|b", "n"], [["<i>\nx", "**1**"]], "caption", n_labels=1)
    title = blocks.Heading("T & U", 1)
    assert blocks.to_markdown([title, table]) == (
        "# T & U\n\n*caption*\n\n| a\\|b | n |\n|:--|--:|\n| <i><br>x | **1** |\n"
    )
    page = blocks.to_html([title, table], None)
    assert "<td class=label>&lt;i&gt;<br>x</td><td><strong>1</strong></td>" in page
