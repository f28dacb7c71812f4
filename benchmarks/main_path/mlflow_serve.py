"""MLflow's server of the same model, in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from .processes import first_answer, free_port, serving
from .scratch import Scratch
from .table import say

__all__ = ["prepare", "serve_once"]

VENV = Path(__file__).resolve().parents[2] / ".venv-mlflow"
_SAVE = """
import sys, mlflow.sklearn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
rows, target = load_diabetes(return_X_y=True)
mlflow.sklearn.save_model(Ridge(alpha=1.0).fit(rows, target), sys.argv[1])
"""


def prepare(scratch: Scratch) -> Path | None:
    """Return the folder of the model as MLflow saves it; ``None``, said, when it cannot be had."""
    try:
        _install()
        model = scratch.folder / "mlflow-model"
        subprocess.run(
            [VENV / "bin" / "python", "-c", _SAVE, str(model)],
            check=True,
            capture_output=True,
            text=True,
            cwd=scratch.folder,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        details = (getattr(error, "stderr", None) or "").strip()[-500:]
        say(f"  MLflow is left out, it cannot be had here: {error} {details}")
        return None
    return model


def _install() -> None:
    done = VENV / ".installed"
    if done.exists():
        return
    started = time.perf_counter()
    say(f"  making {VENV.name} with mlflow, once (minutes) ...")
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    subprocess.run(
        [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "mlflow", "scikit-learn"],
        check=True,
        capture_output=True,
        text=True,
    )
    subprocess.run([VENV / "bin" / "python", "-m", "compileall", "-q", VENV / "lib"], check=False)
    done.touch()
    say(f"  {VENV.name} took {time.perf_counter() - started:.0f} s")


def serve_once(model: Path, scratch: Scratch) -> float:
    """Return the seconds from the start of ``mlflow models serve`` to its first right answer."""
    port = free_port()
    command = [str(VENV / "bin" / "mlflow"), "models", "serve", "--env-manager", "local"]
    command += ["-m", str(model), "-p", str(port)]
    # MLflow starts its server by name: its own environment's must be found first.
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    started = time.perf_counter()
    with serving(
        command,
        env={**os.environ, "PATH": path},
        cwd=scratch.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        first_answer(
            process,
            port,
            json.dumps({"inputs": scratch.rows}).encode(),
            scratch.answers[0],
            "/invocations",
            lambda answer: answer["predictions"],
        )
        return time.perf_counter() - started
