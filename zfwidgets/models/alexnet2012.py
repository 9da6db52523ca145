"""The network of Krizhevsky, Sutskever and Hinton (2012), the paper's baseline in Fig. 6 and its tables."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["AlexNet2012"]


class AlexNet2012(nn.Module):
    """Krizhevsky et al. 2012: 11x11 filters of stride 4, two groups in layers 2, 4 and 5, response norm.

    Parameters
    ----------
    classes : int
        Number of logits.
    dropout : float
        In fc6 and fc7.

    Examples
    --------
    >>> sum(p.numel() for p in AlexNet2012().parameters())
    60965224
    """

    def __init__(self, classes: int = 1000, *, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=2),
            nn.ReLU(),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of (N, 3, 224, 224)."""
        logits: Tensor = self.classifier(torch.flatten(self.features(x), 1))
        return logits
