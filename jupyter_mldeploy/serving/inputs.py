"""From a request to the arguments of ``run()`` (spec section 9.2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from .failures import ScriptError
from .messages import Request

__all__ = ["BadInput", "InputReader", "reader_for"]

HEADERS_ARGUMENT = "request_headers"


class BadInput(Exception):
    """The request cannot become arguments; the message goes to the client.

    Parameters
    ----------
    status
        HTTP status to answer with.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of ``run()``."""

    name: str
    required: bool
    absent_value: Any = None  # passed when it is optional but has no Python default
    pass_absent: bool = False


class InputReader:
    """Turns requests into keyword arguments.

    Parameters
    ----------
    parameters
        Those of ``run()``, without ``request_headers``.
    decorated
        Whether ``run()`` has an input schema: arguments then come by name from
        a JSON object, otherwise the one argument gets the body as text.
    wants_headers
        Whether ``run()`` has an argument ``request_headers``.
    """

    def __init__(
        self, parameters: list[Parameter], *, decorated: bool, wants_headers: bool
    ) -> None:
        self._parameters = parameters
        self._decorated = decorated
        self._wants_headers = wants_headers

    def read(self, request: Request) -> dict[str, Any]:
        """Return the arguments.

        Raises
        ------
        BadInput
            With the status and the sentence of the contract.
        """
        if self._decorated:
            arguments = self._by_name(_query(request) if _is_get(request) else _object(request))
        else:
            text = json.dumps(_query(request)) if _is_get(request) else _text(request)
            arguments = {self._parameters[0].name: text}
        if self._wants_headers:
            arguments[HEADERS_ARGUMENT] = {
                _title(name): value for name, value in request.headers.items()
            }
        return arguments

    def _by_name(self, values: dict[str, Any]) -> dict[str, Any]:
        arguments = {}
        for parameter in self._parameters:
            if parameter.name in values:
                arguments[parameter.name] = values[parameter.name]
            elif parameter.required:
                raise BadInput(
                    400, f"A value is not provided for the {parameter.name!r} parameter."
                )
            elif parameter.pass_absent:
                arguments[parameter.name] = parameter.absent_value
        return arguments


def reader_for(
    run: Callable[..., Any], *, decorated: bool, optional: frozenset[str]
) -> InputReader:
    """Return the reader that fits the signature of ``run()``.

    Parameters
    ----------
    run
        The function, decorated or not.
    decorated
        Whether it has an input schema.
    optional
        Parameters the schema declares optional.

    Raises
    ------
    ScriptError
        The signature cannot be served (spec section 9.2).
    """
    import inspect  # noqa: PLC0415 - only here, and usually loaded by the script's packages

    if inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run):
        raise ScriptError(
            "run() is asynchronous, which this version does not serve.",
            "Define it with 'def run(...)' instead of 'async def run(...)'.",
        )
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = list(inspect.signature(run).parameters.values())
    if any(parameter.kind not in named for parameter in found):
        raise ScriptError("run() cannot accept positional-only arguments, *args, or **kwargs.")
    data = [parameter for parameter in found if parameter.name != HEADERS_ARGUMENT]
    wants_headers = len(data) != len(found)
    if not data:
        raise ScriptError(
            f'run() needs to accept an argument other than "{HEADERS_ARGUMENT}".'
            if wants_headers
            else "run() needs to accept an argument for input data."
        )
    parameters = []
    for parameter in data:
        has_default = parameter.default is not inspect.Parameter.empty
        may_lack = parameter.name in optional
        parameters.append(
            Parameter(
                parameter.name,
                required=not (has_default or may_lack),
                pass_absent=may_lack and not has_default,
            )
        )
    extra = [p.name for p in parameters[1:] if p.required]
    if extra and not decorated:
        raise ScriptError(
            f"run() has further arguments without a default ({', '.join(extra)}), but only "
            f"{parameters[0].name!r} gets the request's body.",
            "Decorate run() with @input_schema for each argument, or give them defaults.",
        )
    return InputReader(parameters, decorated=decorated, wants_headers=wants_headers)


def _is_get(request: Request) -> bool:
    return request.method == "GET"


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _text(request: Request) -> str:
    # What curl sends with -d when no type is given counts as a form, and the
    # contract reads a form as nothing.
    if _content_type(request) == "application/x-www-form-urlencoded":
        return ""
    try:
        return request.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(400, f"Input cannot be decoded as UTF-8: {error}") from None


def _object(request: Request) -> dict[str, Any]:
    if _content_type(request) != "application/json":
        raise BadInput(415, "Expects Content-Type to be application/json")
    if not request.body:
        raise BadInput(400, "POST body is empty. Expecting a JSON dictionary.")
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadInput(400, f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInput(400, "POST body should be a JSON dictionary.")
    return value


def _query(request: Request) -> dict[str, Any]:
    values: dict[str, list[Any]] = {}
    for name, text in parse_qsl(request.query, keep_blank_values=True):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = text
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
