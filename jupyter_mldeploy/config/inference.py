"""How a model is served: the entry script, and the software around it (spec sections 3 and 10)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from jupyter_mldeploy.config.declaration import Declaration, PathText, section
from jupyter_mldeploy.config.entry_script import check_entry_script
from jupyter_mldeploy.config.environment import ContainerRegistry, Environment
from jupyter_mldeploy.config.explain import BrokenRuleError
from jupyter_mldeploy.config.fields import key_of
from jupyter_mldeploy.config.names import check_entry_script_name
from jupyter_mldeploy.errors import ConfigurationError, UserErrorException

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["InferenceConfig", "load_inference_config"]

# What `environment` took the place of; ignored in a file that has both (spec section 10).
_LEGACY = (
    "runtime",
    "conda_file",
    "extra_docker_file_steps",
    "enable_gpu",
    "base_image",
    "base_image_registry",
    "cuda_version",
)


class InferenceConfig(Declaration):
    """How a model is served.

    Parameters
    ----------
    entry_script
        Path of the script with ``init()`` and ``run(data)``, below `source_directory`; without
        one, below the current folder.
    runtime
        ``python``; ``spark-py`` and ``python-slim`` are read, and reported by
        :meth:`unsupported_here`.
    conda_file, extra_docker_file_steps
        Paths below `source_directory`.
    source_directory
        Folder that is deployed with the script.
    enable_gpu, base_image, base_image_registry, cuda_version
        For container targets.
    description
        Free text.
    environment
        The software, described by an :class:`Environment`; not together with `runtime`,
        `conda_file`, `extra_docker_file_steps`, `enable_gpu`, `cuda_version` and `base_image`.

    Raises
    ------
    ConfigurationError
        A field is unknown or out of bounds, a named file is missing, or the script is not Python
        (file, line and code are named). The rules are those of spec section 3.
    """

    _title: ClassVar[str] = "inference configuration"
    # Both are found in v1's documentation (spec section 10).
    _also_spelled: ClassVar[dict[str, str]] = {"extraDockerFileSteps": "extra_docker_file_steps"}

    entry_script: PathText = Field(
        description="Path of the script with init() and run(data), below the source directory."
    )
    runtime: Literal["python", "spark-py", "python-slim"] | None = Field(
        None, description="What executes the script."
    )
    conda_file: PathText | None = Field(
        None, description="Path of a conda environment file, below the source directory."
    )
    extra_docker_file_steps: PathText | None = Field(
        None,
        serialization_alias="extraDockerfileSteps",
        description="Path of a file with further Dockerfile steps, below the source directory.",
    )
    source_directory: PathText | None = Field(
        None, min_length=1, description="Folder that is deployed with the script."
    )
    enable_gpu: bool | None = Field(None, description="Make an image that can use GPUs.")
    description: str | None = Field(None, description="Free text.")
    base_image: str | None = Field(None, description="Image to start from.")
    base_image_registry: Annotated[ContainerRegistry, section(ContainerRegistry)] | None = Field(
        None, description="Registry of the base image."
    )
    cuda_version: (
        Annotated[
            Literal["9.0", "9.1", "10.0"],
            # YAML reads an unquoted 9.1 as a number.
            BeforeValidator(lambda given: str(given) if isinstance(given, float) else given),
        ]
        | None
    ) = Field(None, description="CUDA version of a GPU image; 9.1 when it is not given.")
    environment: Annotated[Environment, section(Environment)] | None = Field(
        None, description="The software around the script."
    )

    def __init__(
        self,
        entry_script: str | os.PathLike[str],
        runtime: str | None = None,
        conda_file: str | os.PathLike[str] | None = None,
        extra_docker_file_steps: str | os.PathLike[str] | None = None,
        source_directory: str | os.PathLike[str] | None = None,
        enable_gpu: bool | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
        environment: Environment | None = None,
        **values: Any,
    ) -> None:
        super().__init__(
            entry_script=entry_script,
            runtime=runtime,
            conda_file=conda_file,
            extra_docker_file_steps=extra_docker_file_steps,
            source_directory=source_directory,
            enable_gpu=enable_gpu,
            description=description,
            base_image=base_image,
            base_image_registry=base_image_registry,
            cuda_version=cuda_version,
            environment=environment,
            **values,
        )

    @field_validator("entry_script")
    @classmethod
    def _can_be_imported(cls, path: str) -> str:
        try:
            return check_entry_script_name(path)
        except UserErrorException as wrong:
            raise ConfigurationError(wrong.message, hint=wrong.hint) from None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.environment is not None:
            for name in _LEGACY:
                if getattr(self, name) is not None:
                    raise BrokenRuleError(
                        f"`{{{name}}}` and `{{environment}}` are both given; "
                        "say it in the environment."
                    )
        if self.base_image is not None and self.runtime == "spark-py":
            raise BrokenRuleError("`{base_image}` is only for the python `{runtime}`.")
        return self

    @classmethod
    def from_dict(cls, data: Any, *, source: str = "") -> Self:
        """Read the keys of a configuration file; see :meth:`Declaration.from_dict`.

        Keys that `environment` took the place of are ignored beside it (spec section 10).
        """
        if isinstance(data, dict) and data.get("environment") is not None:
            old = {*_LEGACY, *cls._also_spelled}
            old |= {key_of(name, cls.model_fields[name]) for name in _LEGACY}
            data = {key: value for key, value in data.items() if key not in old}
        return super().from_dict(data, source=source)

    def check(self) -> None:
        """Check the files that are named, as they are now.

        Raises
        ------
        ConfigurationError
            A file is missing or the script is not Python (spec section 3).
        """
        check_entry_script(self.entry_script, self.source_directory)
        base = Path(self.source_directory or ".").absolute()
        if self.source_directory is not None and source_name(self.source_directory) in (
            "",
            "azureml-models",
        ):
            raise ConfigurationError(
                f"The folder {base} cannot be a source directory: its name is needed for a folder "
                "beside the models.",
                hint="Put the script in a folder with another name.",
            )
        for words, path in (
            ("conda file", self.conda_file),
            ("file of extra Dockerfile steps", self.extra_docker_file_steps),
        ):
            if path is not None and not os.path.isfile(base / path):  # noqa: PTH113 (never raises)
                raise ConfigurationError(
                    f"The {words} {path!r} does not exist in {base}.",
                    hint="Such paths start from the source directory.",
                )
        if self.base_image_registry is not None and not self.base_image_registry.is_complete():
            raise ConfigurationError(
                "A base image registry needs its address, username and password.",
                hint="Give all three, or none of them.",
            )

    def resolved(self) -> Self:
        """Return the same with absolute paths: for a process with another current folder.

        Everything is validated again, what v1 scripts assigned to the environment included.

        Raises
        ------
        ConfigurationError
            Something no longer holds.
        """
        data = self.to_dict(secrets=True)
        if self.source_directory is not None:
            data["sourceDirectory"] = str(Path(self.source_directory).absolute())
        else:
            for key in ("entryScript", "condaFile", "extraDockerfileSteps"):
                if key in data:
                    data[key] = str(Path(data[key]).absolute())
        made = type(self).from_dict(data)
        made.check()
        return made

    def unsupported_here(self) -> list[str]:
        """Return a sentence for each field that this version reads but cannot honour.

        This version deploys with the current interpreter and its packages, as a local process.
        """
        said: list[str] = []
        if self.runtime not in (None, "python"):
            said.append(f"The runtime {self.runtime} is not used: the service runs with python.")
        if self.conda_file is not None:
            said.append(
                f"{self.conda_file} is not installed: "
                "the service runs with the packages of the current interpreter."
            )
        if self.base_image is not None:
            said.append(
                f"The base image {self.base_image} is not used: the service is a local process."
            )
        if self.extra_docker_file_steps is not None:
            said.append(f"The Dockerfile steps in {self.extra_docker_file_steps} are not used.")
        if self.enable_gpu or self.cuda_version is not None:
            said.append("No GPU image is made: the local process sees the GPUs that are there.")
        if self.environment is not None:
            said.extend(self.environment.unsupported_here())
        return said


def source_name(source_directory: str) -> str:
    """Return the name that a source directory has in a bundle: its last part, made absolute."""
    return os.path.basename(os.path.abspath(source_directory))  # noqa: PTH100, PTH119 (keeps links)


def load_inference_config(path: str | os.PathLike[str]) -> InferenceConfig:
    """Read an ``inferenceconfig.json`` or ``.yml`` file of the v1 command line (spec section 10).

    Raises
    ------
    ConfigurationError
        As :class:`InferenceConfig`, with the file's name first.
    """
    return InferenceConfig.from_file(path)
