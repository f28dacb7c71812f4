"""Routes and what they answer (spec section 9.1), without a socket.

HTTP connections and the control socket's ``probe`` come through here alike.
Everything happens on the loop's thread except scoring itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

from .auth import Gate
from .hosts import HostRule
from .messages import Request, Response, message_response
from .model_thread import Job, ModelThread
from .request_ids import identify
from .scorer import Outcome, Scorer
from .settings import Settings
from .swagger import refusal_of_version

__all__ = ["Application", "Counts"]

# The version of the v1 server contract that is implemented (spec section 9).
SERVER_VERSION = "azmlinfsrv/1.5.1"
RUN_FAILED_HEADER = "x-ms-run-function-failed"
NOT_ALLOWED = "The method is not allowed for the requested URL."
METHODS = {
    "/": ("GET", "HEAD"),
    "/score": ("POST", "GET", "OPTIONS"),
    "/swagger.json": ("GET", "HEAD"),
}
LOGGED_PATH = 200  # characters

logger = logging.getLogger("azmlinfsrv")

Reply = Callable[[Response], None]


@dataclass(slots=True)
class Counts:
    """What was answered since the start; health checks (``/``) and probes do not count."""

    requests: int = 0
    errors: int = 0
    in_flight: int = 0


class Application:
    """Answers requests.

    Parameters
    ----------
    settings
        Of the process.
    hosts
        Which names the service answers to.
    gate
        Who may score.
    loop
        The event loop, for time limits.
    ended
        Told the exit code when ``run()`` called ``sys.exit``.
    """

    def __init__(
        self,
        settings: Settings,
        hosts: HostRule,
        gate: Gate,
        loop: asyncio.AbstractEventLoop,
        ended: Callable[[int], None],
    ) -> None:
        self._settings = settings
        self._hosts = hosts
        self._gate = gate
        self._loop = loop
        self.model_ended = ended
        self._model: ModelThread | None = None
        self._scorer: Scorer | None = None
        self._unavailable = "The service is starting: init() has not finished yet."
        self._timeout = settings.scoring_timeout_ms / 1e3
        self.counts = Counts()

    def open(self, scorer: Scorer, model: ModelThread) -> None:
        """Score from now on."""
        self._scorer = scorer
        self._model = model

    def shut(self, reason: str) -> None:
        """Stop scoring; the sentence goes to clients."""
        self._scorer = self._model = None
        self._unavailable = reason

    @property
    def last_failure(self) -> dict[str, Any] | None:
        """The Problem of the last request that the entry script failed, if one did."""
        return self._scorer.failure if self._scorer else None

    # -- the two steps of a request

    def screen(self, request: Request) -> Response | None:
        """Return the answer if method, path and headers decide it already."""
        refusal = self._hosts.refusal(request)
        if refusal is not None:
            return refusal
        allowed = METHODS.get(request.path)
        if allowed is None:
            return _outside(404, "There is nothing at this path: POST to /score.")
        if request.method not in allowed:
            response = _outside(405, NOT_ALLOWED)
            response.headers.append(("Allow", ", ".join(allowed)))
            return response
        if request.path != "/" and request.method != "OPTIONS" and not request.trusted:
            sentence = self._gate.refusal(request.headers)
            if sentence is not None:
                response = message_response(401, sentence)
                response.headers += [("WWW-Authenticate", "Bearer"), (RUN_FAILED_HEADER, "False")]
                return response
        if self._scorer is None and request.method != "OPTIONS":
            response = message_response(503, self._unavailable)
            response.headers.append(("Retry-After", "1"))
            return response
        return None

    def respond(self, request: Request, reply: Reply) -> Job | None:
        """Answer with `reply`, now or later; return the job that can be cancelled."""
        refusal = request.refusal or self.screen(request)
        if refusal is not None:
            self._finish(request, reply, refusal)
            return None
        headers, problem = identify(request.headers)
        if self._settings.show_server_version:
            headers.append(("x-ms-server-version", SERVER_VERSION))
        if problem is not None:
            response = _outside(431, problem)
            response.headers += headers
        elif request.path == "/":
            response = Response(200, b"Healthy", "text/html; charset=utf-8", headers)
        elif request.path == "/swagger.json":
            response = self._swagger(request, headers)
        elif request.method == "OPTIONS":
            response = Response(200, b"", "text/html; charset=utf-8", headers)
            response.headers.append((RUN_FAILED_HEADER, "False"))
        else:
            return self._score(request, reply, headers)
        self._finish(request, reply, response)
        return None

    # -- routes

    def _swagger(self, request: Request, headers: list[tuple[str, str]]) -> Response:
        version = parse_qs(request.query).get("version", ["2"])[0]
        documents = self._scorer.swagger if self._scorer else {}
        document = documents.get(version)
        if document is None:
            response = message_response(404, refusal_of_version(version, documents))
        else:
            response = Response(200, document)
        response.headers += [*headers, (RUN_FAILED_HEADER, "False")]
        return response

    def _score(self, request: Request, reply: Reply, headers: list[tuple[str, str]]) -> Job | None:
        model = self._model
        if model is None:
            self._finish(request, reply, message_response(503, self._unavailable))
            return None
        self.counts.in_flight += 1
        scoring = _Scoring(self, request, reply, headers)
        scoring.timer = self._loop.call_later(self._timeout, scoring.time_out)
        model.submit(scoring)
        return scoring

    # -- ends

    def scored(self, scoring: _Scoring, outcome: Outcome) -> None:
        """Send the outcome of a scoring request."""
        self.counts.in_flight -= 1
        response = outcome.response
        response.headers += scoring.headers
        response.headers.append((RUN_FAILED_HEADER, str(outcome.run_failed)))
        if outcome.exec_ms is not None:
            response.headers.append(("x-ms-run-fn-exec-ms", f"{outcome.exec_ms:.3f}"))
        self._finish(scoring.request, scoring.reply, response)
        if outcome.ended_by is not None:
            self.model_ended(outcome.ended_by)

    def timed_out(self, scoring: _Scoring) -> None:
        """Answer a request whose time is up."""
        limit = self._settings.scoring_timeout_ms
        state = "in run()" if scoring.started else "waiting for earlier requests"
        logger.error("A request exceeded %d ms, %s.", limit, state)
        response = message_response(500, f"Scoring timeout after {limit} ms")
        self.scored(scoring, Outcome(response, run_failed=True))

    def withdrawn(self) -> None:
        """Count a request off whose client went away."""
        self.counts.in_flight -= 1

    def _finish(self, request: Request, reply: Reply, response: Response) -> None:
        if request.path != "/" and not request.trusted:
            self.counts.requests += 1
            if response.status >= 500:
                self.counts.errors += 1
        if request.path != "/" or request.method != "GET":
            logger.info(
                "%s %s %d %.3fms %d",
                request.method,
                request.path[:LOGGED_PATH],
                response.status,
                (perf_counter() - request.started) * 1e3,
                len(response.body),
            )
        reply(response)


class _Scoring(Job):
    """A scoring request that somebody waits for, for a limited time."""

    __slots__ = ("_app", "headers", "reply", "timer")

    def __init__(
        self, app: Application, request: Request, reply: Reply, headers: list[tuple[str, str]]
    ) -> None:
        super().__init__(request)
        self._app = app
        self.reply = reply
        self.headers = headers
        self.timer: asyncio.TimerHandle

    def deliver(self, outcome: Outcome) -> None:
        """Send the outcome, unless nobody waits for it any more."""
        if self.cancelled:
            logger.warning("run() has ended for a request that was given up before.")
            if outcome.ended_by is not None:
                self._app.model_ended(outcome.ended_by)
            return
        self._settle()
        self._app.scored(self, outcome)

    def time_out(self) -> None:
        """Answer without an outcome; ``run()`` may go on."""
        self._settle()
        self._app.timed_out(self)

    def cancel(self) -> None:
        """Give up: the client went away."""
        if not self.cancelled:
            self._settle()
            self._app.withdrawn()

    def _settle(self) -> None:
        self.cancelled = True
        self.timer.cancel()


def _outside(status: int, message: str) -> Response:
    """Return an error of the contract's outer layer, which adds one header of its own."""
    response = message_response(status, message)
    response.headers.append((RUN_FAILED_HEADER, "False"))
    return response
