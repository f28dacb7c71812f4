"""What every kind of sample can do."""

from __future__ import annotations

from typing import Any

__all__ = ["ALL_VERSIONS", "OPENAPI_VERSIONS", "AbstractParameterType"]

OPENAPI_VERSIONS = ("3.0", "3.1")
ALL_VERSIONS = ("2.0", *OPENAPI_VERSIONS)
EXAMPLE_ROWS = 100  # a training set given as the sample must not become the document


class AbstractParameterType:
    """A sample, the schema it implies and the conversion to its type.

    Parameters
    ----------
    sample_input
        A value of the type that ``run()`` wants.
    """

    def __init__(self, sample_input: Any) -> None:
        self.sample_input = sample_input
        self.sample_data_type: type[Any] = type(sample_input)

    def deserialize_input(self, input_data: Any) -> Any:
        """Return `input_data`, as JSON gave it, in the type of the sample.

        Raises
        ------
        ValueError
            It does not fit; the message says what was expected and what came.
        """
        raise NotImplementedError

    def input_to_swagger(self) -> dict[str, Any]:
        """Return the schema, with ``example``."""
        raise NotImplementedError

    def supported_versions(self) -> tuple[str, ...]:
        """Return the versions of Swagger that can express the schema."""
        return ALL_VERSIONS
