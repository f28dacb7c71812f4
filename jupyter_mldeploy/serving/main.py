"""Starts a server process: ``from mldeploy_serving.main import main`` (INTERFACES)."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import sys

from .auth import make_gate
from .logs import configure
from .secret_files import SecretsError
from .server import Server
from .settings import Settings, SettingsError

__all__ = ["main"]

STDERR = 2
EXIT_BAD_SETTINGS = 1  # as the v1 server does for arguments it cannot use

logger = logging.getLogger("azmlinfsrv")


def main() -> int:
    """Serve until told to end.

    Returns
    -------
    int
        0 after a drain, 1 for settings that cannot be used, 3 when the entry
        script or its ``init()`` failed, else what ``run()`` gave to ``sys.exit``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A crash of compiled code leaves the Python stacks in the log; so does SIGQUIT, which a
    # supervisor sends to a server that hangs before it ends it.
    faulthandler.enable(STDERR)
    faulthandler.register(signal.SIGQUIT, STDERR)
    try:
        settings = Settings.take(os.environ)
        configure(settings.log_level)
        listening = [_inherited(fd) for fd in settings.listen_fds]
        control = None if settings.control_fd is None else _inherited(settings.control_fd)
        gate = make_gate(settings)
    except (SettingsError, SecretsError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_SETTINGS
    _step_back()
    return Server(settings, gate, listening, control).run()


def _inherited(descriptor: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        raise SettingsError(
            f"Descriptor {descriptor} is not a socket that was passed on: {error.strerror}."
        ) from None
    sock.set_inheritable(False)
    return sock


def _step_back() -> None:
    """Put the runtime's folder last on the path: the user's packages come before its wheels."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    for entry in list(sys.path):
        if os.path.abspath(entry) == folder:  # noqa: PTH100
            sys.path.remove(entry)
            sys.path.append(entry)
            return
