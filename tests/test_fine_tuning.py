"""Fine-tuning: a classifier starts from one that was fitted on other labels."""

import pickle

import numpy as np
import pytest
import torch
from estimator_cases import (
    FAMILIES,
    Recorder,
    fitted_tower,
    from_rows,
    make_classifier,
    make_labels,
    make_tower,
    make_videos,
    make_y,
    rows_of,
    top_labels,
)
from scipy.special import expit
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sk_crossmodal import (
    HierarchyLabelBinarizer,
    TransformedTargetClassifier,
    load_model,
    save_model,
)
from sk_crossmodal.datasets import make_crossmodal_videos

pytestmark = pytest.mark.one_version

X, TOP, Y = make_videos().data, make_y("classes"), make_labels()[1]
HEAD = {f"head.{i}.{part}" for i in (1, 4) for part in ("weight", "bias")}


def pretrain(family="transformer", **params):
    tower = FrozenEstimator(fitted_tower())
    return make_classifier(family, **{"correlation_tower": tower, **params}).fit(X, TOP)


def tune(pretrained, family="transformer", **params):
    return make_classifier(family, **{"pretrained": FrozenEstimator(pretrained), **params})


def state(classifier):
    return {name: value.clone() for name, value in classifier.module_.state_dict().items()}


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("family", FAMILIES)
def test_freeze_towers_keeps_all_weights_but_the_head(family):
    """Weights, frame statistics and the statistics of NetVLAD's BatchNorm."""
    pretrained = pretrain(family)
    before = state(pretrained)
    tuned = tune(pretrained, family, freeze_towers=True, weight_decay=1.0, dropout=0.5)
    tuned.fit(X, TOP == "Food")
    after = state(tuned)
    assert {name for name in before if before[name].shape != after[name].shape} == {
        name for name in HEAD if ".4." in name
    }
    same = [name for name in before if name not in HEAD]
    assert all(before[n].numpy().tobytes() == after[n].numpy().tobytes() for n in same)
    assert changed({n: before[n] for n in ("head.1.weight", "head.1.bias")}, after)
    assert not changed(before, state(pretrained))
    learned = [p for group in tuned.net_.optimizer_.param_groups for p in group["params"]]
    assert {id(p) for p in learned} == {id(p) for p in tuned.module_.head.parameters()}
    for name, parameter in tuned.module_.named_parameters():
        assert (parameter.grad is not None) == (name in HEAD)


@pytest.mark.parametrize("family", FAMILIES)
def test_pretrained_weights_are_the_start_except_the_output_layer(family):
    """Without frozen towers, all weights change."""
    pretrained, spy = pretrain(family), Recorder()
    tuned = tune(pretrained, family, callbacks=[("spy", spy)]).fit(X, Y)
    before, initial = state(pretrained), dict(tuned.net_.callbacks_)["spy"].initial_
    assert changed({n: w for n, w in before.items() if w.shape == initial[n].shape}, initial) <= {
        "head.4.bias"
    }
    assert initial["head.4.weight"].shape != before["head.4.weight"].shape
    moved = changed(initial, state(tuned))
    assert moved >= {n for n, p in tuned.module_.named_parameters() if p.grad is not None}
    assert tuned.correlation_tower_ is pretrained.correlation_tower_
    assert tuned.predict(X).shape == Y.shape


def test_pretrained_on_the_same_labels_gets_a_new_output_layer():
    pretrained, spy = pretrain(fusion="late"), Recorder()
    tuned = tune(pretrained, fusion="late", callbacks=[("spy", spy)]).fit(X, TOP)
    initial = dict(tuned.net_.callbacks_)["spy"].initial_
    assert changed(state(pretrained), initial) == {"head.4.weight", "head.4.bias"}


def test_head_on_frozen_towers_equals_adam_by_hand():
    """Adam on fixed features, written out, gives the same probabilities."""
    pretrained = pretrain(fusion="late", dropout=0.3)
    params = {"fusion": "late", "dropout": 0.0, "freeze_towers": True, "batch_size": 48}
    params.update(max_epochs=4, lr=1e-2, lr_schedule=None, early_stopping=False)
    tuned = tune(pretrained, **params, callbacks=[("spy", Recorder())]).fit(X, Y)
    network = pretrained.module_.eval()
    frames, masks = X.pad(np.arange(48))
    inputs = (
        {name: torch.from_numpy(x) for name, x in frames.items()},
        {name: torch.from_numpy(m) for name, m in masks.items()},
    )
    with torch.no_grad():
        features = torch.cat(network.encoder(*network.prepare(*inputs)), -1)
    initial = dict(tuned.net_.callbacks_)["spy"].initial_
    w1, b1, w2, b2 = (
        initial[f"head.{i}.{p}"].clone().requires_grad_()
        for i, p in ((1, "weight"), (1, "bias"), (4, "weight"), (4, "bias"))
    )
    target = torch.from_numpy(Y).float()
    optimizer = torch.optim.Adam([w1, b1, w2, b2], lr=1e-2)
    for _ in range(4):
        logits = (features @ w1.T + b1).relu() @ w2.T + b2
        loss = (logits.exp().log1p() - target * logits).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits = (features @ w1.T + b1).relu() @ w2.T + b2
    np.testing.assert_allclose(tuned.predict_proba(X), expit(logits.detach().numpy()), atol=1e-5)


