"""A plain bidirectional GRU a modality with attention pooling, each at its own frame rate."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence


class PlainGRU(nn.Module):
    """Two towers, one attention each, and a perceptron on what they pool."""

    def __init__(self, widths, hidden_size, n_classes, dropout=0.3):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.grus = nn.ModuleList(
            nn.GRU(width, hidden_size, batch_first=True, bidirectional=True) for width in widths
        )
        self.scores = nn.ModuleList(nn.Linear(2 * hidden_size, 1) for _ in widths)
        size = 2 * hidden_size
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(len(widths) * size, size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(size, n_classes),
        )

    def forward(self, modalities):
        """Logits from lists of frames, (T_i, d), one list a modality."""
        pooled = []
        for gru, score, frames in zip(self.grus, self.scores, modalities, strict=True):
            packed = pack_sequence([self.dropout(x) for x in frames], enforce_sorted=False)
            states, lengths = pad_packed_sequence(gru(packed)[0], batch_first=True)
            padding = torch.arange(states.shape[1]) >= lengths[:, None]
            weights = score(states)[..., 0].masked_fill(padding, -torch.inf).softmax(1)
            pooled.append((weights[..., None] * states).sum(1))
        return self.head(torch.cat(pooled, -1))


def predict_gru(videos, seed, hidden_size, max_epochs, weight_decay, batch_size=32):
    """Train with AdamW, one cycle and label smoothing on standardised frames; predict."""
    torch.manual_seed(seed)
    scale = _scales(videos.X_train)
    train, test = _frames(videos.X_train, scale), _frames(videos.X_test, scale)
    classes, y = np.unique(videos.y_train, return_inverse=True)
    y = torch.from_numpy(y)
    network = PlainGRU([len(mean) for mean, _ in scale], hidden_size, len(classes))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=weight_decay)
    steps = max_epochs * -(-len(y) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    for _ in range(max_epochs):
        for rows in torch.randperm(len(y)).split(batch_size):
            logits = network([[frames[row] for row in rows] for frames in train])
            loss = nn.functional.cross_entropy(logits, y[rows], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return network.eval()(test).softmax(1).numpy()


def _scales(X):
    stats = X.frame_stats(per_feature=True)
    return [stats[name] for name in X.modality_names]


def _frames(X, scale):
    """Standardised frames of all videos, a list a modality."""
    return [
        [torch.from_numpy((X[row][name] - mean) / deviation).float() for row in range(len(X))]
        for name, (mean, deviation) in zip(X.modality_names, scale, strict=True)
    ]
