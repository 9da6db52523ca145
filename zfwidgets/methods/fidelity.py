"""How faithful a layer's projections are, operation by operation."""

from __future__ import annotations

from dataclasses import dataclass

from zfwidgets.network import Network, checked_network
from zfwidgets.network.operations import Fidelity, worst

__all__ = ["FidelityReport", "FidelityRow", "fidelity_report"]


@dataclass(frozen=True)
class FidelityRow:
    """One operation on the way down: its name in the network, its kind, its status and what is done."""

    operation: str
    kind: str
    status: Fidelity
    note: str


@dataclass(frozen=True)
class FidelityReport:
    """All operations between a layer and the pixels, from the layer down."""

    layer: str
    rows: tuple[FidelityRow, ...]

    @property
    def verdict(self) -> Fidelity:
        """The worst status of all operations."""
        return worst(row.status for row in self.rows)

    @property
    def sentence(self) -> str:
        """The verdict in words, for the reader of a picture."""
        notes = dict.fromkeys(row.note for row in self.rows if row.status == self.verdict)
        if self.verdict == "paper":
            return "Every operation follows the paper's rule."
        if self.verdict == "refused":
            return f"No projection: {'; '.join(notes)}."
        return f"Beyond the paper: {'; '.join(notes)}."


def fidelity_report(net: Network, layer: str) -> FidelityReport:
    """For every operation below a layer: the paper's rule, the exact adjoint, or refused.

    Parameters
    ----------
    net : Network
        A network that can be traced.
    layer : str
        Whose projections are asked about.

    Examples
    --------
    >>> from torch import nn
    >>> from zfwidgets.imaging import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Conv2d(4, 4, 3), nn.Flatten())
    >>> net = Network(module, preprocess=Preprocess(size=16), device="cpu")
    >>> fidelity_report(net, "0").verdict, fidelity_report(net, "2").sentence
    ('paper', 'No projection: SiLU has no deconvnet rule.')
    """
    graph = checked_network(net).traced()
    below = sorted(graph.ancestors([net.layers[layer].index]) - {0}, reverse=True)
    operations = [(graph.nodes[index].name, graph.nodes[index].operation) for index in below]
    rows = tuple(FidelityRow(name, op.kind, op.fidelity, op.note) for name, op in operations)
    return FidelityReport(layer, rows)
