"""Small steps that the repositories share: rows to records, filters, field names checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row, Table

from jupyter_mldeploy.errors import UserErrorException

__all__ = ["PairFilter", "as_pairs", "as_record", "checked_fields", "like", "matches_pairs"]

PairFilter = Sequence[str | Sequence[str]] | None
"""Wanted pairs, as v1 writes them (spec section 2.1): ``'key'`` or ``['key', 'value']`` each."""

R = TypeVar("R")


def as_record(record_type: type[R], row: Row[Any], **more: Any) -> R:
    """Make a record of a row; columns that the record has no field for are left out."""
    names = vars(record_type)["__slots__"]  # the records are slots classes: their fields
    values = {key: value for key, value in row._mapping.items() if key in names}  # noqa: SLF001
    return record_type(**values, **more)


def checked_fields(table: Table, fields: Mapping[str, Any], fixed: frozenset[str]) -> None:
    """Refuse to update a column that does not exist or that never changes.

    Raises
    ------
    TypeError
        A programming error: the message names the columns.
    """
    wrong = sorted(set(fields) - (set(table.c.keys()) - fixed))
    if wrong:
        raise TypeError(f"{table.name}: cannot update {', '.join(wrong)}")


def like(text: str) -> str:
    r"""Return a LIKE pattern (escape character ``\``) that finds `text` anywhere."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, "\\" + special)
    return f"%{text}%"


def as_pairs(what: str, wanted: PairFilter) -> list[tuple[str, str | None]]:
    """Return wanted keys, each with the wanted value, or ``None`` for any value.

    Parameters
    ----------
    what
        The argument's name, for the message.

    Raises
    ------
    UserErrorException
        It is no list of ``'key'`` and ``['key', 'value']``.
    """
    hint = f"Write {what}=['key', ['key', 'value']]: a list of keys, or of keys with their value."
    if wanted is None:
        return []
    if not isinstance(wanted, (list, tuple)):
        raise UserErrorException(
            f"{what} must be a list, and is {type(wanted).__name__}.", hint=hint
        )
    pairs: list[tuple[str, str | None]] = []
    for each in wanted:
        parts = [each] if isinstance(each, str) else each
        if (
            not isinstance(parts, (list, tuple))
            or len(parts) not in {1, 2}
            or not all(isinstance(part, str) for part in parts)
        ):
            raise UserErrorException(f"{what} has {each!r}, which is no such filter.", hint=hint)
        pairs.append((parts[0], parts[1] if len(parts) == 2 else None))
    return pairs


def matches_pairs(pairs: Mapping[str, str], wanted: Sequence[tuple[str, str | None]]) -> bool:
    """Whether `pairs` has every wanted key, with its value where one is wanted."""
    return all(key in pairs and (value is None or pairs[key] == value) for key, value in wanted)
