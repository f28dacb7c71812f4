"""Why ``run()`` failed on a request: a sentence and a way out, where the evidence is there.

Evidence is the exception and what ``run()`` was given. Nothing of the values is
repeated but names of keys: a log must not become a copy of the data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

__all__ = ["advise"]

Advice = tuple[str, str]
SHOWN_KEYS = 12

_FEATURES = re.compile(r"X has (\d+) features?, but (\w+) is expecting (\d+) features?")
_NOT_JSON = re.compile(r"the JSON object must be str, bytes or bytearray, not (\w+)")
_UNFIT = re.compile(r"The value of '([^']*)' does not fit")


def advise(error: BaseException, arguments: dict[str, Any]) -> Advice:
    """Return why, as a sentence, and what to do; both empty when nothing is known."""
    for rule in RULES:
        advice = rule(error, arguments)
        if advice is not None:
            return advice
    return "", ""


def _double_encoded(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    """Tell of a body that was JSON text inside JSON text."""
    del error
    for value in arguments.values():
        if isinstance(value, str) and isinstance(inner := _decoded(value), str):
            nested = _decoded(inner)
            if isinstance(nested, dict | list):
                return (
                    "The request was encoded twice: its JSON is a text that holds JSON.",
                    (
                        "Send it encoded once: requests.post(url, json=data), or "
                        "data=json.dumps(data), not both."
                    ),
                )
    return None


def _decoded_already(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    found = _NOT_JSON.search(str(error)) if isinstance(error, TypeError) else None
    if found is None:
        return None
    if found[1] in {type(value).__name__ for value in arguments.values()}:
        return (
            (
                f"run() has a schema, so its argument is a {found[1]} already: there is no JSON "
                "text to decode."
            ),
            "Use the argument as it is, without json.loads; or remove @input_schema.",
        )
    return (
        f"json.loads was given a {found[1]}: it was decoded before.",
        "Call json.loads once, on the text that run() gets.",
    )


def _missing_key(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    if not isinstance(error, KeyError) or not error.args:
        return None
    for value in arguments.values():
        body = _decoded(value) if isinstance(value, str) else value
        # Only where the request is what lacks it: the script has dictionaries of its own.
        if isinstance(body, dict) and error.args[0] not in body:
            names = ", ".join(repr(key) for key in list(body)[:SHOWN_KEYS]) or "nothing"
            return (
                f"The request has no {error.args[0]!r}; it has: {names}.",
                f"Send {{{json.dumps(str(error.args[0]))}: ...}}, or let run() read what is sent.",
            )
    return None


def _text_as_dictionary(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    if not isinstance(error, TypeError) or "string indices must be integers" not in str(error):
        return None
    if any(isinstance(value, str) for value in arguments.values()):
        return (
            "run() without a schema gets the request's body as text, not as a dictionary.",
            "Decode it first: data = json.loads(data).",
        )
    return None


def _not_json(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    if not isinstance(error, json.JSONDecodeError):
        return None
    if "" in arguments.values():
        return (
            "The request has no body that run() could decode.",
            "POST JSON with Content-Type: application/json; a form's body is not passed on.",
        )
    if error.doc in arguments.values():
        return ("The request's body is not JSON.", "Send JSON: requests.post(url, json=data).")
    return None


def _features(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    del arguments
    found = _FEATURES.search(str(error)) if isinstance(error, ValueError) else None
    if found is None:
        return None
    return (
        f"A row of the request has {found[1]} values; the model was trained on {found[3]}.",
        "Send every feature, in the order of the training data.",
    )


def _one_row(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    del arguments
    if not isinstance(error, ValueError) or "Expected 2D array, got 1D array" not in str(error):
        return None
    return (
        "The model wants a list of rows and got one row.",
        "Send [[...]] instead of [...], or let run() wrap it: model.predict([row]).",
    )


def _feature_names(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    del arguments
    if not isinstance(error, ValueError) or "The feature names should match" not in str(error):
        return None
    return (
        "The columns of the request are not those that the model was trained with.",
        "Send the training data's columns under their names, in their order.",
    )


def _not_a_number(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    del arguments
    words = ("could not convert string to float", "is not compatible with arrays of bytes/strings")
    if not isinstance(error, ValueError) or not any(each in str(error) for each in words):
        return None
    return (
        "The request has text where the model needs a number.",
        "Send numbers without quotes; a category has to be encoded as it was for the training.",
    )


def _sample(error: BaseException, arguments: dict[str, Any]) -> Advice | None:
    del arguments
    found = _UNFIT.search(str(error)) if isinstance(error, ValueError) else None
    if found is None:
        return None
    return (
        f"What was sent as {found[1]!r} is not like the sample in @input_schema.",
        (
            "Send data like the sample, or give @input_schema a sample of what is sent; "
            "/swagger.json shows it."
        ),
    )


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


RULES: tuple[Callable[[BaseException, dict[str, Any]], Advice | None], ...] = (
    _double_encoded,
    _decoded_already,
    _missing_key,
    _text_as_dictionary,
    _not_json,
    _features,
    _one_row,
    _feature_names,
    _not_a_number,
    _sample,
)
