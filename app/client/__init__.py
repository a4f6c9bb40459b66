"""Client for callers, blocking or asynchronous; imports none of the service's own code.

>>> from app.client import HimariClient
>>> with HimariClient("http://127.0.0.1:8000", api_key="...") as client:  # doctest: +SKIP
...     answer = client.allocate(batch)
...     print(answer["allocations"])
"""

from app.client.asynchronous import AsyncHimariClient
from app.client.attempts import ClientOptions
from app.client.blocking import HimariClient
from app.client.errors import (
    CallFailed,
    Forbidden,
    InvalidRequest,
    KeyReused,
    NoAnswer,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    TooLarge,
    TradingStateDiffers,
    Unauthorized,
    Unavailable,
    Unreachable,
    UnusableAnswer,
)
from app.client.schemas_request import AllocateRequest, CascadeBody, Outcome, Signal
from app.client.schemas_response import AllocateResponse, DecisionsResponse, StateResponse

__all__ = [
    "AllocateRequest",
    "AllocateResponse",
    "AsyncHimariClient",
    "CallFailed",
    "CascadeBody",
    "ClientOptions",
    "DecisionsResponse",
    "Forbidden",
    "HimariClient",
    "InvalidRequest",
    "KeyReused",
    "NoAnswer",
    "NotFound",
    "Outcome",
    "RateLimited",
    "Refused",
    "ServerFault",
    "Signal",
    "StateResponse",
    "TooLarge",
    "TradingStateDiffers",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "UnusableAnswer",
]
