"""A request and a response, as every part of the server sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

__all__ = ["Request", "Response", "json_response", "message_response"]

JSON = "application/json"


@dataclass(slots=True, eq=False)
class Response:
    """What goes back to a client.

    Parameters
    ----------
    status
        HTTP status code.
    body
        The bytes of the body.
    content_type
        Value of ``Content-Type``; empty when there is no body to describe.
    headers
        Further headers, in order.
    close
        Whether the connection ends with this response.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: list[tuple[str, str]] = field(default_factory=list)
    close: bool = False


@dataclass(slots=True, eq=False)
class Request:
    """One request: the head when it is screened, the body too when it is answered.

    Parameters
    ----------
    method, path, query
        Of the request line; ``query`` without its question mark.
    headers
        Lower-case name to value; repeated headers are joined with a comma.
    body
        The whole body.
    http10
        Whether the client speaks HTTP/1.0.
    keep_alive
        Whether the client can use the connection again.
    trusted
        It came over the control socket: neither Host nor a key is asked for.
    refusal
        The answer that the head alone already earned; the body was dropped.
    """

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    http10: bool = False
    keep_alive: bool = True
    trusted: bool = False
    refusal: Response | None = None
    started: float = field(default_factory=perf_counter)


def json_response(status: int, value: Any, *, close: bool = False) -> Response:
    """Return a response whose body is `value` as JSON."""
    return Response(status, json.dumps(value).encode(), close=close)


def message_response(status: int, message: str, *, close: bool = False) -> Response:
    """Return the contract's error body, ``{"message": ...}`` (spec section 9)."""
    return json_response(status, {"message": message}, close=close)