def groups(videos):
    """Each of three new labels is several of the old ones."""
    top = top_labels(videos)
    return np.unique(top, return_inverse=True)[1] % 3


@pytest.mark.parametrize("seed", [0, 1])
def test_fine_tuning_with_few_videos_beats_training_from_scratch(seed):
    """Pretrained on 600 videos of eight labels, tuned on 32 of three others."""
    params = {"branching": (8, 1, 1, 1), "n_features": {"video": 32, "audio": 16}}
    params.update(n_frames=(10, 14), n_distractors=1, scene_frames=(1, 2), lead=(1, 2))
    params.update(video_noise=0.8, audio_noise=0.8)
    many, test, shots = (
        make_crossmodal_videos(n, **params, random_state=start + seed)
        for n, start in ((600, 10), (300, 20), (32, 30))
    )
    size = {"fusion": "late", "lr": 5e-3, "random_state": seed}
    pretrained = make_classifier(**size, batch_size=32, max_epochs=8)
    pretrained = FrozenEstimator(pretrained.fit(many.data, top_labels(many)))
    scratch = make_classifier(**size, batch_size=8, max_epochs=15)
    alone = scratch.fit(shots.data, groups(shots)).score(test.data, groups(test))
    for freeze in (False, True):
        tuned = clone(scratch).set_params(pretrained=pretrained, freeze_towers=freeze)
        assert tuned.fit(shots.data, groups(shots)).score(test.data, groups(test)) > alone + 0.08


def test_pretrained_in_a_search_and_a_pipeline_is_unchanged():
    pretrained = pretrain(fusion="late")
    other = pretrain(fusion="late", lr=1e-2)
    search = GridSearchCV(
        tune(pretrained, fusion="late", max_epochs=1),
        {"pretrained": [None, *map(FrozenEstimator, (pretrained, other))]},
        cv=2,
    ).fit(X, TOP)
    assert search.best_estimator_.predict(X).shape == (48,)
    pipeline = make_pipeline(tune(pretrained, fusion="late", freeze_towers=True))
    assert clone(pipeline)[-1].pretrained.estimator is pretrained
    assert not changed(
        {n: w for n, w in state(pretrained).items() if n not in HEAD},
        state(clone(pipeline).fit(X, TOP)[-1]),
    )


def test_pretrained_classifier_of_a_target_transformer_can_be_used():
    """The classifier of a `TransformedTargetClassifier` is its `classifier_`."""
    paths = make_videos().target
    target = TransformedTargetClassifier(
        make_classifier(fusion="late"), transformer=HierarchyLabelBinarizer()
    ).fit(X, paths)
    tuned = tune(target.classifier_, fusion="late", freeze_towers=True).fit(X, TOP)
    assert set(tuned.classes_) == set(TOP)
    with pytest.raises(
        TypeError,
        match=r"(?s)a FrozenEstimator of a fitted .*TransformedTargetC.*give its classifier_",
    ):
        tune(target, fusion="late").fit(X, TOP)


def test_pretrained_with_other_modalities_is_refused():
    pretrained = pretrain(fusion="late")
    video, audio = rows_of(X, "video"), rows_of(X, "audio")
    tuned = tune(pretrained, fusion="late").fit(from_rows(audio=audio, video=video), TOP)
    straight = tune(pretrained, fusion="late").fit(X, TOP)
    assert tuned.modality_names_in_ == ("video", "audio")
    np.testing.assert_array_equal(tuned.predict_proba(X), straight.predict_proba(X))
    with pytest.raises(ValueError, match=r"fitted on {'video': 8, .*, got {'video': 8}"):
        tune(pretrained, fusion="late").fit(from_rows(video=video), TOP)


