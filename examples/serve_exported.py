"""Serve an exported classifier with torch and NumPy alone; `sk_crossmodal` is not needed.

``python examples/serve_exported.py MODEL.pt2 VIDEOS.npz [--top 3]`` prints the likeliest labels of
each video. VIDEOS.npz has, for each modality, the frames of all videos behind each other,
``<name>`` of shape (n_frames, width), and how many frames each video has, ``<name>_lengths``.
"""

import argparse
import json

import numpy as np
import torch


def load(path):
    """Return the program, and the description that is stored with it."""
    files = {"sk_crossmodal.json": ""}
    program = torch.export.load(path, extra_files=files).module()
    return program, json.loads(files["sk_crossmodal.json"])


def on_one_time_line(frames, n_moments):
    """Bring a modality's frames (T_i, d) to a video's moments: at each the nearest frame."""
    moments = np.arange(n_moments)
    return frames[(2 * moments + 1) * len(frames) // (2 * n_moments)]


def batch(videos, about):
    """Pad videos, each a dict of (T_i, d) arrays; return frames and masks by modality."""
    lines = [max(len(frames) for frames in video.values()) for video in videos]
    longest = max(1, min(max(lines), about["max_frames"]))
    frames, masks = {}, {}
    for name, width in about["modalities"].items():
        x = np.zeros((len(videos), longest, width), np.float32)
        mask = np.zeros((len(videos), longest), bool)
        for i, (video, line) in enumerate(zip(videos, lines, strict=True)):
            if len(video[name]):
                aligned = on_one_time_line(video[name], line)[:longest]
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
    parser.add_argument("model", help="what sk_crossmodal.export_model wrote")
    parser.add_argument("videos", help="an .npz file of frames and lengths")
    parser.add_argument("--top", type=int, default=3, help="labels to print of each video")
    arguments = parser.parse_args(argv)
    program, about = load(arguments.model)
    labels = about["labels"] or [f"label {i}" for i in range(about["n_labels"])]
    videos = read_videos(arguments.videos, about["modalities"])
    for i, row in enumerate(predict_proba(program, about, videos)):
        best = np.argsort(-row)[: arguments.top]
        print(i, *(f"{labels[j]} {row[j]:.3f}" for j in best), sep="  ")


if __name__ == "__main__":
    main()
