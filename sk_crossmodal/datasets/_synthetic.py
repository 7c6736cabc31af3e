"""Made-up frame-level videos in which sound tells when to look."""

from collections.abc import Sequence
from itertools import product
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from .._types import Array
from ..hierarchy import LabelHierarchy
from ..multimodal import MultimodalArray

TOP_LABELS = ("Music", "Sports", "Transport", "Food", "Animal", "Games", "Travel", "Movie")
WIDTHS = {"video": 64, "audio": 32}


def make_crossmodal_videos(
    n_videos: int = 1000,
    *,
    branching: Sequence[int] = (8, 2, 2, 2),
    n_frames: tuple[int, int] = (16, 22),
    n_distractors: int = 2,
    scene_frames: tuple[int, int] = (2, 3),
    lead: tuple[int, int] = (3, 5),
    stretch: float = 1.5,
    irrelevant_audio: float = 0.25,
    music_bed: float = 0.5,
    static_video: float = 0.05,
    audio_detail: float = 0.1,
    video_noise: float = 0.3,
    audio_noise: float = 0.3,
    n_features: dict[str, int] | None = None,
    structure_seed: int = 0,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Generate frame-level videos whose audio leads, stretched in time, what is to be seen.

    Each video shows one short true scene and several distractor scenes which look just like true
    scenes of other top-level labels. Its audio has one event which sounds like the true label,
    begins a few frames before the true scene and lasts longer. So video alone cannot tell which
    scene counts, and audio alone tells little about fine labels; both together do, once the
    audio's attention is shifted and compressed in time (Section 2 of [1]_). In some videos the
    audio is irrelevant (Section 3 of [1]_): a bed of music, or the event of another label.

    Parameters
    ----------
    n_videos : int, default=1000
        Number of videos.
    branching : sequence of 4 ints, default=(8, 2, 2, 2)
        Number of top-level labels, the first of which is "Music", and of children of each label
        at the three levels below.
    n_frames : (int, int), default=(16, 22)
        Fewest and most frames of a video, the same in both modalities, one a second.
    n_distractors : int, default=2
        Distractor scenes a video, each of another top-level label.
    scene_frames : (int, int), default=(2, 3)
        Length of the shortest and the longest scene, in frames.
    lead : (int, int), default=(3, 5)
        Least and most frames by which the audio event begins before the true scene.
    stretch : float, default=1.5
        Length of the audio event over the length of the true scene; the event ends with the
        video at the latest.
    irrelevant_audio : float, default=0.25
        Share of videos with irrelevant audio.
    music_bed : float, default=0.5
        Share among these whose audio is a bed of music from beginning to end, which sounds like
        a label below "Music". The others have, at a random time, the event of a top-level label
        that neither their true nor their distractor scenes have; so have all irrelevant ones
        whose own label is below "Music", where a bed of music would not be irrelevant.
    static_video : float, default=0.05
        Share of videos that are one still picture, which tells nothing of the label. Their audio
        is relevant, so this and `irrelevant_audio` add up to 1 at most.
    audio_detail : float, default=0.1
        Weight of each of the three lower levels in how a label sounds; that of the top level
        is 1.
    video_noise, audio_noise : float, default=0.3
        Standard deviation of the noise in each number of a frame; the pattern of a label has a
        root mean square of 0.7.
    n_features : dict of str to int, default=None
        Widths of the frames, None is 64 for "video" and 32 for "audio".
    structure_seed : int, default=0
        Decides what labels look and sound like: the same in data sets that belong together.
    random_state : int, RandomState or None, default=None
        Decides the videos.

    Returns
    -------
    Bunch
        ``data`` (`MultimodalArray`, float32, modalities "video" and "audio"); ``target`` (for
        each video a list of one label path like ``"Sports:1:2:1"``, which in one of four videos
        ends above the fourth level); ``hierarchy`` (`LabelHierarchy` of all labels); and per
        video ``irrelevant_audio`` and ``static_video`` (bool), ``scene`` and ``event`` ((n, 2)
        ints: first frame and length of the true scene and of the audio event, which for a bed of
        music is the whole video).

    Raises
    ------
    ValueError
        If a parameter is out of its range, or scenes do not fit into the shortest video.

    References
    ----------
    .. [1] Goyal, Sahu, Ghosh, Lee, "Cross-modal Learning for Multi-modal Video Categorization",
       2020.

    Examples
    --------
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> videos = make_crossmodal_videos(2, random_state=0)
    >>> videos.target
    [['Games:2:2:2'], ['Games:2:2:1']]
    >>> videos.data.n_features
    {'video': 64, 'audio': 32}
    """
    params = dict(locals())
    _check(params)
    rng = check_random_state(random_state)
    world = _World(branching, {**WIDTHS, **(n_features or {})}, audio_detail, structure_seed)
    videos = [_make_video(rng, world, params) for _ in range(n_videos)]
    lengths = [len(video["video"]) for video in videos]
    frames = {
        name: np.concatenate([video[name] for video in videos]).astype(np.float32)
        for name in world.widths
    }
    return Bunch(
        data=MultimodalArray.from_frames(frames, dict.fromkeys(frames, np.array(lengths))),
        target=[[video["path"]] for video in videos],
        hierarchy=LabelHierarchy.from_paths([world.path(leaf, 4) for leaf in world.leaves]),
        **{
            name: np.array([video[name] for video in videos])
            for name in ("irrelevant_audio", "static_video", "scene", "event")
        },
    )


class _World:
    """What labels are called, look like and sound like."""

    def __init__(
        self, branching: Sequence[int], widths: dict[str, int], audio_detail: float, seed: int
    ) -> None:
        rng = np.random.RandomState(seed)
        self.widths = widths
        self.leaves = list(product(*(range(count) for count in branching)))
        self.top = np.array([leaf[0] for leaf in self.leaves])
        looks, sounds = (1.0, 0.8, 0.7, 0.6), (1.0,) + 3 * (audio_detail,)
        self.patterns = {
            "video": self._patterns(rng, widths["video"], looks),
            "audio": self._patterns(rng, widths["audio"], sounds),
        }
        # Every event, of whatever label, has this in common: something is to be heard.
        self.event = _normalised(rng.standard_normal(widths["audio"]))

    def _patterns(self, rng: np.random.RandomState, width: int, weights: Sequence[float]) -> Array:
        nodes: dict[tuple[int, ...], Array] = {}
        for leaf in self.leaves:
            for depth in range(1, 5):
                if leaf[:depth] not in nodes:
                    nodes[leaf[:depth]] = _normalised(rng.standard_normal(width))
        return np.array(
            [
                _normalised(sum(w * nodes[leaf[: k + 1]] for k, w in enumerate(weights)))
                for leaf in self.leaves
            ]
        )

    def path(self, leaf: tuple[int, ...], depth: int) -> str:
        """Label of a leaf's ancestor as a path."""
        top = leaf[0]
        name = TOP_LABELS[top] if top < len(TOP_LABELS) else f"Label {top + 1}"
        return ":".join([name, *(str(child + 1) for child in leaf[1:depth])])

    def draw(self, rng: np.random.RandomState, top: int) -> int:
        """Draw a leaf below a top-level label, as an index."""
        return int(rng.choice(np.flatnonzero(self.top == top)))


def _normalised(vector: Any) -> Array:
    scaled: Array = vector * np.sqrt(len(vector) / 2) / np.linalg.norm(vector)
    return scaled


def _make_video(
    rng: np.random.RandomState, world: _World, params: dict[str, Any]
) -> dict[str, Any]:
    length = rng.randint(params["n_frames"][0], params["n_frames"][1] + 1)
    leaf = rng.randint(len(world.leaves))
    depth = 4 if rng.uniform() < 0.75 else rng.randint(1, 4)
    others = rng.permutation(np.setdiff1d(world.top, world.top[leaf]))
    distractors = [world.draw(rng, top) for top in others[: params["n_distractors"]]]
    lead = rng.randint(params["lead"][0], params["lead"][1] + 1)
    scenes = _place_scenes(rng, length, 1 + len(distractors), lead, params["scene_frames"])
    frames = {
        name: rng.standard_normal((length, world.widths[name])) * params[f"{name}_noise"]
        for name in ("video", "audio")
    }
    for (start, size), shown in zip(scenes, [leaf, *distractors], strict=True):
        frames["video"][start : start + size] += world.patterns["video"][shown]
    irrelevant = rng.uniform() < params["irrelevant_audio"]
    static = not irrelevant and rng.uniform() < _static_share(params)
    if static:
        _make_static(rng, frames["video"])
    begin = scenes[0][0] - lead
    event = (begin, min(round(params["stretch"] * scenes[0][1]), length - begin))
    event = _add_sound(rng, world, frames["audio"], leaf, event, irrelevant, others[-1], params)
    return {
        **frames,
        "path": world.path(world.leaves[leaf], depth),
        "irrelevant_audio": irrelevant,
        "static_video": static,
        "scene": scenes[0],
        "event": event,
    }


def _static_share(params: dict[str, Any]) -> float:
    """Probability of a still picture among videos with relevant audio."""
    return float(params["static_video"] / max(1 - params["irrelevant_audio"], 1e-12))


def _place_scenes(
    rng: np.random.RandomState, length: int, count: int, lead: int, scene_frames: tuple[int, int]
) -> list[tuple[int, int]]:
    """Start and size of each scene, none overlapping, the first at `lead` or later."""
    sizes = rng.randint(scene_frames[0], scene_frames[1] + 1, size=count)
    order = rng.permutation(count)
    # The lead must find room before scene 0: what the scenes before it do not fill is kept free.
    place = int(np.flatnonzero(order == 0)[0])
    reserved = max(0, lead - sizes[order[:place]].sum())
    free = length - sizes.sum() - reserved
    gaps = rng.multinomial(free, np.full(count + 1, 1 / (count + 1)))[:count]
    gaps[rng.randint(place + 1)] += reserved
    starts = np.empty(count, dtype=int)
    starts[order] = np.cumsum(gaps) + np.cumsum(sizes[order]) - sizes[order]
    return list(zip(starts.tolist(), sizes.tolist(), strict=True))


def _make_static(rng: np.random.RandomState, video: Array) -> None:
    """Show one still picture: all frames are one, but for a little noise of the camera."""
    picture = _normalised(rng.standard_normal(video.shape[1]))
    video[:] = picture + 0.1 * rng.standard_normal(video.shape)


def _add_sound(
    rng: np.random.RandomState,
    world: _World,
    audio: Array,
    leaf: int,
    event: tuple[int, int],
    irrelevant: bool,
    other_top: int,
    params: dict[str, Any],
) -> tuple[int, int]:
    """Add the event, or what irrelevant audio has in its place; return its start and length."""
    start, size = event
    if irrelevant:
        if rng.uniform() < params["music_bed"] and world.top[leaf] != 0:
            audio += world.patterns["audio"][world.draw(rng, 0)]
            return 0, len(audio)
        leaf, start = world.draw(rng, other_top), rng.randint(0, len(audio) - size + 1)
    audio[start : start + size] += world.patterns["audio"][leaf] + world.event
    return start, size


def _check(params: dict[str, Any]) -> None:
    shares = ("irrelevant_audio", "music_bed", "static_video")
    for name, low in (("n_videos", 1), ("n_distractors", 0)):
        if not _is_whole(params[name], low):
            raise ValueError(f"{name} must be an integer >= {low}, got {params[name]!r}.")
    for name in shares:
        if not _is_real(params[name]) or not 0 <= params[name] <= 1:
            raise ValueError(f"{name} must be between 0 and 1, got {params[name]!r}.")
    for name in ("stretch", "audio_detail", "video_noise", "audio_noise"):
        if not _is_real(params[name]) or not 0 <= params[name] < np.inf:
            raise ValueError(f"{name} must be a number of at least 0, got {params[name]!r}.")
    for name, low in (("n_frames", 1), ("scene_frames", 1), ("lead", 0)):
        _check_range(name, params[name], low)
    if params["irrelevant_audio"] + params["static_video"] > 1:
        raise ValueError(
            "irrelevant_audio and static_video must add up to 1 at most, got "
            f"{params['irrelevant_audio']} and {params['static_video']}."
        )
    _check_seeds(params["structure_seed"], params["random_state"])
    _check_widths(params["n_features"])
    _check_room(params)


def _is_whole(value: Any, low: int) -> bool:
    """Whether something is an integer, and no bool, of at least `low`."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= low


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _check_seeds(structure_seed: Any, random_state: Any) -> None:
    seeds = "an integer from 0 to 2**32 - 1"
    if not _is_whole(structure_seed, 0) or structure_seed >= 2**32:
        raise ValueError(f"structure_seed must be {seeds}, got {structure_seed!r}.")
    if random_state is None or random_state is np.random:
        return
    whole = _is_whole(random_state, 0) and random_state < 2**32
    if not whole and not isinstance(random_state, np.random.RandomState):
        raise ValueError(
            f"random_state must be {seeds}, a RandomState or None, got {random_state!r}."
        )


def _check_widths(n_features: Any) -> None:
    if n_features is None:
        return
    fine = isinstance(n_features, dict) and all(
        name in WIDTHS and _is_whole(width, 1) for name, width in n_features.items()
    )
    if not fine:
        raise ValueError(
            f"n_features must map {list(WIDTHS)} to integers of at least 1, got {n_features!r}."
        )


def _check_range(name: str, value: Any, low: int) -> None:
    try:
        first, last = value
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a pair (least, most), got {value!r}.") from None
    if not _is_whole(first, low) or not _is_whole(last, first):
        raise ValueError(f"{name} must be integers with {low} <= least <= most, got {value!r}.")


def _check_room(params: dict[str, Any]) -> None:
    branching, distractors = params["branching"], params["n_distractors"]
    whole = isinstance(branching, list | tuple) and all(_is_whole(b, 1) for b in branching)
    if not whole or len(branching) != 4:
        raise ValueError(f"branching must be 4 integers of at least 1, got {branching!r}.")
    if branching[0] < distractors + 2:
        raise ValueError(
            f"{distractors} distractors and a soundtrack of another label need at least "
            f"{distractors + 2} top-level labels, branching has {branching[0]}."
        )
    needed = (distractors + 1) * params["scene_frames"][1] + params["lead"][1]
    if needed > params["n_frames"][0]:
        raise ValueError(
            f"{distractors + 1} scenes of up to {params['scene_frames'][1]} frames and a lead of "
            f"up to {params['lead'][1]} need {needed} frames, the shortest video has "
            f"{params['n_frames'][0]}."
        )
