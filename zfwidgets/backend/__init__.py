"""One network, its pictures, one worker thread and one cache; the only place with threads."""

from zfwidgets.backend.answers import Answer, Inbox
from zfwidgets.backend.backend import Backend
from zfwidgets.backend.facts import DistantNetwork, fidelity_sentence
from zfwidgets.backend.filter_requests import FilterReportRequest, SecondLayerRequest, SecondProjections
from zfwidgets.backend.invariance_requests import InvarianceRequest, Moved, MovedRequest
from zfwidgets.backend.requests import (
    OccludedRequest,
    OcclusionRequest,
    ProjectionRequest,
    RecordRequest,
    RefinedRequest,
    Request,
    Scores,
    ScoresRequest,
    SpeedRequest,
    UnreadableRequest,
)
from zfwidgets.backend.source import NetworkSource
from zfwidgets.backend.warming import default_square, warm_up
from zfwidgets.backend.worker import Ticket

__all__ = [
    "Answer",
    "Backend",
    "DistantNetwork",
    "FilterReportRequest",
    "Inbox",
    "InvarianceRequest",
    "Moved",
    "MovedRequest",
    "NetworkSource",
    "OccludedRequest",
    "OcclusionRequest",
    "ProjectionRequest",
    "RecordRequest",
    "RefinedRequest",
    "Request",
    "Scores",
    "ScoresRequest",
    "SecondLayerRequest",
    "SecondProjections",
    "SpeedRequest",
    "Ticket",
    "UnreadableRequest",
    "default_square",
    "fidelity_sentence",
    "warm_up",
]
