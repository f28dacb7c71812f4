"""The identifiers a request carries and its answer repeats (spec section 9.4)."""

from __future__ import annotations

import logging
import os

__all__ = ["identify"]

LIMIT = 100  # characters

logger = logging.getLogger("azmlinfsrv")
_warned = False


def identify(headers: dict[str, str]) -> tuple[list[tuple[str, str]], str | None]:
    """Return the headers of the answer and, when an identifier is too long, the reason.

    Parameters
    ----------
    headers
        The request's headers, lower-case names.
    """
    request_id = headers.get("x-request-id")
    client_id = headers.get("x-ms-client-request-id", "")
    legacy_id = headers.get("x-ms-request-id", "")
    answer: list[tuple[str, str]] = []
    problem = None
    if request_id is None:
        request_id = _new_guid()
    if len(request_id) > LIMIT:
        return answer, f"x-request-id must not exceed {LIMIT} characters"
    answer.append(("x-request-id", request_id))
    if legacy_id:
        _warn_once()
        client_id = client_id or legacy_id
    else:
        legacy_id = client_id or request_id
    if len(legacy_id) > LIMIT or len(client_id) > LIMIT:
        problem = f"x-ms-request-id and x-ms-client-request-id must not exceed {LIMIT} characters"
    else:
        answer.append(("x-ms-request-id", legacy_id))
        if client_id:
            answer.append(("x-ms-client-request-id", client_id))
    if "traceid" in headers:
        answer.append(("TraceId", headers["traceid"]))
    return answer, problem


def _new_guid() -> str:
    bits = bytearray(os.urandom(16))
    bits[6] = bits[6] & 0x0F | 0x40  # version 4
    bits[8] = bits[8] & 0x3F | 0x80  # variant 1
    text = bits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _warn_once() -> None:
    global _warned  # noqa: PLW0603 - said once a process, not once a request
    if not _warned:
        _warned = True
        logger.warning(
            "A client sends x-ms-request-id, which is deprecated: "
            "x-ms-client-request-id is its successor."
        )