def test_fine_tuning_keeps_the_scaling_of_pretrained():
    pretrained = pretrain(fusion="late")
    shifted = from_rows(**{n: [3 * x + 1 for x in rows_of(X, n)] for n in ("video", "audio")})
    tuned = tune(pretrained, fusion="late").fit(shifted, TOP)
    for ours, theirs in zip(tuned.module_.scalers, pretrained.module_.scalers, strict=True):
        assert torch.equal(ours.mean, theirs.mean)
        assert torch.equal(ours.inverse, theirs.inverse)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"fusion": "early"}, "{'fusion': 'cross_modal_concat'}, got {'fusion': 'early'}"),
        ({"d_model": 8, "gate": "soft"}, "{'gate': 'hard', 'd_model': 16}, got .*'d_model': 8}"),
        ({"n_layers": 2}, "{'n_layers': 1}, got {'n_layers': 2}"),
        (
            {"cross_modal_layer_sizes": (4, 5)},
            r"{'cross_modal_layer_sizes': \(4,\)}, got .*\(4, 5\)",
        ),
        ({"cross_modal_combine": "multiply"}, "{'cross_modal_combine': 'add'}, got .*'multiply'"),
        (
            {"correlation_features": "embedding"},
            "{'correlation_features': 'probability'.*}, got .*'embedding'",
        ),
        ({"mask_padding": False}, "{'mask_padding': True.*}, got {'mask_padding': False"),
    ],
)
def test_pretrained_of_another_shape_is_refused_by_the_names_of_parameters(params, words):
    with pytest.raises(ValueError, match=f"The weights of pretrained need {words}"):
        tune(pretrain_once(), **params).fit(X, TOP)


PRETRAINED = []


def pretrain_once():
    if not PRETRAINED:
        PRETRAINED.append(pretrain())
    return PRETRAINED[0]


def test_pretrained_with_another_embedding_width_is_refused():
    params = {"correlation_features": "embedding"}
    pretrained = pretrain(**params)
    tower = make_tower(hidden_layer_sizes=(5,))
    with pytest.raises(ValueError, match=r"tower's embedding\": 8}, got .*embedding\": 5}"):
        tune(pretrained, correlation_tower=tower, **params).fit(X, TOP)
    tuned = tune(pretrained, correlation_tower=make_tower(lr=1e-2), **params).fit(X, TOP)
    assert tuned.correlation_tower_.lr == 1e-2


def test_warm_start_and_partial_fit_continue_a_tuned_classifier():
    pretrained = pretrain(fusion="late")
    tuned = tune(pretrained, fusion="late", warm_start=True, freeze_towers=True).fit(X, TOP)
    before = state(tuned)
    assert tuned.fit(X, TOP).n_iter_ == 4
    assert changed(before, state(tuned)) == HEAD
    head, tuned.freeze_towers = state(tuned), False
    tuned.partial_fit(X, TOP)
    assert changed(head, state(tuned)) > HEAD
    parts = tune(pretrained, fusion="late", freeze_towers=True).partial_fit(X, TOP)
    once = state(parts)
    assert changed(state(pretrained), once) == HEAD
    assert changed(once, state(parts.partial_fit(X, TOP))) == HEAD


def test_frozen_layers_have_no_dropout_with_early_stopping():
    """Without dropout in the head, the loss of the first batch is deterministic."""
    pretrained = pretrain(fusion="late", dropout=0.5)
    params = {"fusion": "late", "freeze_towers": True, "dropout": 0.0, "batch_size": 48}
    tuned = tune(pretrained, **params, early_stopping=True, max_epochs=3).fit(X, TOP)
    assert len(tuned.validation_scores_) == tuned.n_iter_
    assert not tuned.module_.encoder.training
    tuned.module_.train()
    assert tuned.module_.head.training
    assert not tuned.module_.encoder.training


def test_checkpoints_of_other_pretrained_classifiers_differ(tmp_path):
    first, second = pretrain(fusion="late"), pretrain(fusion="late", lr=1e-2)
    kept = {"fusion": "late", "checkpoint": tmp_path, "max_epochs": 1}
    tune(first, **kept).fit(X, TOP)
    tune(second, **kept).fit(X, TOP)
    tune(first, **kept, freeze_towers=True).fit(X, TOP)
    make_classifier(**kept).fit(X, TOP)
    assert len(list(tmp_path.glob("*.pt"))) == 4
    copied = pickle.loads(pickle.dumps(first))  # the same weights are the same fit
    with pytest.raises(ValueError, match="is a checkpoint of this fit: resume=True continues"):
        tune(copied, **kept).fit(X, TOP)
    longer = {**kept, "max_epochs": 3, "resume": True}
    resumed = tune(first, **longer, freeze_towers=True).fit(X, TOP)
    whole = tune(first, fusion="late", max_epochs=3, freeze_towers=True).fit(X, TOP)
    assert not changed(state(whole), state(resumed))


def test_tuned_classifier_can_be_saved_and_pickled(tmp_path):
    tuned = tune(pretrain(), freeze_towers=True).fit(X, Y)
    expected = tuned.predict_proba(X)
    with pytest.warns(
        UserWarning,
        match=r"\['pretrained'\] is None in the saved model",
    ):
        save_model(tuned, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.pretrained is None
    assert loaded.freeze_towers is True
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    before = state(loaded)
    assert changed(before, state(loaded.partial_fit(X, Y))) == HEAD
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tuned)).predict_proba(X), expected)
    again = tune(load_model(tmp_path / "model"), freeze_towers=True).fit(X, TOP)
    assert again.score(X, TOP) <= 1
    with pytest.raises(ValueError, match="freeze_towers=True needs the weights of `pretrained`"):
        clone(loaded).fit(X, Y)
