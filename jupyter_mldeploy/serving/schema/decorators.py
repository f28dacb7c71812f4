"""``@input_schema`` and ``@output_schema`` (spec section 7.2)."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from .parameter_type import AbstractParameterType

__all__ = ["Declared", "declared_of", "input_schema", "known", "output_schema"]

Function = TypeVar("Function", bound=Callable[..., Any])
MARK = "__mldeploy_schema__"

# Every decorated function by module and name; a later one of the same name replaces it.
known: dict[str, Declared]


@dataclass(frozen=True, slots=True)
class Input:
    """One declared parameter."""

    type: AbstractParameterType
    convert: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class Declared:
    """What the decorators said about one function."""

    function: Callable[..., Any]
    inputs: dict[str, Input] = field(default_factory=dict)
    output: AbstractParameterType | None = None


known = {}


def input_schema(
    param_name: str,
    param_type: AbstractParameterType,
    convert_to_provided_type: bool = True,
    optional: bool = False,
) -> Callable[[Function], Function]:
    """Declare one parameter of ``run()`` by a sample.

    Parameters
    ----------
    param_name
        Name of the parameter, and of its key in the JSON body.
    param_type
        The sample, e.g. ``NumpyParameterType(array)``.
    convert_to_provided_type
        Convert what JSON gave to the sample's type before the call. A value
        that has the type already is passed as it is.
    optional
        Whether a request may leave it out.

    Raises
    ------
    TypeError
        `param_type` is no parameter type.
    ValueError
        The function has no such parameter.
    """
    _check(param_type, "param_type")

    def decorate(function: Function) -> Function:
        declared = declared_of(function) or Declared(function)
        names = inspect.signature(declared.function).parameters
        if param_name not in names:
            raise ValueError(
                f"{_name(function)} has no parameter {param_name!r}; it has: "
                f"{', '.join(names) or 'none'}."
            )
        one = Input(param_type, convert_to_provided_type, optional)
        inputs = {**declared.inputs, param_name: one}
        return cast("Function", _wrap(replace(declared, inputs=inputs)))

    return decorate


def output_schema(output_type: AbstractParameterType) -> Callable[[Function], Function]:
    """Declare the result of ``run()`` by a sample; the result itself is not converted.

    Raises
    ------
    TypeError
        `output_type` is no parameter type.
    """
    _check(output_type, "output_type")

    def decorate(function: Function) -> Function:
        declared = declared_of(function) or Declared(function)
        return cast("Function", _wrap(replace(declared, output=output_type)))

    return decorate


def declared_of(function: Callable[..., Any]) -> Declared | None:
    """Return what was declared for `function`, if anything."""
    declared = getattr(function, MARK, None)
    return declared if isinstance(declared, Declared) else None


def _wrap(declared: Declared) -> Callable[..., Any]:
    function = declared.function
    names = tuple(inspect.signature(function).parameters)
    converted = {
        name: one.type.deserialize_input for name, one in declared.inputs.items() if one.convert
    }
    optional = {name for name, one in declared.inputs.items() if one.optional}

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip(names, args, strict=False))
        rest = args[len(given) :]
        if rest or given.keys() & kwargs.keys():
            return function(*args, **kwargs)  # raises the TypeError that Python has for it
        given.update(kwargs)
        for name, convert in converted.items():
            if name in given and not (name in optional and given[name] is None):
                try:
                    given[name] = convert(given[name])
                except (ValueError, TypeError, OverflowError) as error:
                    raise ValueError(f"The value of {name!r} does not fit: {error}") from error
        return function(**given)

    setattr(wrapper, MARK, declared)
    known[f"{function.__module__}.{function.__qualname__}"] = declared
    return wrapper


def _check(value: Any, name: str) -> None:
    if not isinstance(value, AbstractParameterType):
        raise TypeError(
            f"{name} must be a parameter type such as NumpyParameterType(sample), "
            f"not {type(value).__name__}."
        )


def _name(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__name__', 'the function')}()"
