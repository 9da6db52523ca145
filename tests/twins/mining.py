"""The slow twin of mining: every map of every picture is kept, and all of it is sorted at the end."""

from __future__ import annotations

import numpy as np
import torch

from zfwidgets.data import ImageSet
from zfwidgets.methods.top_activations.forward import Forward


def slow_top_activations(net, image_set, layers, k, per_image):
    """{layer: per channel a list of at most k (value, key, (row, column))}, and {duplicate: kept}."""
    kept, duplicates = {}, {}
    for key in sorted(image_set.keys()):
        picture = image_set[key]
        shown = (picture.size, picture.tobytes())
        if shown in kept:
            duplicates[key] = kept[shown]
        else:
            kept[shown] = key
    stored = {key: _maps(net, image_set[key], layers) for key in kept.values()}
    top = {}
    for layer in layers:
        top[layer] = []
        for channel in range(net.layers[layer].channels):
            everything = []
            for key, maps in stored.items():
                cells = maps[layer][channel]
                own = [
                    (-float(cells[row, column]), key, (row, column))
                    for row in range(cells.shape[0])
                    for column in range(cells.shape[1])
                ]
                everything += sorted(own)[:per_image]
            top[layer].append([(-value, key, place) for value, key, place in sorted(everything)[:k]])
    return top, duplicates


def _maps(net, picture, layers):
    """All maps of one picture, which is alone in its batch."""
    forward, found = Forward(net, layers), {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            pixels = np.array(net.preprocess.crop(picture))
            forward([pixels], lambda node, peaks: found.update({node: peaks.maps[0].clone().numpy()}))
    finally:
        torch.set_num_threads(threads)
    return {layer: np.concatenate([found[node] for node in forward.parts[layer]]) for layer in layers}


def as_lists(top):
    """What the package found, as the twin gives it."""
    return {
        layer: [
            [(entry.value, entry.image, entry.position) for entry in top.channel(layer, channel)]
            for channel in range(len(top[layer].values))
        ]
        for layer in top.layers
    }


def blotches(count, seed=0, colours=3):
    """Pictures of few colours, so that many activations are equal, some pictures twice."""
    random = np.random.default_rng(seed)
    arrays = []
    for _ in range(count):
        if arrays and random.random() < 0.3:
            arrays.append(arrays[random.integers(len(arrays))])
        else:
            cells = random.integers(0, colours, (4, 4, 3), dtype=np.uint8) * (255 // max(colours - 1, 1))
            arrays.append(cells.repeat(6, 0).repeat(6, 1).astype(np.uint8))
    names = [f"{number:03d}-{'äß中🦊'[number % 4]}" for number in random.permutation(count)]
    return ImageSet.from_arrays(arrays, keys=names)
