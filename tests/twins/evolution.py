"""The slow twin of Fig. 4: every map of every picture at every checkpoint, and one filter after the other."""

from __future__ import annotations

import math

import torch
from torch import nn
from twins.mining import slow_top_activations

from zfwidgets.imaging import Preprocess
from zfwidgets.models.series import CheckpointSeries
from zfwidgets.network import Network

PREPROCESS = Preprocess(size=24, resize=24)


def small_module(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(5 * 25, 3),
    )


def drifting_series(folder, epochs, seed=0):
    """A folder of checkpoints on the way from one network to another, with a filter of zeros in each."""
    start, end = small_module(seed).state_dict(), small_module(seed + 1).state_dict()
    for epoch in epochs:
        share = epoch / max(epochs)
        state = {name: (1 - share) * start[name] + share * end[name] for name in start}
        state["0.weight"][1] = 0
        torch.save(state, folder / f"epoch_{epoch}.pt")
    return CheckpointSeries(folder, module=small_module(seed), preprocess=PREPROCESS)


def slow_evolution(series, images, layers):
    """{layer: per epoch and channel (value, key, place) or None}, {layer: similarity of each epoch}."""
    nets = {epoch: Network(_loaded(series, epoch), preprocess=PREPROCESS, device="cpu") for epoch in series.epochs}
    exemplars = {layer: [] for layer in layers}
    for epoch in series.epochs:
        top, _ = slow_top_activations(nets[epoch], images, layers, 1, 1)
        for layer in layers:
            exemplars[layer].append([best[0] if best and best[0][0] > 0 else None for best in top[layer]])
    convolutions = {"conv1": "0.weight", "conv2": "3.weight"}
    final = series.weights(series.epochs[-1])
    similarity = {
        layer: [_mean_cosine(series.weights(epoch)[name], final[name]) for epoch in series.epochs]
        for layer, name in convolutions.items()
    }
    return exemplars, similarity


def slow_settled(epochs, similarity):
    """The first epoch after which no epoch is below 90 % of the last similarity."""
    for place, epoch in enumerate(epochs):
        if all(later >= 0.9 * similarity[-1] for later in similarity[place:]):
            return epoch
    return None


def _loaded(series, epoch):
    module = small_module(0)
    module.load_state_dict(series.weights(epoch))
    return module


def _mean_cosine(filters, final):
    cosines = []
    for one, other in zip(filters.double(), final.double(), strict=True):
        product = float((one * other).sum())
        length = math.sqrt(float((one * one).sum())) * math.sqrt(float((other * other).sum()))
        same = bool((one == 0).all()) and bool((other == 0).all())
        cosines.append(product / length if length else float(same))
    return sum(cosines) / len(cosines)
