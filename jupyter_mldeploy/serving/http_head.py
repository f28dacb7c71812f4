"""The first lines of requests and responses."""

from __future__ import annotations

import time

from .messages import Response

__all__ = ["response_head", "split_target"]

REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large",
    415: "Unsupported Media Type", 417: "Expectation Failed", 421: "Misdirected Request",
    431: "Request Header Fields Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 503: "Service Unavailable",
}  # fmt: skip


def response_head(response: Response, *, close: bool, http10: bool) -> bytes:
    """Return status line and headers, up to and with the empty line.

    Parameters
    ----------
    close
        Whether the connection ends after the response.
    http10
        Whether the client must be told that it does not.
    """
    lines = [
        f"HTTP/1.1 {response.status} {REASONS.get(response.status, '')}\r\n",
        f"Date: {_date()}\r\nContent-Length: {len(response.body)}\r\n",
    ]
    if response.content_type:
        lines.append(f"Content-Type: {response.content_type}\r\n")
    lines += [f"{name}: {value}\r\n" for name, value in response.headers]
    if close:
        lines.append("Connection: close\r\n")
    elif http10:
        lines.append("Connection: keep-alive\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1")


def split_target(target: bytes) -> tuple[str, str, str]:
    """Return path, query and, of an absolute target, the authority."""
    text = target.decode("latin-1")
    authority = ""
    if not text.startswith("/"):
        _scheme, found, rest = text.partition("://")
        if found:
            authority, slash, path = rest.partition("/")
            text = slash + path or "/"
            authority = authority.rpartition("@")[2]
    path, _, query = text.partition("?")
    return path, query, authority


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_stamp: tuple[int, str] = (0, "")


def _date() -> str:
    # Not strftime: an entry script may set the locale.
    global _stamp  # noqa: PLW0603 - one clock for all connections, formatted once a second
    now = int(time.time())
    if _stamp[0] != now:
        t = time.gmtime(now)
        day, month = _DAYS[t.tm_wday], _MONTHS[t.tm_mon]
        clock = f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02}"
        _stamp = (now, f"{day}, {t.tm_mday:02} {month} {t.tm_year} {clock} GMT")
    return _stamp[1]
