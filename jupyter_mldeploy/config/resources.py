"""What a model needs of a machine (spec section 2.1)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from jupyter_mldeploy.config.declaration import Declaration

__all__ = ["ResourceConfiguration"]


class ResourceConfiguration(Declaration):
    """What a registered model needs of a machine.

    Parameters
    ----------
    cpu
        Cores; parts of one are allowed.
    memory_in_gb
        Memory in GB.
    gpu
        Number of GPUs.

    Raises
    ------
    ConfigurationError
        A value is not greater than 0 (spec section 2.1).
    """

    _title: ClassVar[str] = "resource configuration"

    cpu: float | None = Field(None, gt=0, description="Processor cores; may be a fraction.")
    memory_in_gb: float | None = Field(
        None, gt=0, serialization_alias="memoryInGB", description="Memory in GB."
    )
    gpu: int | None = Field(None, gt=0, description="Number of GPUs.")

    def __init__(
        self,
        cpu: float | None = None,
        memory_in_gb: float | None = None,
        gpu: int | None = None,
        **values: Any,
    ) -> None:
        super().__init__(cpu=cpu, memory_in_gb=memory_in_gb, gpu=gpu, **values)
