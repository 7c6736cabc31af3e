"""Wrong calls of the estimators raise a clear error before anything is trained or changed."""

import importlib
import inspect
import pickle
import re
import traceback
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import joblib
import pytest
from bad_calls_data import (
    BAD_CLASSES,
    BAD_EVAL_SET,
    BAD_WEIGHT,
    BAD_X,
    BAD_X_FOR_FIT,
    BAD_X_LATER,
    BAD_Y,
    BAD_Y_FOR_FIT,
    BAD_Y_LATER,
    X,
    Y,
)
from bad_calls_methods import METHOD_ROWS
from bad_calls_parameters import CLASSIFIERS, PARAMETERS, Case
from estimator_cases import fitted, fitted_tower, make_classifier, make_tower

import sk_crossmodal
from sk_crossmodal.validation import short

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]

WRONG = (ValueError, TypeError)
# Tables of the other subpackages: (id, callable, exception types, regex). The test file that makes
# the calls has "test_" before the name.
OTHERS = (
    "bad_calls_datasets",
    "bad_calls_displays",
    "bad_calls_ground",
    "bad_calls_models",
    "bad_calls_modules",
    "bad_calls_report",
    "bad_calls_scores",
    "bad_calls_store",
    "bad_calls_tables",
)
PUBLIC = (
    "compose",
    "datasets",
    "hierarchy",
    "inspection",
    "metrics",
    "multimodal",
    "persistence",
    "report",
)
# The first takes anything; others are results, which users do not construct, and the interface
# that authors of readers implement.
NEVER_WRONG = {"has_named_modalities", "ComparisonReport", "ErrorExamples", "Example"}
NEVER_WRONG |= {"Block", "Description", "Reader", "frame_moments"}  # the last is an alias
MAKE = {
    "CrossModalTransformerClassifier": make_classifier,
    "CrossModalNetVLADClassifier": lambda **params: make_classifier("netvlad", **params),
    "CrossModalRNNClassifier": lambda **params: make_classifier("rnn", **params),
    "CorrelationTower": make_tower,
}

# Classifiers that share their parameters with CrossModalTransformerClassifier.
ALIKE = ("CrossModalNetVLADClassifier", "CrossModalRNNClassifier")


class Row(NamedTuple):
    """A wrong call of a method of an estimator."""

    id: str
    make: object  # returns the estimator
    method: str
    args: tuple
    kwargs: dict
    error: tuple
    match: str


def late():
    return make_classifier(fusion="late")


TRANSFORMER = "CrossModalTransformerClassifier"
# Functions that make an estimator, new or fitted, by its name.
NEW = {TRANSFORMER: late, "CorrelationTower": make_tower}
FITTED = {TRANSFORMER: lambda: fitted("late"), "CorrelationTower": fitted_tower}


