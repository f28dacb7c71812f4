"""Tokens that let a caller score for a limited time (spec section 12.2)."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import jwt

__all__ = ["TokenError", "issue_token", "verify"]

ALGORITHM = "HS256"
CLOCK_LEEWAY_SECONDS = 5


class TokenError(Exception):
    """A token does not let its bearer in; the message says why."""


def issue_token(secret: str, service_name: str, ttl_seconds: float) -> tuple[str, datetime]:
    """Return a token for `service_name` and the moment (UTC) when it ends.

    Parameters
    ----------
    secret
        Signing secret of the service.
    ttl_seconds
        Seconds the token is valid.
    """
    now = time.time()
    expiry = int(now + ttl_seconds)
    claims = {"aud": service_name, "sub": service_name, "iat": int(now), "exp": expiry}
    token = jwt.encode(claims, secret, algorithm=ALGORITHM)
    return token, datetime.fromtimestamp(expiry, tz=timezone.utc)


def verify(token: str, secret: str, service_name: str) -> None:
    """Accept `token`, or raise.

    Raises
    ------
    TokenError
        It is malformed, was signed with another secret, is for another
        service, or has ended.
    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=service_name,
            leeway=CLOCK_LEEWAY_SECONDS,
            options={"require": ["exp", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenError("The token has ended. Get a new one with get_token().") from None
    except jwt.InvalidAudienceError:
        raise TokenError("The token is for another service.") from None
    except jwt.InvalidTokenError:
        raise TokenError("The token is not one of this service.") from None
    if claims["sub"] != service_name:
        raise TokenError("The token is for another service.")
