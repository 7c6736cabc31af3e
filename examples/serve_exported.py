"""Use an exported classifier with torch and NumPy only, without `sk_crossmodal`.

``python examples/serve_exported.py MODEL.pt2 VIDEOS.npz [--top 3]`` prints the most probable
labels of each video. VIDEOS.npz has two arrays per modality: ``<name>`` of shape (n_frames, width)
with the frames of all videos, and ``<name>_lengths`` with the number of frames per video.
"""

import argparse
import json

import numpy as np
import torch


def load(path):
    """Return the program and its stored description."""
    files = {"sk_crossmodal.json": ""}
    program = torch.export.load(path, extra_files=files).module()
    return program, json.loads(files["sk_crossmodal.json"])


def resample(frames, n_steps):
    """Return the nearest of the frames (T_i, d) at each time step, or the mean of several."""
    steps = np.arange(n_steps)
    if len(frames) <= n_steps:
        return frames[(2 * steps + 1) * len(frames) // (2 * n_steps)]
    windows = (2 * np.arange(len(frames)) + 1) * n_steps // (2 * len(frames))
    return np.stack([frames[windows == step].mean(axis=0) for step in steps])


def batch(videos, about):
    """Pad videos, each a dict of (T_i, d) arrays; return frames and masks by modality."""
    lengths = [max(len(frames) for frames in video.values()) for video in videos]
    longest = max(1, min(max(lengths), about["max_frames"]))
    frames, masks = {}, {}
    for name, width in about["modalities"].items():
        x = np.zeros((len(videos), longest, width), np.float32)
        mask = np.zeros((len(videos), longest), bool)
        pools = about["long_videos"][name] == "pool"  # of one kind for all modalities here
        for i, (video, length) in enumerate(zip(videos, lengths, strict=True)):
            if len(video[name]):
                n_steps = min(length, longest) if pools else length
                aligned = resample(video[name], n_steps)[:longest]
                x[i, : len(aligned)], mask[i, : len(aligned)] = aligned, True
        frames[name], masks[name] = torch.from_numpy(x), torch.from_numpy(mask)
    return frames, masks


def predict_proba(program, about, videos):
    """Return probabilities, an array of shape (n_videos, n_labels)."""
    with torch.inference_mode():
        return program(*batch(videos, about)).numpy()


def read_videos(path, names):
    """Return a list of dicts of (T_i, d) arrays."""
    with np.load(path) as arrays:
        parts = {
            name: np.split(arrays[name], np.cumsum(arrays[f"{name}_lengths"])[:-1])
            for name in names
        }
    return [dict(zip(parts, video, strict=True)) for video in zip(*parts.values(), strict=True)]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="a file written by sk_crossmodal.export_model")
    parser.add_argument("videos", help="an .npz file of frames and lengths")
    parser.add_argument(
        "--top", type=int, default=3, help="number of labels printed per video (default: 3)"
    )
    arguments = parser.parse_args(argv)
    program, about = load(arguments.model)
    labels = about["labels"] or [f"label {i}" for i in range(about["n_labels"])]
    videos = read_videos(arguments.videos, about["modalities"])
    for i, row in enumerate(predict_proba(program, about, videos)):
        best = np.argsort(-row)[: arguments.top]
        print(i, *(f"{labels[j]} {row[j]:.3f}" for j in best), sep="  ")


if __name__ == "__main__":
    main()
