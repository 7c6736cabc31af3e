"""`make_crossmodal_videos`, measured from outside: without noise, patterns can be recognised."""

from collections import defaultdict

import numpy as np
import pytest

from sk_crossmodal.datasets import make_crossmodal_videos
from sk_crossmodal.hierarchy import HierarchyLabelBinarizer

QUIET = {"video_noise": 0.0, "audio_noise": 0.0}
PLAIN = {**QUIET, "static_video": 0.0}  # every frame is a pattern or silence
FULL_DEPTH = 4


def full_labels(bunch):
    return np.array([path for (path,) in bunch.target])


def top_of(path):
    return path.split(":")[0]


def depth_of(path):
    return path.count(":") + 1


@pytest.fixture(scope="module")
def plain():
    """Enough videos that every label of full depth occurs with relevant audio."""
    return make_crossmodal_videos(1500, random_state=0, **PLAIN)


@pytest.fixture(scope="module")
def looks(plain):
    """What each label of full depth looks like: the frames of its true scenes."""
    out = {}
    for i, path in enumerate(full_labels(plain)):
        if depth_of(path) == FULL_DEPTH:
            out[path] = plain.data[i]["video"][plain.scene[i, 0]]
    assert len(out) == 8 * 2 * 2 * 2
    return out


@pytest.fixture(scope="module")
def sounds(plain):
    """What each top-level label sounds like: the mean frame of its relevant events."""
    frames = defaultdict(list)
    for i, path in enumerate(full_labels(plain)):
        if not plain.irrelevant_audio[i]:
            frames[top_of(path)].append(plain.data[i]["audio"][plain.event[i, 0]])
    assert len(frames) == 8
    return {top: np.mean(heard, axis=0) for top, heard in frames.items()}


def recognise(frame, patterns):
    """Name of the pattern that points most in the frame's direction."""
    centre = np.mean(list(patterns.values()), axis=0)
    return max(patterns, key=lambda name: (patterns[name] - centre) @ frame)


def seen_scenes(video, looks):
    """(start, size, label) of every run of equal frames that show something."""
    out, t = [], 0
    while t < len(video):
        end = t + 1
        while end < len(video) and np.array_equal(video[end], video[t]):
            end += 1
        if video[t].any():
            out.append((t, end - t, recognise(video[t], looks)))
        t = end
    return out


# Video ------------------------------------------------------------------------------------


def test_every_frame_shows_a_label_or_nothing(plain, looks):
    known = {look.tobytes() for look in looks.values()}
    assert len(known) == len(looks)
    for video in plain.data:
        for frame in video["video"]:
            assert not frame.any() or frame.tobytes() in known


def test_true_scene_and_distractors(plain, looks):
    for i, path in enumerate(full_labels(plain)):
        scenes = seen_scenes(plain.data[i]["video"], looks)
        start, size = plain.scene[i]
        (true,) = [label for first, length, label in scenes if (first, length) == (start, size)]
        assert f"{true}:".startswith(f"{path}:")
        assert len(scenes) == 3
        assert len({top_of(label) for *_, label in scenes}) == 3
        assert all(2 <= length <= 3 for _, length, _ in scenes)


@pytest.mark.parametrize("n_distractors", [0, 1, 6])
def test_number_of_distractors(n_distractors, looks):
    bunch = make_crossmodal_videos(
        50, n_distractors=n_distractors, n_frames=(30, 30), random_state=1, **PLAIN
    )
    for video in bunch.data:
        assert len(seen_scenes(video["video"], looks)) == 1 + n_distractors


def test_video_alone_does_not_show_the_true_scene(plain, looks):
    """The true scene has no place of its own but that it is not among the first frames."""
    places = []
    for i in range(300):
        starts = [start for start, *_ in seen_scenes(plain.data[i]["video"], looks)]
        places.append(starts.index(plain.scene[i, 0]))
    assert np.bincount(places, minlength=3).min() > 30


