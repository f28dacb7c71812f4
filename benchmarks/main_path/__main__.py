"""Measure the main path and print one table: ``python -m benchmarks.main_path``.

Run it from the root of the repository, with the interpreter that has the package and
scikit-learn, on a quiet machine. Every figure stands beside what it is compared with,
measured in the same run, alternating (A B A B), after a warm-up that compiles all
bytecode. A cell shows ``median (min to max)``. What is not met is printed as such; the exit
code is 0 all the same, because a benchmark is no test.

deploy
    A Ridge model on the diabetes data, registered before, with the entry script of
    ``examples/diabetes``, the current interpreter and a caller that is a fresh process with the
    SDK imported, as a notebook's kernel is: from the call of ``Model.deploy`` to the
    first right answer of ``service.run``. Against ``bare.py``: from its start to the first
    right answer. With ``--mlflow`` also ``mlflow models serve --env-manager local``, in
    a virtual environment that is made once in ``.venv-mlflow``.
memory
    Supervisor and server, minus the bare process, all after one request. The headline is the
    sum of resident sizes (RSS), which counts shared pages once a process; the sum of
    proportional sizes (PSS) stands below it. Linux only.
startup
    Imports: inside a fresh interpreter, around the import statement. ``mldeploy service
    list``: the whole process, with three services running.
register
    ``Model.register`` in a warm process against ``cp FILE COPY && sha256sum COPY`` on the same
    file system: random data, new in every run, warm in the page cache for both;
    everything is synced to the disk before each run.
update
    20 updates between two versions of the model. Clients, in a process of their own,
    never retry: three ask flat out on keep-alive connections, one asks on a keep-alive
    connection with pauses, one opens a connection for each request. A failed request is
    one without an answer, with another status than 200, with an answer of neither version, or
    with an answer of the old version although the update had returned before it was sent.

All of it happens in a temporary folder (``--dir`` says where), which is removed at the end
together with every process in it, also after a failure.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

FIGURES = ("deploy", "memory", "startup", "register", "update")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.main_path",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer runs, and no 1 GB file")
    parser.add_argument("--only", metavar="A,B", default=",".join(FIGURES), help="of the above")
    parser.add_argument("--mlflow", action="store_true", help="measure MLflow beside the deploy")
    parser.add_argument(
        "--dir", type=Path, default=Path(tempfile.gettempdir()), help="where to work (%(default)s)"
    )
    chosen = parser.parse_args()
    chosen.only = [name.strip() for name in chosen.only.split(",")]
    if unknown := sorted(set(chosen.only) - set(FIGURES)):
        parser.error(f"--only knows {', '.join(FIGURES)}; not {', '.join(unknown)}")
    return chosen


def main() -> int:
    if sys.flags.dont_write_bytecode or "PYTHONDONTWRITEBYTECODE" in os.environ:
        # Without bytecode every start of a process compiles again: not what users have.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.main_path", *sys.argv[1:]])
    chosen = options()
    # An end from outside must run the clean-up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    from .scratch import Scratch
    from .table import Figure, print_table, say

    figures = []
    with Scratch(chosen.dir) as scratch:
        for name in FIGURES:
            if name not in chosen.only:
                continue
            say(f"{name} ...")
            try:
                module = importlib.import_module(f".{name}", __package__)
                figures += module.measure(scratch, chosen)
            except Exception:  # one figure that cannot be had must not hide the others
                traceback.print_exc()
                figures.append(Figure(name, "could not be measured: see above", met=False))
    print_table(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
