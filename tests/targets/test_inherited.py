"""What a server sees of the process that started it."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.targets.inherited import inherited


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"),
        *("PYTHONPATH", "HTTPS_PROXY", "https_proxy", "no_proxy", "REQUESTS_CA_BUNDLE"),
        *("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HF_HOME"),
    ],
)
def test_what_libraries_need_is_kept(name):
    assert inherited({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    "name",
    [
        *("JPY_API_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_PARENT_PID", "MLDEPLOY_HOME"),
        *("AWS_SECRET_ACCESS_KEY", "AZURE_CLIENT_SECRET", "GITHUB_TOKEN", "HF_TOKEN"),
        *("CONDA_TOKEN", "TF_API_KEY", "CUDA_PASSWORD", "PGPASSWORD", "DATABASE_URL"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP", "MPLBACKEND", "TERM", "PWD"),
    ],
)
def test_what_belongs_to_the_notebook_is_not(name):
    assert inherited({name: "x"}) == {}
