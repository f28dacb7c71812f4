"""One scoring request on the model thread: read, run, encode (spec sections 9.2, 9.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from .encoding import NotEncodableError, encode
from .failures import describe, readable_traceback
from .inputs import BadInput, InputReader
from .messages import Request, Response, message_response

__all__ = ["Outcome", "Scorer"]

RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."

logger = logging.getLogger("azmlinfsrv")


@dataclass(slots=True)
class Outcome:
    """What came of a request.

    Parameters
    ----------
    run_failed
        Whether the entry script is to blame.
    exec_ms
        Milliseconds ``run()`` took; ``None`` unless it succeeded.
    ended_by
        The exit code when ``run()`` called ``sys.exit``.
    """

    response: Response
    run_failed: bool = False
    exec_ms: float | None = None
    ended_by: int | None = None


class Scorer:
    """Answers scoring requests with a loaded entry script.

    Parameters
    ----------
    run
        The script's function.
    reader
        Reads its arguments from a request.
    swagger
        Document by version, ready to send.
    app_root
        Folder that the names of the script's files are shown relative to.
    """

    def __init__(
        self,
        run: Callable[..., Any],
        reader: InputReader,
        swagger: dict[str, bytes],
        app_root: Path,
    ) -> None:
        self._run = run
        self._reader = reader
        self._app_root = app_root
        self.swagger = swagger
        self.failure: dict[str, Any] | None = None  # of the last request that failed in run()
        self._hinted = False

    def score(self, request: Request) -> Outcome:
        """Answer one request; never raises."""
        try:
            arguments = self._reader.read(request)
        except BadInput as error:
            return Outcome(message_response(error.status, str(error)))
        begun = perf_counter()
        try:
            result = self._run(**arguments)
        except SystemExit as error:
            return self._exited(error)
        except BaseException as error:
            # User code may raise anything; the thread serves the next request.
            self._failed(error, arguments)
            return Outcome(message_response(500, RUN_FAILED), run_failed=True)
        exec_ms = (perf_counter() - begun) * 1e3
        try:
            body = encode(result)
        except NotEncodableError as error:
            logger.error("The result of run() cannot be sent: %s", error)  # noqa: TRY400
            self.failure = describe(error, "run()", self._app_root)
            self.failure["traceback"] = ""  # of ours
            self.failure["what"] = f"The result of run() cannot be sent: {error}"
            self.failure["hint"] = (
                "Return numbers, text, lists, dictionaries, arrays or frames: convert the rest."
            )
            return Outcome(message_response(500, INTERNAL))
        except Exception as error:
            # Methods of the user's own classes ran, so this may be anything too.
            logger.error(  # noqa: TRY400 - the traceback without our frames
                "The result of run() cannot be sent:\n%s", readable_traceback(error)
            )
            return Outcome(message_response(500, INTERNAL))
        if isinstance(result, str):
            self._hint(result)
        return Outcome(Response(200, body), exec_ms=exec_ms)

    def _failed(self, error: BaseException, arguments: dict[str, Any]) -> None:
        """Write down what went wrong in ``run()``, why, and what to do; the client is not told."""
        from .request_rules import advise  # noqa: PLC0415 - nothing a good request needs

        problem = describe(error, "run()", self._app_root)
        why, way_out = advise(error, arguments)
        if why:
            problem["what"] = f"{problem['what']} {why}"
        problem["hint"] = way_out or problem["hint"]
        where = f" ({problem['file']}:{problem['line']})" if problem["file"] else ""
        logger.error(
            "run() failed%s: %s %s\n%s",
            where,
            problem["what"],
            problem["hint"],
            problem["traceback"],
        )
        self.failure = problem

    def _exited(self, error: SystemExit) -> Outcome:
        code = error.code if isinstance(error.code, int) and 0 < error.code < 256 else 1
        logger.error(
            "run() called sys.exit(%r), which ends this server process:\n%s",
            error.code,
            readable_traceback(error),
        )
        page = b"<html><body><h1>Internal Server Error</h1></body></html>\n"
        response = Response(500, page, "text/html; charset=utf-8", close=True)
        return Outcome(response, run_failed=True, ended_by=code)

    def _hint(self, result: str) -> None:
        if not self._hinted and result[:1] in ("{", "["):
            self._hinted = True
            logger.info(
                "run() returned text that looks like JSON; clients get it as a quoted string and "
                "must decode twice. Return the list or dictionary itself to encode it once."
            )
