"""Training that diverges ends with a clear error, and no probability is ever NaN."""

import pickle

import numpy as np
import pytest
import torch
from estimator_cases import from_rows, make_classifier, make_tower, make_videos, make_y, rows_of
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

X, Y, CLASSES = make_videos().data, make_y("multilabel"), make_y("classes")


def late(**params):
    return make_classifier(**{"fusion": "late", **params})


def assert_diverges(estimator, words="", **fit_params):
    """A new estimator stays unfitted, a fitted one stays unchanged."""
    fitted_before = clone(estimator).set_params(lr=1e-3, callbacks=None).fit(X, Y)
    fitted_before.set_params(**estimator.get_params(deep=False))
    for each in (estimator, fitted_before):
        before = dict(vars(each))
        match = rf"Training of {type(estimator).__name__} diverged: .*{words}.*is unchanged"
        with pytest.raises(ValueError, match=match):
            each.fit(X, Y, **fit_params)
        assert vars(each) == before
    assert np.isfinite(fitted_before.predict_proba(X)).all()


@pytest.mark.parametrize("family", ["transformer", "netvlad", "rnn"])
@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_divergence_of_classifiers_raises(family, fusion):
    params = {"fusion": fusion, "correlation_tower": make_tower()}
    words = r"learning rate of 1e\+30 in float32"
    assert_diverges(make_classifier(family, lr=1e30, max_epochs=5, **params), words)


def test_divergence_of_the_tower_raises():
    assert_diverges(make_tower(lr=1e30, max_epochs=5))
    classifier = make_classifier(correlation_tower=make_tower(lr=1e30, max_epochs=5))
    with pytest.raises(ValueError, match="Training of CorrelationTower diverged"):
        classifier.fit(X, Y)
    assert not hasattr(classifier, "net_")


class Spoil(Callback):
    """Makes gradients NaN from some batch on."""

    def __init__(self, batch):
        self.batch = batch

    def on_train_begin(self, net, **kwargs):
        self.left_ = self.batch

    def on_grad_computed(self, net, named_parameters, training=None, **kwargs):
        self.left_ -= 1
        if self.left_ < 0:
            for _, parameter in named_parameters:
                parameter.grad.fill_(torch.nan)


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_divergence_in_other_precisions_raises(precision):
    assert_diverges(late(callbacks=[Spoil(0)], precision=precision), f"in {precision}")


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (0, "the loss of a batch of videos is nan, after 2 batches of epoch 1"),
        (4, "the loss of a batch of videos is nan, after 3 batches of epoch 2"),
        (5, "weights are no longer finite, after 3 batches of epoch 2"),
    ],
)
def test_divergence_in_a_later_batch_raises(batch, words):
    assert_diverges(late(callbacks=[Spoil(batch)]), words)


def test_divergence_in_a_continued_fit_keeps_the_fit_before():
    for params, method in (({}, "partial_fit"), ({"warm_start": True}, "fit")):
        classifier = late(**params).fit(X, Y)
        probability = classifier.predict_proba(X)
        classifier.set_params(callbacks=[Spoil(1)])
        with pytest.raises(ValueError, match="diverged"):
            getattr(classifier, method)(X, Y)
        np.testing.assert_array_equal(classifier.predict_proba(X), probability)
        assert classifier.n_iter_ == 2


def with_huge_frames(row):
    video, audio = rows_of(X, "video"), rows_of(X, "audio")
    video[row][:] = 3e38
    return from_rows(video=video, audio=audio)


def test_divergence_on_held_out_videos_raises():
    classifier = late(callbacks=None)
    assert_diverges(
        classifier, "the loss of a batch of videos held out is", eval_set=(with_huge_frames(3), Y)
    )


def test_divergence_with_a_checkpoint_keeps_finite_weights(tmp_path):
    """The checkpoint has finite weights, and resuming raises the same error."""
    for i, params in enumerate(({"checkpoint_interval": 1}, {"checkpoint_interval": 0.3})):
        folder = tmp_path / str(i)
        classifier = late(callbacks=[Spoil(4)], max_epochs=3, checkpoint=folder, **params)
        with pytest.raises(ValueError, match="diverged"):
            classifier.fit(X, Y)
        (path,) = folder.iterdir()
        state = torch.load(path, weights_only=True)
        assert all(torch.isfinite(value).all() for value in state["module"].values())
        whole = late(max_epochs=3).fit(X, Y)
        again = clone(classifier).set_params(resume=True, callbacks=None).fit(X, Y)
        np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))


def test_divergence_in_a_search_is_a_failed_fit():
    search = GridSearchCV(late(max_epochs=5), {"lr": [1e30, 1e-3]}, cv=2)
    failed = pytest.warns(FitFailedWarning, match="diverged")
    with failed, pytest.warns(UserWarning, match="scores are non-finite"):
        search.fit(X, CLASSES)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [True, False]
    assert search.best_params_ == {"lr": 1e-3}


@pytest.mark.parametrize("fusion", ["late", "cross_modal_concat"])
def test_predictions_that_are_not_finite_raise(fusion):
    classifier = make_classifier(fusion=fusion, correlation_tower=make_tower()).fit(X, Y)
    before = pickle.dumps(vars(classifier.net_.history))
    with pytest.raises(ValueError, match=r"videos \[7\] are not finite in float32"):
        classifier.predict_proba(with_huge_frames(7))
    with pytest.raises(ValueError, match=r"videos \[7\] are not finite in float32"):
        classifier.attention_weights(with_huge_frames(7))
    assert pickle.dumps(vars(classifier.net_.history)) == before
    assert np.isfinite(classifier.predict_proba(X)).all()
