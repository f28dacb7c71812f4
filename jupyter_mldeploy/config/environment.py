"""The software a service runs with, as v1 describes it (spec sections 3 and 10)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from jupyter_mldeploy.config.declaration import Declaration, PathText, section
from jupyter_mldeploy.config.explain import BrokenRuleError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ContainerRegistry", "DockerSection", "Environment", "PythonSection"]


def _json_able(value: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as broken:
        raise ValueError(f"it holds something that JSON cannot write: {broken}") from None
    return value


# What other tools read; kept as it is.
_Kept = Annotated[dict[str, Any], AfterValidator(_json_able)]
_or_empty = BeforeValidator(lambda given: {} if given is None else given)


class _Editable(Declaration):
    """A declaration whose attributes may be assigned, because v1 scripts do; each is checked."""

    model_config = ConfigDict(frozen=False, validate_assignment=True)

    @classmethod
    def empty(cls) -> Self:
        """Return one where nothing is given."""
        return cls()


class ContainerRegistry(_Editable):
    """Where a base image is pulled from, and the login for it."""

    _title: ClassVar[str] = "container registry"

    address: str | None = Field(None, description="Host name of the registry.")
    username: str | None = Field(None, description="Login name.")
    password: SecretStr | None = Field(None, description="Login password.")

    def is_complete(self) -> bool:
        """Whether all of the three are given, or none (spec section 3)."""
        return len({self.address is None, self.username is None, self.password is None}) == 1


class DockerSection(_Editable):
    """How a container for the environment is made. None of it matters to a local process."""

    _title: ClassVar[str] = "docker section"

    enabled: bool | None = Field(None, description="Run in a container.")
    base_image: str | None = Field(None, description="Image to start from.")
    base_dockerfile: str | None = Field(
        None, description="Dockerfile to start from: its text or its path. Not with a base image."
    )
    base_image_registry: Annotated[ContainerRegistry, section(ContainerRegistry), _or_empty] = (
        Field(default_factory=ContainerRegistry.empty, description="Registry of the base image.")
    )
    shared_volumes: bool | None = Field(None, description="Share volumes with the host.")
    shm_size: str | None = Field(
        None, description="Shared memory with its unit; 2g when it is not given."
    )
    arguments: list[str] | None = Field(None, description="Further arguments of docker run.")
    gpu_support: bool | None = Field(None, description="Give the container the GPUs.")

    @model_validator(mode="after")
    def _one_base(self) -> DockerSection:
        if self.base_image is not None and self.base_dockerfile is not None:
            raise BrokenRuleError(
                "`{base_image}` and `{base_dockerfile}` are both given; keep one of them."
            )
        return self


class PythonSection(_Editable):
    """Which Python and which packages."""

    _title: ClassVar[str] = "python section"

    interpreter_path: str | None = Field(None, description="Path of the interpreter.")
    user_managed_dependencies: bool | None = Field(
        None, description="The interpreter already has what is needed; install nothing."
    )
    conda_dependencies: _Kept | None = Field(
        None, description="Content of a conda environment file."
    )
    conda_dependencies_file: PathText | None = Field(
        None, description="Path of a conda environment file."
    )
    base_conda_environment: str | None = Field(
        None, description="Conda environment to add packages to."
    )


class Environment(_Editable):
    """A named description of the software a service runs with.

    Attributes can be assigned, as v1 scripts do:
    ``env.python.user_managed_dependencies = True``.

    Parameters
    ----------
    name
        Name of the environment.

    Raises
    ------
    ConfigurationError
        An unknown attribute, a wrong type, or a base image beside a base Dockerfile.
    """

    _title: ClassVar[str] = "environment"

    name: str | None = Field(None, description="Name of the environment.")
    version: str | None = Field(None, description="Version of the environment.")
    environment_variables: Annotated[dict[str, str], _or_empty] = Field(
        default_factory=dict, description="Variables that the entry script finds in os.environ."
    )
    python: Annotated[PythonSection, section(PythonSection), _or_empty] = Field(
        default_factory=PythonSection.empty, description="The interpreter and its packages."
    )
    docker: Annotated[DockerSection, section(DockerSection), _or_empty] = Field(
        default_factory=DockerSection.empty, description="How a container is made."
    )
    spark: _Kept | None = Field(None, description="Spark settings; kept, not used.")
    databricks: _Kept | None = Field(None, description="Databricks settings; kept, not used.")
    inferencing_stack_version: str | None = Field(
        None, description="Serving software in a custom image: latest, or not given."
    )

    def __init__(self, name: str | None = None, **values: Any) -> None:
        super().__init__(**{"name": name, **values})

    def unsupported_here(self) -> Iterator[str]:
        """Yield a sentence for each part that the current interpreter cannot honour."""
        python, docker = self.python, self.docker
        if python.conda_dependencies or python.conda_dependencies_file:
            yield (
                "The environment's conda dependencies are not installed: "
                "the service runs with the packages of the current interpreter."
            )
        if python.base_conda_environment:
            yield "The environment's base conda environment is not used."
        if python.interpreter_path not in (None, "python"):
            yield (
                f"The environment's interpreter {python.interpreter_path} is not used: "
                "the service runs with the current one."
            )
        # `docker.enabled` alone, which many v1 scripts set, only says where the same thing runs.
        if docker.base_image or docker.base_dockerfile:
            yield "The environment's docker image is not used: the service is a local process."
        elif docker.gpu_support:
            yield "The environment's GPU support is not used: a local process sees what it sees."
        if self.spark or self.databricks:
            yield "The environment's spark and databricks sections are not used."
