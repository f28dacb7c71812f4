"""Which variables of the calling process a server gets to see.

A service is started from a notebook, a terminal or a panel and outlives them. It
needs what makes the interpreter, its libraries and its network work as they do
there, and nothing else: no Jupyter tokens, no cloud credentials, nothing that
happens to be set in one place only. What the script needs beyond that is declared
in the environment's ``environment_variables``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["inherited"]

_NAMES = frozenset(
    {
        # the user and the machine
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ"),
        *("TMPDIR", "TEMP", "TMP"),
        # where native libraries are, and what the interpreter is
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("VIRTUAL_ENV", "PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING", "JAVA_HOME"),
        # the way out: proxies, and the certificates of a company's
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        # where libraries keep what they have downloaded
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HF_HOME", "HF_HUB_OFFLINE"),
        *("TRANSFORMERS_CACHE", "NLTK_DATA", "SKLEARN_DATA", "MPLCONFIGDIR"),
    }
)

# Threads and devices of numerical libraries.
_PREFIXES = (
    *("LC_", "CONDA_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "OMP_", "KMP_", "GOMP_", "MKL_"),
    *("OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_", "NUMBA_", "MALLOC_"),
    *("TF_", "XLA_", "JAX_", "TORCH_", "PYTORCH_", "ONNX_", "ORT_"),
)

_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|APIKEY|(^|_)(KEY|AUTH|PWD)(_|$)", re.IGNORECASE
)


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of ``environment`` that a server inherits.

    Proxies count in both spellings. What looks like a secret by its name never
    does, whatever its prefix.
    """
    return {
        name: value
        for name, value in environment.items()
        if (name.upper() in _NAMES or name.startswith(_PREFIXES)) and not _SECRET.search(name)
    }
