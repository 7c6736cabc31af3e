"""How the model learned, where it looks, and what one modality does to another."""

from typing import Any

from .._types import Floats
from ..inspection import AttentionDisplay, ErrorExamples, InfluenceDisplay, TrainingCurveDisplay
from ._draw import drawing, new_figure, picture
from ._page import Section, heading, paragraph
from ._subject import Subject

N_VIDEOS = 4  # whose attention is drawn
N_ANSWERED = 64  # videos whose attention the influence is tried on


def learning_section(subject: Subject) -> Section:
    """Learning curves of the classifier and of its tower."""
    tower = getattr(subject.classifier, "correlation_tower_", None)
    parts = []
    for name, part in (("classifier", subject.classifier), ("correlation tower", tower)):
        if part is None:
            continue
        if getattr(part, "history_", None):
            parts.append(_draw_history(part, name))
        else:
            parts.append(paragraph(f"The {name} keeps no history of its training.", "note"))
    return Section("learning", "Learning", parts)


def _draw_history(part: Any, name: str) -> str:
    with drawing():
        figure = new_figure(7.0, 3.4)
        TrainingCurveDisplay.from_estimator(part, ax=figure.subplots())
        return picture(
            figure,
            f"Learning curve of the {name}",
            f"Loss of the {name} after each epoch. A curve that still falls at the end says that "
            "more epochs may help; one of videos held out that rises says that fewer would.",
        )


def attention_section(subject: Subject, examples: ErrorExamples | None) -> Section:
    """Attention of a few videos, and the influence."""
    title = "Attention and influence"
    if not hasattr(subject.classifier, "attention_weights"):
        words = f"{type(subject.classifier).__name__} has no attention to show."
        return Section("attention", title, [paragraph(words, "note")])
    parts = [heading("Attention"), *_attention(subject, examples), heading("Influence")]
    return Section("attention", title, [*parts, _influence(subject)])


def _attention(subject: Subject, examples: ErrorExamples | None) -> list[str]:
    moments = subject.X.timeline_lengths()
    chosen = {int(row): "" for row in subject.draw(N_VIDEOS // 2)}
    if examples is not None:
        best, worst = (each[: N_VIDEOS // 2] for each in (examples.best, examples.worst))
        chosen = {e.row: ", a best example" for e in best}
        chosen = {e.row: ", a worst example" for e in worst} | chosen
    rows = [row for row in chosen if moments[row] > 1]
    if not rows:
        words = "The videos have one frame each, so there is no time to attend to."
        return [paragraph(words, "note")]
    attention = subject.classifier.attention_weights(subject.inner(rows))
    return [
        _draw_attention(
            {name: (a.before[i], a.after[i]) for name, a in attention.items()},
            int(moments[row]),
            subject.ids[row] + chosen[row],
        )
        for i, row in enumerate(rows)
    ]


def _draw_attention(pairs: dict[str, tuple[Floats, Floats]], moments: int, what: str) -> str:
    before, after = ({n: p[i][:moments] for n, p in pairs.items()} for i in (0, 1))
    with drawing():
        figure = new_figure(7.0, 0.8 + 1.6 * len(pairs))
        axes = figure.subplots(len(pairs), sharex=True, squeeze=False)[:, 0]
        AttentionDisplay(before, after).plot(axes=axes)
        axes[-1].set_xlabel("frame")  # how long one lasts the model does not know
        axes[-1].xaxis.get_major_locator().set_params(integer=True)
        return picture(
            figure,
            f"Attention over time: {what}",
            f"{what}. How much each frame is attended to: where the two lines part, another "
            "modality has moved the attention.",
        )


def _influence(subject: Subject) -> str:
    """What F learned, or why there is nothing to draw."""
    if not hasattr(subject.classifier, "influence_response"):
        words = f"{type(subject.classifier).__name__} has no influence to show."
        return paragraph(words, "note")
    if subject.X.timeline_lengths().max() < 2:
        return paragraph("The videos have one frame each, so nothing can be shifted.", "note")
    try:
        responses = subject.classifier.influence_response(subject.inner(subject.draw(N_ANSWERED)))
    except ValueError as error:  # a fusion without influence, or videos of one modality each
        return paragraph(f"None is shown. {error}", "note")
    n_columns = min(2, len(responses))
    n_rows = -(-len(responses) // n_columns)
    with drawing():
        figure = new_figure(4.7 * n_columns, 4.6 * n_rows)
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for empty in axes[len(responses) :]:
            empty.remove()
        InfluenceDisplay(responses).plot(axes=axes[: len(responses)])
        _count_frames(axes[: len(responses)])
        return picture(
            figure,
            "Influence of each modality on each other one, moment by moment",
            "What a little more attention to one modality at a moment (across) adds to the "
            "attention to another at every moment (upwards). A line beside the dotted diagonal "
            "is a shift in time; no line means that none is clear.",
        )


def _count_frames(axes: Any) -> None:
    """How long a frame lasts the model does not know."""
    for ax in axes:
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_label_text(axis.get_label_text().replace("in seconds", "frame"))
