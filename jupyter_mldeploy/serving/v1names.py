"""Import names of v1 that an entry script uses, where the real packages are absent.

A finder at the end of ``sys.meta_path`` answers only for names nobody else
found, so an installed ``azureml-core`` or ``inference-schema`` always wins.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

__all__ = ["RAW_HTTP_MODULES", "install"]

# v1 module -> names in it -> module of ours that has them. The empty ones are packages.
PROVIDED: dict[str, dict[str, str]] = {
    "azureml": {},
    "azureml.core": {"Model": ".model_path"},
    "azureml.core.model": {"Model": ".model_path"},
    "inference_schema": {},
    "inference_schema.parameter_types": {},
    "inference_schema.schema_decorators": {
        "input_schema": ".schema.decorators",
        "output_schema": ".schema.decorators",
    },
    "inference_schema.schema_util": {
        "get_input_schema": ".schema.inspection",
        "get_output_schema": ".schema.inspection",
        "get_supported_versions": ".schema.inspection",
        "is_schema_decorated": ".schema.inspection",
        "get_schemas_dict": ".schema.inspection",
    },
    "inference_schema.parameter_types.abstract_parameter_type": {
        "AbstractParameterType": ".schema.parameter_type"
    },
    "inference_schema.parameter_types.numpy_parameter_type": {
        "NumpyParameterType": ".schema.numpy_type"
    },
    "inference_schema.parameter_types.pandas_parameter_type": {
        "PandasParameterType": ".schema.pandas_type"
    },
    "inference_schema.parameter_types.standard_py_parameter_type": {
        "StandardPythonParameterType": ".schema.python_type"
    },
}

# Modules that moved, by the names old pickles have for them (spec section 7.5).
MOVED: dict[str, str] = {
    "sklearn.linear_model.ridge": "sklearn.linear_model._ridge",
    "sklearn.linear_model.logistic": "sklearn.linear_model._logistic",
    "sklearn.linear_model.bayes": "sklearn.linear_model._bayes",
    "sklearn.externals.joblib": "joblib",
    "sklearn.externals.joblib.numpy_pickle": "joblib.numpy_pickle",
}

RAW_HTTP_MODULES = (
    "azureml.contrib.services.aml_request",
    "azureml.contrib.services.aml_response",
    "azureml.contrib.services.rawhttp",
    "azureml_inference_server_http.api.aml_request",
    "azureml_inference_server_http.api.aml_response",
)

# What is known and not served here: the import fails with the reason.
REFUSED: dict[str, str] = {
    "azureml.contrib": "raw HTTP requests (rawhttp, AMLRequest, AMLResponse) are not served by "
    "this version: run(data) gets the body as text and returns the result",
    "azureml_inference_server_http": "raw HTTP requests (rawhttp, AMLRequest, AMLResponse) are "
    "not served by this version: run(data) gets the body as text and returns the result",
    "azureml.monitoring": "data collection is not offered by this version",
    "inference_schema.parameter_types.spark_parameter_type": "Spark samples are not supported by "
    "this version: give a pandas or numpy sample",
}


class _Provided(importlib.abc.Loader):
    """Builds a v1 module from ours."""

    def create_module(
        self,
        spec: importlib.machinery.ModuleSpec,  # noqa: ARG002 - the protocol's
    ) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        for name, home in PROVIDED[module.__name__].items():
            setattr(module, name, getattr(importlib.import_module(home, __package__), name))
        if module.__name__.startswith("azureml"):
            module.__getattr__ = _missing(module.__name__)  # type: ignore[method-assign]


class _Moved(importlib.abc.Loader):
    """Gives an old name to the module that took its place."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(MOVED[spec.name])
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just put the old name's spec on a module that
        # keeps living under its own name.
        module.__spec__ = self._spec
        if module.__name__ == "joblib":
            # Otherwise the file would be loaded a second time, under the old name.
            old = "sklearn.externals.joblib.numpy_pickle"
            sys.modules.setdefault(old, importlib.import_module(MOVED[old]))


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in PROVIDED:
            package = any(name.startswith(f"{fullname}.") for name in PROVIDED)
            return importlib.machinery.ModuleSpec(fullname, _Provided(), is_package=package)
        if fullname in MOVED:
            return importlib.machinery.ModuleSpec(fullname, _Moved())
        for name, reason in REFUSED.items():
            if fullname == name or fullname.startswith(f"{name}."):
                raise ImportError(f"{fullname} is not available: {reason}.", name=fullname)
        return None


def _missing(module: str) -> Any:
    def __getattr__(name: str) -> Any:  # noqa: N807 - the module hook of PEP 562
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(
            f"{module}.{name} is not available in an entry script: of {module} only "
            "Model.get_model_path is. Install the real package if the script needs more.",
            name=f"{module}.{name}",
        )

    return __getattr__


def install() -> None:
    """Offer the names, after everything that is really installed. Safe to call again."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