def test_static_videos():
    bunch = make_crossmodal_videos(400, static_video=0.5, random_state=0)
    static = bunch.static_video
    for i in np.flatnonzero(static):
        frames = bunch.data[i]["video"]
        assert (frames.std(axis=0) < 0.3).all()
        assert 0.4 < frames[0].std() < 1.1
    for i in np.flatnonzero(~static)[:50]:
        assert bunch.data[i]["video"].std(axis=0).mean() > 0.3
    assert not (static & bunch.irrelevant_audio).any()


def test_static_videos_are_independent_of_their_label(looks):
    bunch = make_crossmodal_videos(400, irrelevant_audio=0.0, static_video=1.0, random_state=0)
    assert bunch.static_video.all()
    labels = full_labels(bunch)
    right = [
        top_of(recognise(video["video"].mean(axis=0), looks)) == top_of(path)
        for video, path in zip(bunch.data, labels, strict=True)
    ]
    assert np.mean(right) == pytest.approx(1 / 8, abs=0.06)


# Audio ------------------------------------------------------------------------------------


def heard(audio):
    """First frame and length of what is to be heard, from a run without gaps."""
    (frames,) = np.nonzero(audio.any(axis=1))
    assert np.array_equal(frames, np.arange(frames[0], frames[-1] + 1))
    return frames[0], len(frames)


def test_event_is_at_its_documented_time(plain):
    for i, video in enumerate(plain.data):
        assert heard(video["audio"]) == tuple(plain.event[i])


def test_relevant_audio_leads_and_is_stretched(plain):
    relevant = ~plain.irrelevant_audio
    scene, event = plain.scene[relevant], plain.event[relevant]
    assert set(scene[:, 0] - event[:, 0]) == {3, 4, 5}
    assert (event[:, 0] >= 0).all()
    assert np.abs(event[:, 1] - 1.5 * scene[:, 1]).max() <= 0.5


