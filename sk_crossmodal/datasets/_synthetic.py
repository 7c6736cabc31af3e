"""Synthetic frame-level videos whose audio shows which scene of the video counts."""

from collections.abc import Sequence
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from .._types import Array
from ..hierarchy import LabelHierarchy
from ..multimodal import MultimodalArray
from ..validation import SHARE, Constraint, check_params, number, short

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
    """Generate frame-level videos whose audio event begins before the true scene and lasts longer.

    Each video shows one short true scene and several distractor scenes, which look like true
    scenes of other top-level labels. Its audio has one event, which sounds like the true label,
    begins a few frames before the true scene and lasts longer. The video does not show which
    scene is the true one, and the audio shows little of the fine labels. Both together show
    the label, if the attention of the audio is shifted and compressed in time (Section 2 of
    [1]_). In some videos the audio is irrelevant (Section 3 of [1]_): background music, or the
    event of another label.

    Parameters
    ----------
    n_videos : int, default=1000
        Number of videos.
    branching : sequence of 4 ints, default=(8, 2, 2, 2)
        Number of top-level labels, of which the first is "Music", and number of children of each
        label at the three levels below.
    n_frames : (int, int), default=(16, 22)
        Minimum and maximum number of frames of a video, one per second; both modalities have the
        same number.
    n_distractors : int, default=2
        Number of distractor scenes per video, each of another top-level label.
    scene_frames : (int, int), default=(2, 3)
        Minimum and maximum length of a scene, in frames.
    lead : (int, int), default=(3, 5)
        Minimum and maximum number of frames by which the audio event begins before the true scene.
    stretch : float, default=1.5
        Length of the audio event divided by the length of the true scene; the event ends with
        the video at the latest.
    irrelevant_audio : float, default=0.25
        Share of videos with irrelevant audio.
    music_bed : float, default=0.5
        Share of the videos with irrelevant audio that have background music from beginning to
        end, which sounds like a label below "Music". The others have, at a random time, the
        event of a top-level label that none of their scenes has. Videos whose own label is below
        "Music" never have background music as irrelevant audio.
    static_video : float, default=0.05
        Share of videos that show one still image, which is independent of the label. Their audio
        is relevant, so this and `irrelevant_audio` add up to at most 1.
    audio_detail : float, default=0.1
        Weight of each of the three lower levels in the sound of a label; the weight of the top
        level is 1.
    video_noise, audio_noise : float, default=0.3
        Standard deviation of the noise in each number of a frame; the root mean square of the
        pattern of a label is 0.7.
    n_features : dict of str to int, default=None
        Widths of the frames; None means 64 for "video" and 32 for "audio".
    structure_seed : int, default=0
        Random seed of the patterns of the labels. Use the same in training and test sets.
    random_state : int, RandomState or None, default=None
        Random seed of the videos.

    Returns
    -------
    Bunch
        ``data`` (`MultimodalArray`, float32, modalities "video" and "audio"); ``target`` (for
        each video a list of one label path like ``"Sports:1:2:1"``, which for a quarter of the
        videos ends above the fourth level); ``hierarchy`` (`LabelHierarchy` of all labels); and
        per video ``irrelevant_audio`` and ``static_video`` (bool), ``scene`` and ``event`` ((n, 2)
        ints: first frame and length of the true scene and of the audio event; background music is
        an event of the whole video).

    Raises
    ------
    ValueError
        If a parameter is invalid, or if the scenes do not fit into the shortest video.

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
    labels = _Labels(branching, {**WIDTHS, **(n_features or {})}, audio_detail, structure_seed)
    videos = [_make_video(rng, labels, params) for _ in range(n_videos)]
    lengths = [len(video["video"]) for video in videos]
    frames = {
        name: np.concatenate([video[name] for video in videos]).astype(np.float32)
        for name in labels.widths
    }
    return Bunch(
        data=MultimodalArray.from_frames(frames, dict.fromkeys(frames, np.array(lengths))),
        target=[[video["path"]] for video in videos],
        hierarchy=LabelHierarchy.from_paths([labels.path(leaf, 4) for leaf in labels.leaves]),
        **{
            name: np.array([video[name] for video in videos])
            for name in ("irrelevant_audio", "static_video", "scene", "event")
        },
    )


class _Labels:
    """Names of the labels, and their patterns in video and audio."""

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
        # A common part of the events of all labels, so that events differ from background music.
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
    rng: np.random.RandomState, labels: _Labels, params: dict[str, Any]
) -> dict[str, Any]:
    length = rng.randint(params["n_frames"][0], params["n_frames"][1] + 1)
    leaf = rng.randint(len(labels.leaves))
    depth = 4 if rng.uniform() < 0.75 else rng.randint(1, 4)
    others = rng.permutation(np.setdiff1d(labels.top, labels.top[leaf]))
    distractors = [labels.draw(rng, top) for top in others[: params["n_distractors"]]]
    lead = rng.randint(params["lead"][0], params["lead"][1] + 1)
    scenes = _place_scenes(rng, length, 1 + len(distractors), lead, params["scene_frames"])
    frames = {
        name: rng.standard_normal((length, labels.widths[name])) * params[f"{name}_noise"]
        for name in ("video", "audio")
    }
    for (start, size), shown in zip(scenes, [leaf, *distractors], strict=True):
        frames["video"][start : start + size] += labels.patterns["video"][shown]
    irrelevant = rng.uniform() < params["irrelevant_audio"]
    share = params["static_video"] / max(1 - params["irrelevant_audio"], 1e-12)
    static = not irrelevant and rng.uniform() < share
    if static:  # one image, with a little camera noise in each frame
        video = frames["video"]
        image = _normalised(rng.standard_normal(video.shape[1]))
        video[:] = image + 0.1 * rng.standard_normal(video.shape)
    begin = scenes[0][0] - lead
    event = (begin, min(round(params["stretch"] * scenes[0][1]), length - begin))
    event = _add_sound(rng, labels, frames["audio"], leaf, event, irrelevant, others[-1], params)
    return {
        **frames,
        "path": labels.path(labels.leaves[leaf], depth),
        "irrelevant_audio": irrelevant,
        "static_video": static,
        "scene": scenes[0],
        "event": event,
    }


def _place_scenes(
    rng: np.random.RandomState, length: int, count: int, lead: int, scene_frames: tuple[int, int]
) -> list[tuple[int, int]]:
    """Start and size of each scene, none overlapping, the first at `lead` or later."""
    sizes = rng.randint(scene_frames[0], scene_frames[1] + 1, size=count)
    order = rng.permutation(count)
    # Scene 0 needs `lead` frames before it: those that other scenes do not fill stay free.
    position = int(np.flatnonzero(order == 0)[0])
    reserved = max(0, lead - sizes[order[:position]].sum())
    free = length - sizes.sum() - reserved
    gaps = rng.multinomial(free, np.full(count + 1, 1 / (count + 1)))[:count]
    gaps[rng.randint(position + 1)] += reserved
    starts = np.empty(count, dtype=int)
    starts[order] = np.cumsum(gaps) + np.cumsum(sizes[order]) - sizes[order]
    return list(zip(starts.tolist(), sizes.tolist(), strict=True))


def _add_sound(
    rng: np.random.RandomState,
    labels: _Labels,
    audio: Array,
    leaf: int,
    event: tuple[int, int],
    irrelevant: bool,
    other_top: int,
    params: dict[str, Any],
) -> tuple[int, int]:
    """Add the event or the irrelevant audio; return its start and length."""
    start, size = event
    if irrelevant:
        if rng.uniform() < params["music_bed"] and labels.top[leaf] != 0:
            audio += labels.patterns["audio"][labels.draw(rng, 0)]
            return 0, len(audio)
        leaf, start = labels.draw(rng, other_top), rng.randint(0, len(audio) - size + 1)
    audio[start : start + size] += labels.patterns["audio"][leaf] + labels.event
    return start, size


def _check(params: dict[str, Any]) -> None:
    try:
        check_params(params, _CONSTRAINTS)
    except TypeError as error:  # this function raises ValueError for wrong types, too
        raise ValueError(str(error)) from None
    if params["irrelevant_audio"] + params["static_video"] > 1:
        given = f"{params['irrelevant_audio']} and {params['static_video']}"
        raise ValueError(f"irrelevant_audio + static_video must be at most 1, got {given}.")
    n_tops, n = params["branching"][0], params["n_distractors"]
    if n_tops < n + 2:
        raise ValueError(f"{n} distractors need {n + 2} top-level labels, branching has {n_tops}.")
    needed = (n + 1) * params["scene_frames"][1] + params["lead"][1]
    if needed > (shortest := params["n_frames"][0]):
        raise ValueError(f"Scenes and lead need {needed} frames, the shortest has {shortest}.")


def _is_integer(value: Any, low: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= low


def _range(low: int) -> Constraint:
    """Accept a pair of integers (min, max) with low <= min <= max."""

    def check(name: str, value: Any) -> None:
        pair = tuple(value) if hasattr(value, "__iter__") else ()
        if len(pair) != 2 or not _is_integer(pair[0], low) or not _is_integer(pair[1], pair[0]):
            wanted = f"integers (min, max) with {low} <= min <= max"
            raise ValueError(f"{name} must be two {wanted}, got {short(value)}.")

    return check


def _check_branching(name: str, value: Any) -> None:
    whole = isinstance(value, list | tuple) and all(_is_integer(each, 1) for each in value)
    if not whole or len(value) != 4:
        raise ValueError(f"{name} must be 4 integers of at least 1, got {short(value)}.")


def _check_widths(name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, dict) or not all(
        modality in WIDTHS and _is_integer(width, 1) for modality, width in value.items()
    ):
        wanted = f"None or a dict of {list(WIDTHS)} to integers of at least 1"
        raise ValueError(f"{name} must be {wanted}, got {short(value)}.")


def _check_seed(name: str, value: Any) -> None:
    if not (value is None or value is np.random or isinstance(value, np.random.RandomState)):
        _SEED(name, value)


_SEED = number(0, 2**32 - 1, integer=True)
_CONSTRAINTS: dict[str, Constraint] = {
    "n_videos": number(1, integer=True),
    "n_distractors": number(0, integer=True),
    **dict.fromkeys(("irrelevant_audio", "music_bed", "static_video"), SHARE),
    **dict.fromkeys(("stretch", "audio_detail", "video_noise", "audio_noise"), number(0)),
    **dict.fromkeys(("n_frames", "scene_frames"), _range(1)),
    "lead": _range(0),
    "branching": _check_branching,
    "n_features": _check_widths,
    "structure_seed": _SEED,
    "random_state": _check_seed,
}
