"""scikit-learn's HTML view in a notebook: parameters, attributes, diagram, links."""

import re
from pathlib import Path

import pytest
from discovery import discover_estimators, small_instances
from estimator_cases import make_classifier, make_tower, make_videos, make_y
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sk_crossmodal import _links

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "guide.md"
INSTANCES = dict(small_instances(max_epochs=1))
X, Y = make_videos().data, make_y("multilabel")


def html_of(estimator):
    """The HTML that a notebook shows, from the bundle of representations."""
    return estimator._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("name", INSTANCES)
def test_view_of_unfitted_estimator_has_parameters(name):
    estimator = INSTANCES[name]
    html = html_of(estimator)
    assert type(estimator).__name__ in html
    assert all(param in html for param in estimator.get_params(deep=False))
    assert f'href="{GUIDE.as_uri()}' in html


@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_view_of_fitted_classifier_has_attributes(fusion):
    tower = make_tower()
    classifier = make_classifier(fusion=fusion, correlation_tower=tower).fit(X, Y)
    html = html_of(classifier)
    assert "fitted" in html
    for attribute in ("n_iter_", "loss_curve_", "classes_", "validation_scores_"):
        assert attribute in html


def test_view_of_compositions_has_parts():
    tower = FrozenEstimator(make_tower().fit(X, Y))
    classifier = make_classifier(fusion="cross_modal_gated", correlation_tower=tower)
    search = GridSearchCV(make_pipeline(classifier), {}, cv=2).fit(X, Y)
    for estimator in (classifier, search.best_estimator_, search):
        html = html_of(estimator)
        assert "CrossModalTransformerClassifier" in html
        assert "CorrelationTower" in html


@pytest.mark.parametrize("cls", discover_estimators().values(), ids=lambda cls: cls.__name__)
def test_docstring_describes_each_parameter(cls):
    """The view shows these descriptions."""
    described = re.findall(r"^    (\w+) : ", cls.__doc__, flags=re.MULTILINE) + re.findall(
        r"^(\w+) : ", cls.__doc__, flags=re.MULTILINE
    )
    assert set(cls().get_params(deep=False)) <= set(described)


def test_view_of_foreign_family_does_not_link_here():
    family = type("Family", (type(make_classifier()),), {"__module__": "elsewhere.models"})
    assert is_classifier(family())
    assert GUIDE.as_uri() not in html_of(family())


def test_documentation_of_installed_package_is_its_url(monkeypatch):
    class Metadata:
        def get_all(self, name):
            assert name == "Project-URL"
            return ["Source, https://example.org/code", "Documentation, https://example.org/docs"]

    assert _links.documentation() == GUIDE.as_uri()
    monkeypatch.setattr(_links, "metadata", lambda name: Metadata())
    assert _links.documentation() == "https://example.org/docs"