def parameter_rows():
    for name, parameters in PARAMETERS.items():
        for parameter, (wanted, values) in parameters.items():
            # All values of shared parameters are tried with one of the classifiers.
            repeated = parameter in CLASSIFIERS and name in ALIKE
            step = max(1, len(values) // 4) if repeated else 1
            for i, value in list(enumerate(values))[::step]:
                wrong = value.value if isinstance(value, Case) else value
                got = f"{wanted}, got {literally(short(wrong))}"
                match = value.match if isinstance(value, Case) else got
                yield Row(
                    f"{name}.fit: {parameter} {i}",
                    lambda name=name, params={parameter: wrong}: MAKE[name](**params),
                    "fit",
                    (X, Y),
                    {},
                    WRONG,
                    match,
                )


def literally(text):
    """A regex of the text, without addresses in memory."""
    return re.escape(text.split(" at 0x")[0])


def data_rows():
    for name, make in NEW.items():
        for what, (bad, match) in {**BAD_X, **BAD_X_FOR_FIT}.items():
            yield Row(f"{name}.fit: X {what}", make, "fit", (*several(bad), Y), {}, WRONG, match)
        for what, (bad, match) in {**BAD_Y, **BAD_Y_FOR_FIT}.items():
            yield Row(f"{name}.fit: y {what}", make, "fit", (X, bad), {}, WRONG, match)
        for key, bads in (("sample_weight", BAD_WEIGHT), ("eval_set", BAD_EVAL_SET)):
            for what, (bad, match) in bads.items():
                yield Row(
                    f"{name}.fit: {key} {what}", make, "fit", (X, Y), {key: bad}, WRONG, match
                )
    make, make_fitted = NEW[TRANSFORMER], FITTED[TRANSFORMER]
    for what, (bad, match) in BAD_CLASSES.items():
        for call, maker in (("first", make), ("second", make_fitted)):
            id_ = f"{TRANSFORMER}.partial_fit: {call} classes {what}"
            yield Row(id_, maker, "partial_fit", (X, Y), {"classes": bad}, WRONG, match)


def later_rows():
    """Calls of fitted estimators: wrong forms of X go to the methods in turn."""
    methods = {
        TRANSFORMER: ("predict", "predict_proba", "decision_function", "attention_weights"),
        "CorrelationTower": ("transform", "predict_proba", "embed"),
    }
    labelled = {
        TRANSFORMER: ("score", "partial_fit"),
        "CorrelationTower": ("pair_probabilities", "pair_error_rates"),
    }
    xs = {**BAD_X, **BAD_X_LATER}
    for name, make in FITTED.items():
        for i, (what, (bad, _)) in enumerate(xs.items()):
            # The width of X is checked before its values.
            match = f"{xs[what][1]}|X has (.* features|2-D arrays)"
            method = methods[name][i % len(methods[name])]
            yield Row(f"{name}.{method}: X {what}", make, method, several(bad), {}, WRONG, match)
            method = labelled[name][i % 2]
            if method != "partial_fit":
                args = (*several(bad), Y)
                yield Row(f"{name}.{method}: X {what}", make, method, args, {}, WRONG, match)
        for method in labelled[name]:
            more = BAD_Y_LATER if name == TRANSFORMER else {}
            for what, (bad, match) in {**BAD_Y, **more}.items():
                yield Row(f"{name}.{method}: y {what}", make, method, (X, bad), {}, WRONG, match)
    for what, (bad, match) in BAD_WEIGHT.items():
        for method in ("score", "partial_fit"):
            id_ = f"{TRANSFORMER}.{method}: sample_weight {what}"
            kwargs = {"sample_weight": bad}
            yield Row(id_, FITTED[TRANSFORMER], method, (X, Y), kwargs, WRONG, match)


def several(bad):
    """X as a tuple of positional arguments."""
    return bad if isinstance(bad, tuple) else (bad,)


ROWS = [*parameter_rows(), *data_rows(), *later_rows(), *(Row(*row) for row in METHOD_ROWS)]


@pytest.fixture(autouse=True, scope="module")
def no_training():
    """No wrong call may begin to train."""
    reached = AssertionError("training began")
    with mock.patch("sk_crossmodal.training.MultimodalNet.train_on", side_effect=reached):
        yield


@pytest.fixture(autouse=True, scope="module")
def shared_objects_stay_unchanged():
    """Compare once, at the end, the objects of most rows: X, y and the fitted estimators."""
    shared = [X, Y, fitted("late"), fitted_tower()]
    before = [pickle.dumps(each) for each in shared]
    assert [pickle.dumps(each) for each in shared] == before  # pickles can be compared
    yield
    assert [pickle.dumps(each) for each in shared] == before


def state(thing):
    """State of an estimator or an argument, for a comparison before and after a call."""
    if hasattr(thing, "get_params") and not isinstance(thing, type):
        # Fitted attributes must be the same objects; the fixture above compares their contents.
        return {
            key: id(value) if "_" in (key[0], key[-1]) else state(value)
            for key, value in vars(thing).items()
        }
    if thing is X or thing is Y:
        return None  # compared by the fixture above
    try:
        return joblib.hash(thing.to_dict() if hasattr(thing, "to_dict") else thing)
    except Exception:  # cannot be pickled, as generators
        return id(thing)


for shared_estimator in (fitted("late"), fitted_tower()):
    shared_estimator.predict_proba(X)  # puts their networks into evaluation mode


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_wrong_call_raises_and_changes_nothing(row):
    estimator = row.make()
    before = state(estimator), [state(each) for each in (*row.args, *row.kwargs.values())]
    with pytest.raises(row.error) as caught:
        getattr(estimator, row.method)(*row.args, **row.kwargs)
    caught.match(rf"(?s){row.match}")
    innermost = traceback.extract_tb(caught.tb)[-1].filename
    assert not {"torch", "skorch"} & set(innermost.replace("\\", "/").split("/")), innermost
    assert (
        state(estimator),
        [state(each) for each in (*row.args, *row.kwargs.values())],
    ) == before


@pytest.mark.parametrize("name", MAKE)
def test_table_has_wrong_values_of_every_parameter(name):
    parameters = inspect.signature(getattr(sk_crossmodal, name)).parameters
    assert set(PARAMETERS[name]) == set(parameters)
    assert min(len(values) for _, values in PARAMETERS[name].values()) >= 5


CASES = [case for module in OTHERS for case in importlib.import_module(module).CASES]


def test_table_is_large_without_duplicates():
    """At least 2,500 different calls of the estimators and 1,000 of the rest."""
    assert len({row.id for row in ROWS}) == len(ROWS) >= 2500
    assert len(CASES) >= 1000
    assert len({(row.method, row.match) for row in ROWS}) >= 700


@pytest.mark.parametrize("name", ["CrossModalTransformerClassifier", "CorrelationTower"])
def test_table_calls_every_method(name):
    cls = getattr(sk_crossmodal, name)
    methods = {
        method
        for method, _ in inspect.getmembers(cls, inspect.isfunction)
        if not method.startswith("_") and method not in ("get_params", "get_metadata_routing")
    }
    # scikit-learn tests the methods that it adds for metadata and data frames.
    ours = {m for m in methods if not m.endswith("_request") and m != "set_output"}
    called = {row.method for row in ROWS if row.id.startswith(f"{name}.")}
    assert ours <= called, ours - called


def callables_of(subpackage):
    """Names of public functions and classes, and of their methods that take an argument."""
    module = importlib.import_module(f"sk_crossmodal.{subpackage}")
    for name in set(module.__all__) - NEVER_WRONG:
        thing = getattr(module, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield name
        for method, value in vars(thing).items() if inspect.isclass(thing) else ():
            function = getattr(value, "__func__", value)
            if method[0] != "_" and inspect.isfunction(function) and method not in NEVER_WRONG:
                first = () if isinstance(value, staticmethod) else ("self", "cls")
                if set(inspect.signature(function).parameters) - set(first):
                    yield method


@pytest.mark.parametrize("subpackage", PUBLIC)
def test_tables_call_every_public_function_and_method(subpackage):
    tables = "\n".join(Path(__file__).with_name(f"{name}.py").read_text() for name in OTHERS)
    missing = [n for n in callables_of(subpackage) if not re.search(rf"\b{n}\b", tables)]
    assert not missing
