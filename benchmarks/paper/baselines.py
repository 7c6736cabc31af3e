"""Baselines: linear models, a perceptron, a plain recurrent network."""

import numpy as np
import torch
from plain_gru import predict_gru
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn


def predict_baseline(name, params, videos, seed):
    """Train a baseline on mean-pooled features; return its test probabilities."""
    if name == "plain GRU":
        return predict_gru(videos, seed, **params)
    X, X_test = mean_pooled(videos.X_train), mean_pooled(videos.X_test)
    if name == "logistic regression":
        model = make_pipeline(StandardScaler(), LogisticRegression(**params))
        return model.fit(X, videos.y_train).predict_proba(X_test)
    return _network(X, videos.y_train, seed, **params)(X_test)


def mean_pooled(X):
    """Return the mean over frames of each feature of all modalities."""
    return np.array([np.concatenate([f.mean(0) for f in row.values()]) for row in X])


def _network(X, Y, seed, hidden, max_epochs):
    """Train a linear model, or a perceptron with BatchNorm and dropout, with Adam."""
    torch.manual_seed(seed)
    layers = [nn.BatchNorm1d(X.shape[1])]
    width = X.shape[1]
    if hidden:
        layers += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.4)]
        width = hidden
    network = nn.Sequential(*layers, nn.Linear(width, Y.shape[1]))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    X, Y = torch.from_numpy(X), torch.from_numpy(Y).float()
    for _ in range(max_epochs):
        for rows in torch.randperm(len(X)).split(128):
            if len(rows) == 1:  # BatchNorm needs two videos
                continue
            loss = nn.functional.binary_cross_entropy_with_logits(network(X[rows]), Y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    return lambda X: torch.sigmoid(network(torch.from_numpy(X))).detach().numpy()
