"""Send one request to a service, as its clients would."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import UserErrorException, WebserviceException

if TYPE_CHECKING:
    import requests

__all__ = ["Body", "score"]

Body = str | bytes | bytearray | dict[str, Any] | list[Any]
"""What may be sent: text or bytes as they are, a dictionary or a list as JSON."""

_CONNECT_SECONDS = 10.0


def score(
    url: str,
    input_data: Body,
    credential: Callable[[], str | None],
    timeout: float,
) -> Any:
    """POST ``input_data`` to ``url`` and return the decoded answer.

    Parameters
    ----------
    url
        Scoring URI.
    input_data
        The request body. A ``str`` or ``bytes`` is sent as it is (spec section 4);
        a dictionary or a list is sent as JSON.
    credential
        Returns the key or token to send now, or ``None``; asked again after a
        401, which is retried once (spec section 4).
    timeout
        Seconds to wait for the answer.

    Raises
    ------
    WebserviceException
        The service answered anything but 200; status, headers and content are
        in the message. Or nothing answered.
    """
    # Imported here: it costs 100 ms that only scoring needs.
    import json  # noqa: PLC0415

    import requests  # noqa: PLC0415

    body = input_data
    if not isinstance(body, str | bytes | bytearray):
        try:
            body = json.dumps(body)
        except (TypeError, ValueError) as error:
            raise UserErrorException(
                f"The request cannot be written as JSON: {error}.",
                hint="An array goes as {'data': array.tolist()}, a frame as "
                "{'data': frame.to_dict(orient='records')}.",
            ) from None
    data = body.encode() if isinstance(body, str) else bytes(body)
    with requests.Session() as session:
        # A proxy meant for the network outside must not see requests to this machine.
        session.trust_env = False
        response = _post(session, url, data, credential(), timeout)
        if response.status_code == requests.codes.unauthorized:
            response = _post(session, url, data, credential(), timeout)
    if response.status_code != requests.codes.ok:
        raise WebserviceException(
            "Received bad response from service. More information can be found by calling "
            "`.get_logs()` on the webservice object.\n"
            f"Response Code: {response.status_code}\n"
            f"Headers: {dict(response.headers)}\n"
            f"Content: {response.content!r}",
            response.status_code,
        )
    try:
        return response.json()
    except requests.exceptions.JSONDecodeError:
        # A script may answer anything by a response object; JSON is only the default.
        return response.content


def _post(
    session: requests.Session, url: str, data: bytes, credential: str | None, timeout: float
) -> requests.Response:
    import requests  # noqa: PLC0415

    headers = {"Content-Type": "application/json"}
    if credential:
        headers["Authorization"] = f"Bearer {credential}"
    try:
        return session.post(url, data=data, headers=headers, timeout=(_CONNECT_SECONDS, timeout))
    except requests.exceptions.Timeout as error:
        raise WebserviceException(
            f"The service did not answer within {timeout:g} s.",
            hint="Look at service.get_logs(), or raise scoring_timeout_ms.",
        ) from error
    except requests.exceptions.ConnectionError as error:
        raise WebserviceException(
            f"Nothing answers at {url}: {error}",
            hint="Look at service.status and service.get_logs().",
        ) from error
