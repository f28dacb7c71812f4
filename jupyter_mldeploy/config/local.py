"""Where and how a service runs on this machine (spec sections 4.1 and 10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from jupyter_mldeploy.config.declaration import Declaration, section
from jupyter_mldeploy.config.explain import BrokenRuleError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LocalDeploymentConfiguration", "LocalEffective", "ServiceKeys"]

_in_lower_case = BeforeValidator(lambda given: given.lower() if isinstance(given, str) else given)


class ServiceKeys(Declaration):
    """The two keys of a service; either may be given, the other is made."""

    _title: ClassVar[str] = "pair of keys"

    primary_key: SecretStr | None = Field(None, min_length=1, description="First key.")
    secondary_key: SecretStr | None = Field(None, min_length=1, description="Second key.")

    @field_validator("primary_key", "secondary_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        text = key.get_secret_value() if key is not None else ""
        if not (text.isascii() and text.isprintable() and " " not in text):
            raise ValueError(
                "it travels in a header, so it must be of ASCII characters without spaces"
            )
        return key


@dataclass(frozen=True)
class LocalEffective:
    """What a local deployment configuration comes to.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Number, or ``None`` for one that is free.
    workers
        Server processes.
    auth
        How callers identify themselves.
    scoring_timeout_ms
        Longest time for one request, in milliseconds.
    init_timeout_seconds
        Longest time for ``init()``, in seconds.
    drain_seconds
        Longest time that a server which is replaced goes on for its open requests, in seconds.
    """

    host: str
    port: int | None
    workers: int
    auth: Literal["none", "key", "token"]
    scoring_timeout_ms: int
    init_timeout_seconds: float
    drain_seconds: float


class LocalDeploymentConfiguration(Declaration):
    """How a service runs as a process on this machine.

    Parameters
    ----------
    port
        1 to 65535; not given: one that is free.
    primary_key, secondary_key
        Keys for callers, with `auth_enabled`; in files they stand under ``keys``. Not given: made.

    Raises
    ------
    ConfigurationError
        A field is unknown or out of bounds, both kinds of authentication are enabled, or keys are
        given without `auth_enabled`.
    """

    _title: ClassVar[str] = "local deployment configuration"

    port: int | None = Field(
        None, ge=1, le=65535, description="Port to listen on; one that is free when not given."
    )
    host: str | None = Field(
        None,
        min_length=1,
        description="Address to listen on; 127.0.0.1 (this machine only) when not given.",
    )
    workers: int | None = Field(
        None, ge=1, le=256, description="Number of server processes; 1 when not given."
    )
    auth_enabled: bool | None = Field(None, description="Callers need a key; false when not given.")
    token_auth_enabled: bool | None = Field(
        None, description="Callers need a token that expires; false when not given."
    )
    keys: Annotated[ServiceKeys, section(ServiceKeys)] | None = Field(
        None, description="Keys for callers; made when not given."
    )
    scoring_timeout_ms: int | None = Field(
        None,
        ge=1,
        le=86_400_000,
        description="Longest time for one request in milliseconds; 3600000 when not given.",
    )
    init_timeout_seconds: float | None = Field(
        None,
        gt=0,
        le=604_800,
        description="Longest time for init() in seconds; 600 when not given.",
    )
    drain_seconds: float | None = Field(
        None,
        ge=0,
        le=43_200,
        description="Longest time in seconds that a replaced server goes on for its open "
        "requests; 30 when not given.",
    )
    tags: dict[str, str] | None = Field(None, description="Changeable labels.")
    properties: dict[str, str] | None = Field(None, description="Labels that never change.")
    description: str | None = Field(None, description="Free text.")
    compute_type: Annotated[Literal["local"], _in_lower_case] = Field(
        "local", description="Where it runs: on this machine."
    )

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, host: str | None) -> str | None:
        if host is not None and not re.fullmatch(r"[A-Za-z0-9._:%-]{1,253}", host):
            raise ValueError("it must be an IP address or a host name")
        return host

    @classmethod
    def _arranged(cls, values: dict[str, Any]) -> dict[str, Any]:
        # In Python the keys stand beside the other fields, as in v1's deploy_configuration().
        flat: dict[str, Any] = {
            name: values.pop(name) for name in ("primary_key", "secondary_key") if name in values
        }
        given = {name: key for name, key in flat.items() if key is not None}
        if given and values.get("keys") is None:
            values["keys"] = given
        elif given:
            values.update(given)  # both ways at once: refused as unknown fields
        return values

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.auth_enabled and self.token_auth_enabled:
            raise BrokenRuleError(
                "`{auth_enabled}` and `{token_auth_enabled}` are both true; keep one of them."
            )
        if (self.primary_key or self.secondary_key) and not self.auth_enabled:
            raise BrokenRuleError("Keys are given, but `{auth_enabled}` is not true.")
        return self

    @property
    def primary_key(self) -> SecretStr | None:
        """The first key, when one was given."""
        return self.keys.primary_key if self.keys else None

    @property
    def secondary_key(self) -> SecretStr | None:
        """The second key, when one was given."""
        return self.keys.secondary_key if self.keys else None

    def effective(self) -> LocalEffective:
        """Return the values with what stands for those that were not given."""
        auth: Literal["none", "key", "token"] = "none"
        if self.auth_enabled:
            auth = "key"
        elif self.token_auth_enabled:
            auth = "token"
        return LocalEffective(
            host=_or(self.host, "127.0.0.1"),
            port=self.port,
            workers=_or(self.workers, 1),
            auth=auth,
            scoring_timeout_ms=_or(self.scoring_timeout_ms, 3_600_000),
            init_timeout_seconds=_or(self.init_timeout_seconds, 600.0),
            drain_seconds=_or(self.drain_seconds, 30.0),
        )


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value
