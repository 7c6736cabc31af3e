"""The sections about the training, and about attention and influence."""

from typing import Any

import numpy as np

from ..inspection import (
    AttentionDisplay,
    ErrorExamples,
    InfluenceDisplay,
    TrainingCurveDisplay,
    make_axes,
)
from ._figures import drawing, figure_html, new_figure
from ._inputs import ReportInputs
from ._page import Section, heading, note

N_VIDEOS = 4  # whose attention is drawn
N_INFLUENCED = 64  # videos at whose attention the influence is computed


def learning_section(inputs: ReportInputs) -> Section:
    """Training curves of the classifier and of its tower."""
    tower = getattr(inputs.classifier, "correlation_tower_", None)
    parts = []
    for name, part in (("classifier", inputs.classifier), ("correlation tower", tower)):
        if getattr(part, "history_", None):
            parts.append(_draw_history(part, name))
        elif part is not None:
            parts.append(note(f"The {name} keeps no history of its training."))
    return Section("learning", "Training", parts)


def _draw_history(part: Any, name: str) -> str:
    with drawing():
        figure = new_figure(7.0, 3.4)
        TrainingCurveDisplay.from_estimator(part, ax=figure.subplots())
        return figure_html(
            figure,
            f"Training curve of the {name}",
            f"Loss of the {name} after each epoch. If the curves still fall at the end, more "
            "epochs may help; if the validation loss rises, fewer would.",
        )


def attention_section(inputs: ReportInputs, examples: ErrorExamples | None) -> Section:
    """Attention of a few videos, the best and the worst examples, and the influence."""
    if not hasattr(inputs.classifier, "attention_weights"):
        parts = [note(f"{type(inputs.classifier).__name__} has no attention to show.")]
    else:
        attention = _draw_attention(inputs, examples)
        parts = [heading("Attention"), *attention, heading("Influence"), _draw_influence(inputs)]
    return Section("attention", "Attention and influence", parts)


def _draw_attention(inputs: ReportInputs, examples: ErrorExamples | None) -> list[str]:
    n_steps = inputs.X.timeline_lengths()
    chosen = {int(row): "" for row in inputs.sample(N_VIDEOS // 2)}
    if examples is not None:
        best, worst = (each[: N_VIDEOS // 2] for each in (examples.best, examples.worst))
        chosen = {e.row: ", a best example" for e in best}
        chosen = {e.row: ", a worst example" for e in worst} | chosen
    rows = [row for row in chosen if n_steps[row] > 1]
    if not rows:
        return [note("The videos have one frame each, so there is no attention over time.")]
    attention = inputs.classifier.attention_weights(inputs.transformed(rows))
    figures = []
    for i, row in enumerate(rows):
        before, after = (
            {name: getattr(pair, when)[i][: n_steps[row]] for name, pair in attention.items()}
            for when in ("before", "after")
        )
        name = inputs.ids[row] + chosen[row]
        with drawing():
            figure = new_figure(7.0, 0.8 + 1.6 * len(before))
            axes = make_axes(figure, len(before), sharex=True)
            AttentionDisplay(before, after).plot(axes=list(axes))
            # The duration of a frame may not be known.
            axes[-1].set_xlabel("frame" if n_steps[row] <= _max_steps(inputs) else "time step")
            axes[-1].xaxis.get_major_locator().set_params(integer=True)
            caption = (
                f"{name}. Attention to each frame: where the two lines differ, another modality "
                "has changed the attention."
            )
            figures.append(figure_html(figure, f"Attention over time: {name}", caption))
    return figures


def _max_steps(inputs: ReportInputs) -> float:
    """Return the number of time steps from which steps are windows of several frames."""
    return float(getattr(inputs.classifier, "max_frames", np.inf))


def _draw_influence(inputs: ReportInputs) -> str:
    """Draw the responses of F, or say why there are none."""
    if not hasattr(inputs.classifier, "influence_response"):
        return note(f"{type(inputs.classifier).__name__} has no influence to show.")
    if inputs.X.timeline_lengths().max() < 2:
        return note("The videos have one frame each, so nothing can be shifted.")
    videos = inputs.transformed(inputs.sample(N_INFLUENCED))
    try:
        responses = inputs.classifier.influence_response(videos)
    except ValueError as error:  # a fusion without influence, or videos of one modality each
        return note(f"None is shown. {error}")
    n_columns = min(2, len(responses))
    unit = "frame" if inputs.X.timeline_lengths().max() <= _max_steps(inputs) else "time step"
    with drawing():
        figure = new_figure(4.7 * n_columns, 4.6 * -(-len(responses) // n_columns))
        axes = make_axes(figure, len(responses), n_columns)
        InfluenceDisplay(responses).plot(axes=list(axes))
        for axis in (axis for ax in axes for axis in (ax.xaxis, ax.yaxis)):
            axis.set_label_text(axis.get_label_text().replace("in seconds", unit))
        return figure_html(
            figure,
            "Influence of each modality on each other one, frame by frame",
            "Effect of a little more attention to one modality at one frame (across) on the "
            "attention to another at every frame (upwards). A line beside the dotted diagonal "
            "is a shift in time; without a line, none is clear.",
        )