@pytest.mark.parametrize("stretch", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("lead", [(0, 0), (2, 6)])
def test_lead_and_stretch(lead, stretch):
    bunch = make_crossmodal_videos(
        200, lead=lead, stretch=stretch, irrelevant_audio=0.0, random_state=0, **PLAIN
    )
    leads = bunch.scene[:, 0] - bunch.event[:, 0]
    assert (leads.min(), leads.max()) == lead
    # An event that would outlast the video is cut at its end.
    whole = bunch.event.sum(axis=1) < bunch.data.lengths("audio")
    lengths = stretch * bunch.scene[:, 1]
    assert whole.mean() > 0.5
    assert np.abs(bunch.event[:, 1] - lengths)[whole].max() <= 0.5
    assert (bunch.event[:, 1] - lengths).max() <= 0.5


@pytest.mark.parametrize(("lead", "stretch"), [((0, 0), 1.5), ((0, 0), 3.0), ((3, 5), 6.0)])
def test_event_ends_with_the_video(lead, stretch):
    bunch = make_crossmodal_videos(300, lead=lead, stretch=stretch, random_state=0, **PLAIN)
    for i, video in enumerate(bunch.data):
        assert heard(video["audio"]) == tuple(bunch.event[i])


def test_relevant_event_sounds_like_the_label(plain, sounds):
    for i, path in enumerate(full_labels(plain)):
        if not plain.irrelevant_audio[i]:
            event = plain.data[i]["audio"][plain.event[i, 0]]
            assert recognise(event, sounds) == top_of(path)


def test_audio_hardly_separates_fine_labels(plain):
    """Labels of one top level sound nearly the same, labels of two do not."""
    heard = {}
    for i, path in enumerate(full_labels(plain)):
        if depth_of(path) == FULL_DEPTH and not plain.irrelevant_audio[i]:
            heard[path] = plain.data[i]["audio"][plain.event[i, 0]]
    same, other = [], []
    for a, first in heard.items():
        for b, second in heard.items():
            if a < b:
                distances = same if top_of(a) == top_of(b) else other
                distances.append(np.linalg.norm(first - second))
    assert np.mean(same) < 0.4 * np.mean(other)


def irrelevant_rows(bunch):
    """Rows of videos with a bed of music, and with another soundtrack's event."""
    lengths = bunch.data.lengths("audio")
    bed = bunch.irrelevant_audio & (bunch.event[:, 1] == lengths)
    return np.flatnonzero(bed), np.flatnonzero(bunch.irrelevant_audio & ~bed)


def test_shares_of_irrelevant_audio(plain):
    assert plain.irrelevant_audio.mean() == pytest.approx(0.25, abs=0.04)
    bed, event = irrelevant_rows(plain)
    assert len(bed) / (len(bed) + len(event)) == pytest.approx(0.5 * 7 / 8, abs=0.08)


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("name", ["irrelevant_audio", "static_video", "music_bed"])
def test_shares(name, share):
    others = {"irrelevant_audio": 0.0, "static_video": 0.0}
    if name == "music_bed":
        others["irrelevant_audio"] = 1.0
    bunch = make_crossmodal_videos(400, random_state=0, **{**others, name: share})
    if name == "music_bed":
        bed, _ = irrelevant_rows(bunch)
        measured = len(bed) / 400
        expected = share * np.mean([top_of(path) != "Music" for path in full_labels(bunch)])
    else:
        measured, expected = bunch[name].mean(), share
    assert measured == pytest.approx(expected, abs=0.08 if 0 < share < 1 else 1e-12)


def test_videos_of_music_have_no_background_music():
    bunch = make_crossmodal_videos(
        400, irrelevant_audio=1.0, music_bed=1.0, static_video=0.0, random_state=0
    )
    bed, other = irrelevant_rows(bunch)
    tops = np.array([top_of(path) for path in full_labels(bunch)])
    assert set(tops[bed]) == set(tops) - {"Music"}
    assert set(tops[other]) == {"Music"}


def test_share_of_static_videos_is_of_all_videos():
    bunch = make_crossmodal_videos(
        2000, irrelevant_audio=0.5, static_video=0.4, n_frames=(14, 14), random_state=0
    )
    assert bunch.static_video.mean() == pytest.approx(0.4, abs=0.05)


def test_background_music_covers_the_video_and_sounds_like_music(plain, sounds):
    bed, _ = irrelevant_rows(plain)
    assert len(bed) > 100
    for i in bed:
        audio = plain.data[i]["audio"]
        assert tuple(plain.event[i]) == (0, len(audio))
        assert (audio == audio[0]).all()
        assert recognise(audio[0], sounds) == "Music"


def test_other_soundtrack_is_neither_the_true_label_nor_a_distractor(plain, sounds, looks):
    _, rows = irrelevant_rows(plain)
    assert len(rows) > 100
    for i in rows:
        video = plain.data[i]
        shown = {top_of(label) for *_, label in seen_scenes(video["video"], looks)}
        event = video["audio"][plain.event[i, 0]]
        assert len(shown) == 3
        assert recognise(event, sounds) not in shown


def test_other_soundtrack_begins_at_any_time(plain):
    _, rows = irrelevant_rows(plain)
    leads = plain.scene[rows, 0] - plain.event[rows, 0]
    assert ((leads >= 3) & (leads <= 5)).mean() < 0.4
    assert leads.min() < -5
    assert leads.max() > 8


def test_events_have_a_common_part(plain, sounds):
    """An event is told from a bed of music whatever its label: its sound has one part more."""
    common = np.mean(list(sounds.values()), axis=0)
    bed, other = irrelevant_rows(plain)
    relevant = np.flatnonzero(~plain.irrelevant_audio)
    likeness = {
        kind: [common @ plain.data[i]["audio"][plain.event[i, 0]] for i in rows]
        for kind, rows in (("bed", bed), ("other", other), ("relevant", relevant))
    }
    assert max(likeness["bed"]) < min(likeness["other"])
    assert max(likeness["bed"]) < min(likeness["relevant"])


# Noise ------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.1, 0.8])
def test_noise(noise):
    bunch = make_crossmodal_videos(
        100, video_noise=noise, audio_noise=2 * noise, static_video=0.0, random_state=0
    )
    residuals = defaultdict(list)
    for i, video in enumerate(bunch.data):
        (start, size), (first, length) = bunch.scene[i], bunch.event[i]
        for name, begin, n in (("video", start, size), ("audio", first, length)):
            frames = video[name][begin : begin + n]
            residuals[name] += [*np.diff(frames, axis=0).ravel() / np.sqrt(2)]
    assert np.std(residuals["video"]) == pytest.approx(noise, rel=0.05)
    assert np.std(residuals["audio"]) == pytest.approx(2 * noise, rel=0.05)


def test_size_of_patterns(looks):
    for look in looks.values():
        assert np.sqrt(np.mean(look**2)) == pytest.approx(0.7, abs=0.01)


# Labels -----------------------------------------------------------------------------------


def test_labels():
    bunch = make_crossmodal_videos(3000, random_state=0)
    depths = np.array([depth_of(path) for path in full_labels(bunch)])
    assert set(depths) == {1, 2, 3, 4}
    assert np.mean(depths < 4) == pytest.approx(0.25, abs=0.03)
    tops, counts = np.unique([top_of(path) for path in full_labels(bunch)], return_counts=True)
    assert len(tops) == 8
    assert "Music" in tops
    assert counts.min() > 3000 / 8 * 0.7
    assert bunch.hierarchy.n_levels == 4
    assert len(bunch.hierarchy.nodes) == 8 + 16 + 32 + 64
    y = HierarchyLabelBinarizer(hierarchy=bunch.hierarchy).fit_transform(bunch.target)
    np.testing.assert_array_equal(y.sum(axis=1), depths)


def test_branching():
    bunch = make_crossmodal_videos(20, branching=(10, 1, 3, 1), random_state=0)
    assert np.bincount(bunch.hierarchy.levels).tolist() == [10, 10, 30, 30]
    assert set(full_labels(bunch)) <= set(bunch.hierarchy.nodes)


# What decides the videos ------------------------------------------------------------------


def contents(bunch):
    parts = [bunch.data[i][name].tobytes() for i in range(len(bunch.data)) for name in WIDTHS]
    arrays = [bunch[name].tobytes() for name in ARRAYS]
    return [*parts, *arrays, *full_labels(bunch)]


WIDTHS = {"video": 64, "audio": 32}
ARRAYS = ("irrelevant_audio", "static_video", "scene", "event")


def test_same_random_state_gives_the_same_bytes():
    first = contents(make_crossmodal_videos(20, random_state=3))
    assert first == contents(make_crossmodal_videos(20, random_state=3))
    assert first == contents(make_crossmodal_videos(20, random_state=np.random.RandomState(3)))
    assert first != contents(make_crossmodal_videos(20, random_state=4))


def test_structure_is_shared_by_data_sets_of_one_seed(plain, looks):
    """Labels look the same whatever the random state, and different under another seed."""
    known = {look.tobytes() for look in looks.values()}
    for seed, same in ((0, True), (1, False)):
        other = make_crossmodal_videos(20, random_state=5, structure_seed=seed, **PLAIN)
        for i in range(20):
            frame = other.data[i]["video"][other.scene[i, 0]]
            assert (frame.tobytes() in known) == same


def test_structure_seed_does_not_change_scenes_and_events():
    first, second = (
        make_crossmodal_videos(20, random_state=0, structure_seed=seed) for seed in (0, 1)
    )
    assert first.target == second.target
    for name in ARRAYS:
        np.testing.assert_array_equal(first[name], second[name])


def test_global_random_state_is_unchanged():
    np.random.seed(0)  # noqa: NPY002 - the state that must not change
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the same
    make_crossmodal_videos(5, random_state=0)
    make_crossmodal_videos(5, random_state=np.random.RandomState(1))
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002 - the same


def test_form_of_the_result():
    bunch = make_crossmodal_videos(7, n_features={"audio": 5}, n_frames=(15, 15), random_state=0)
    assert bunch.data.modality_names == ("video", "audio")
    assert bunch.data.n_features == {"video": 64, "audio": 5}
    assert bunch.data[0]["video"].dtype == np.float32
    assert bunch.data.lengths("video").tolist() == bunch.data.lengths("audio").tolist() == [15] * 7
    assert [len(paths) for paths in bunch.target] == [1] * 7
    for name in ARRAYS:
        assert len(bunch[name]) == 7
    assert bunch.scene.shape == bunch.event.shape == (7, 2)


def test_lengths_of_videos():
    lengths = make_crossmodal_videos(300, n_frames=(14, 17), random_state=0).data.lengths("video")
    assert set(lengths) == {14, 15, 16, 17}


def test_scenes_fill_the_shortest_video():
    bunch = make_crossmodal_videos(
        20, n_frames=(10, 10), scene_frames=(3, 3), lead=(1, 1), random_state=0
    )
    assert (bunch.scene[:, 0] >= 1).all()
    assert (bunch.scene.sum(axis=1) <= 10).all()


# Bad parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_videos", 0),
        ("n_videos", 2.5),
        ("n_videos", "many"),
        ("branching", (8, 2, 2)),
        ("branching", (8, 2, 2, 0)),
        ("branching", (8, 2, 2, 1.5)),
        ("branching", 8),
        ("branching", None),
        ("n_frames", 20),
        ("n_frames", (20, 16)),
        ("n_frames", (16.0, 20.0)),
        ("n_frames", (0, 20)),
        ("n_frames", (16, 18, 20)),
        ("n_distractors", -1),
        ("n_distractors", 1.0),
        ("scene_frames", (0, 2)),
        ("scene_frames", (3, 2)),
        ("scene_frames", 2),
        ("lead", (-1, 2)),
        ("lead", (5, 3)),
        ("lead", 3),
        ("stretch", -0.1),
        ("stretch", np.inf),
        ("stretch", np.nan),
        ("stretch", "long"),
        ("irrelevant_audio", -0.1),
        ("irrelevant_audio", 1.1),
        ("irrelevant_audio", np.nan),
        ("irrelevant_audio", None),
        ("music_bed", 2),
        ("static_video", "some"),
        ("audio_detail", -1),
        ("video_noise", -1),
        ("video_noise", np.nan),
        ("audio_noise", None),
        ("n_features", {"text": 5}),
        ("n_features", {"video": 0}),
        ("n_features", {"video": -1}),
        ("n_features", {"audio": 2.5}),
        ("n_features", 64),
    ],
)
def test_invalid_parameter_raises_an_error_with_its_name(name, value):
    with pytest.raises(ValueError, match=rf"^{name} (must|names)"):
        make_crossmodal_videos(**{"n_videos": 3, "random_state": 0, name: value})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"branching": (3, 2, 2, 2)}, "2 distractors need 4 top-level labels, branching has 3"),
        ({"n_distractors": 7, "n_frames": (40, 40)}, "7 distractors need 9 top-level labels"),
        ({"scene_frames": (2, 9)}, "Scenes and lead need 32 frames, the shortest has 16"),
        ({"lead": (3, 12)}, "Scenes and lead need 21 frames"),
        ({"n_frames": (13, 20)}, "need 14 frames, the shortest has 13"),
    ],
)
def test_parameters_that_do_not_fit_each_other_raise_an_error(params, message):
    with pytest.raises(ValueError, match=message):
        make_crossmodal_videos(3, **params)
