"""Typed Python client of the REST interface of Pinakes; see its README."""

from pinakes_client.calls import File, etag_of
from pinakes_client.client import AsyncPinakes, Pinakes
from pinakes_client.plans import Retries
from pinakes_client.problems import (
    Conflict,
    Fault,
    Invalid,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    PinakesError,
    PreconditionFailed,
    Problem,
    ServerFailed,
    StillRunning,
    TooMany,
    UnableToReach,
)
from pinakes_client.streams import Event

__all__ = [
    "AsyncPinakes",
    "Conflict",
    "Event",
    "Fault",
    "File",
    "Invalid",
    "NotAuthenticated",
    "NotFound",
    "PermissionDenied",
    "Pinakes",
    "PinakesError",
    "PreconditionFailed",
    "Problem",
    "Retries",
    "ServerFailed",
    "StillRunning",
    "TooMany",
    "UnableToReach",
    "etag_of",
]
