"""Services as users hold them (spec section 4)."""

from __future__ import annotations

import builtins
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy import config
from jupyter_mldeploy.deployment.folders import service_folder
from jupyter_mldeploy.deployment.rows import service_row
from jupyter_mldeploy.errors import MLDeployError, OperationFailed, WebserviceException
from jupyter_mldeploy.operations.follow import ACTIVE
from jupyter_mldeploy.sdk import credentials
from jupyter_mldeploy.sdk.credentials import AccessToken
from jupyter_mldeploy.sdk.deploy import submit_on_service
from jupyter_mldeploy.sdk.observe import ServiceState, observe
from jupyter_mldeploy.sdk.operation import Operation
from jupyter_mldeploy.sdk.scoring import Body, score
from jupyter_mldeploy.store import ServiceRecord
from jupyter_mldeploy.targets import Status, load_target

if TYPE_CHECKING:
    from jupyter_mldeploy.config import LocalDeploymentConfiguration, LocalEffective
    from jupyter_mldeploy.sdk.model import Model
    from jupyter_mldeploy.sdk.workspace import Workspace

__all__ = ["Webservice"]

_BUSY = 409
_DELETE_ATTEMPTS = 10


class Webservice:
    """A deployed model behind an HTTP endpoint.

    Calling ``Webservice(workspace, name)`` returns an object of the subclass that
    fits the service (spec section 4).

    Parameters
    ----------
    workspace
        The workspace it was deployed in.
    name
        Its name.

    Raises
    ------
    WebserviceException
        ``WebserviceNotFound``: there is no service of that name.
    """

    workspace: Workspace
    name: str
    _id: str
    # The operation that had ended, well or badly, when a deployment found its wish fulfilled.
    _settled: str | None = None

    def __new__(cls, workspace: Workspace, name: str) -> Webservice:  # noqa: PYI034 -- a subclass
        """Look the service up and choose its class."""
        record = workspace._store.services.get(workspace._record.id, name)
        if record is None:
            raise WebserviceException(
                f"WebserviceNotFound: Webservice with name {name} not found in provided workspace",
                404,
                hint="`mldeploy service list` shows the services there are.",
            )
        return cls._of(workspace, record)

    @classmethod
    def _of(cls, workspace: Workspace, record: ServiceRecord) -> Webservice:
        from jupyter_mldeploy.sdk.local import LocalWebservice  # noqa: PLC0415 -- a subclass

        service = object.__new__(LocalWebservice)
        service.workspace = workspace
        service.name = record.name
        service._id = record.id
        return service

    @classmethod
    def list(
        cls,
        workspace: Workspace,
        compute_type: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: Sequence[str | Sequence[str]] | None = None,
        properties: Sequence[str | Sequence[str]] | None = None,
    ) -> builtins.list[Webservice]:
        """List services (spec section 4).

        Parameters
        ----------
        workspace
            The workspace.
        compute_type
            Only those of that kind, e.g. ``Local``.
        model_name, model_id
            Only those that serve the model of that name, or that version ``name:version``.
        tags, properties
            Only those that have every one: ``'key'`` or ``['key', 'value']`` each.
        """
        records = workspace._store.services.list(
            workspace._record.id,
            compute_type=compute_type,
            model_name=model_name,
            model_id=model_id,
            tags=tags,
            properties=properties,
        )
        return [cls._of(workspace, record) for record in records]

    # --- what it is -----------------------------------------------------------------

    def _row(self) -> ServiceRecord:
        return service_row(self.workspace._store, self._id)

    @property
    def _folder(self) -> Path:
        return service_folder(self.workspace._store.home, self._id)

    def _effective(self) -> LocalEffective:
        return self.deployment_config.effective()

    @property
    def deployment_config(self) -> LocalDeploymentConfiguration:
        """How it is served; without keys."""
        return config.LocalDeploymentConfiguration.from_dict(self._row().deployment_config)

    def _state(self) -> ServiceState | None:
        row = self._row()
        return None if row.deleted else observe(self.workspace._store, row)

    @property
    def status(self) -> str:
        """What its target reports now.

        ``Building``, ``Starting``, ``Healthy``, ``Unhealthy``, ``Crashed``,
        ``Stopped``, ``Failed``, or ``Deleted``.
        """
        state = self._state()
        return state.status.value if state else "Deleted"

    @property
    def reason(self) -> str:
        """One sentence that explains :attr:`status`."""
        state = self._state()
        return state.reason if state else "It was deleted."

    @property
    def state(self) -> str:
        """The v1 word for :attr:`status` (spec section 4.1).

        ``deploying``, ``running``, ``failed``, ``deleted`` or ``unknown``.
        """
        state = self._state()
        return state.v1 if state else "deleted"

    @property
    def error(self) -> str | None:
        """What went wrong last: sentence, place and way out; ``None`` when nothing did."""
        state = self._state()
        return str(state.problem) if state and state.problem else None

    @property
    def scoring_uri(self) -> str | None:
        """``http://localhost:{port}/score``; ``None`` until it was first in service.

        A service that listens on one other address has that address in it.
        """
        row = self._row()
        host = row.deployment_config.get("host") or "127.0.0.1"
        name = "localhost" if host in _LOCAL_OR_ALL else _reachable(host)
        return f"http://{name}:{row.port}/score" if row.port else None

    @property
    def swagger_uri(self) -> str | None:
        """The scoring URI with its last segment replaced by ``swagger.json`` (spec section 4)."""
        uri = self.scoring_uri
        return f"{uri.rsplit('/', 1)[0]}/swagger.json" if uri else None

    @property
    def compute_type(self) -> str:
        """``Local``."""
        return self._row().compute_type

    @property
    def created_time(self) -> datetime:
        """When it was first deployed, UTC."""
        return self._row().created_time

    @property
    def created_by(self) -> str:
        """Who deployed it."""
        return self._row().created_by

    @property
    def updated_time(self) -> datetime:
        """When it last changed, UTC."""
        return self._row().updated_time

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._row().description

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags; change them with :meth:`add_tags` and :meth:`remove_tags`."""
        return dict(self._row().tags)

    @property
    def properties(self) -> Mapping[str, str]:
        """Properties; they can be added, not changed."""
        return dict(self._row().properties)

    @property
    def models(self) -> builtins.list[Model]:
        """The registered models it serves."""
        from jupyter_mldeploy.sdk.model import Model  # noqa: PLC0415 -- it imports this module

        ids = [i for i in self._row().model_ids if not i.endswith(":0")]
        return [Model(self.workspace, id=model_id) for model_id in ids]

    @property
    def generation(self) -> int | None:
        """Number of the generation that takes the traffic; it rises with every update."""
        return self._row().serving_generation

    @property
    def auth_enabled(self) -> bool:
        """Whether a key is needed."""
        return bool(self._row().deployment_config.get("authEnabled"))

    @property
    def token_auth_enabled(self) -> bool:
        """Whether a token is needed."""
        return bool(self._row().deployment_config.get("tokenAuthEnabled"))

    # --- use it ---------------------------------------------------------------------

    def run(self, input_data: Body) -> Any:
        """Send one request and return the decoded answer (spec section 4).

        Waits for a deployment that is under way and has nothing in service yet.

        Parameters
        ----------
        input_data
            The request body: ``str`` or ``bytes`` as they are, a dictionary or list as JSON.

        Raises
        ------
        WebserviceException
            The service is not running, or answered anything but 200.
        """
        row = self._row()
        if row.serving_generation is None or row.desired_state == "stopped":
            self._require("run", "deploying", "running")
            self.wait_for_deployment()
            row = self._row()
        effective = self._effective()
        url = f"http://{_reachable(effective.host)}:{row.port}/score"
        try:
            return score(url, input_data, self._credential, effective.scoring_timeout_ms / 1000 + 5)
        except WebserviceException as error:
            if error.status_code is not None:
                raise
            state = self._state()  # adopts a service whose supervisor died, and says why it is down
            starting = state and state.operation
            if starting and starting.kind == "start" and starting.state in ACTIVE:
                self.wait_for_deployment()  # as after a restart of the machine
                return self.run(input_data)
            if state is None or state.status is not Status.HEALTHY:
                reason = f" It is {state.status.value}: {state.reason}" if state else ""
                raise WebserviceException(
                    error.message + reason,
                    hint="service.start() runs it again; service.get_logs() says more.",
                ) from error
            raise

    def _credential(self) -> str | None:
        auth = self._effective().auth
        if auth == "key":
            return self.get_keys()[0]
        if auth == "token":
            return credentials.access_token(self._folder, self.name).access_token
        return None

    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        """Return the last lines that the service wrote.

        Parameters
        ----------
        num_lines
            How many lines at most.
        init
            For v1 callers: the log here always has ``init()``'s lines.
        """
        del init
        self._refuse_deleted("get_logs")
        row = self._row()
        return load_target(row.target).logs(self._folder, num_lines)

    def wait_for_deployment(
        self, show_output: bool = False, timeout_sec: float | None = None
    ) -> None:
        """Wait until what was asked for is in service.

        Parameters
        ----------
        show_output
            Print phases and log lines as they come.
        timeout_sec
            Seconds to wait at most; the deployment goes on after that.

        Raises
        ------
        WebserviceException
            It failed: what happened, where in the script, what to do.
        """
        import requests  # noqa: F401, PLC0415 -- costs 100 ms, best spent while waiting here

        self._refuse_deleted("wait_for_deployment")
        operation = self._last_operation()
        if operation is not None and operation.kind != "delete" and operation.id != self._settled:
            self._wait(operation, show_output, timeout_sec)
        state = self._state()
        if state is not None and state.status in {Status.STOPPED, Status.CRASHED, Status.FAILED}:
            raise WebserviceException(
                f"{self.name} is {state.status.value}: {state.reason}",
                hint="service.start() runs it again; service.get_logs() says more.",
            )
        if show_output:
            uri = self.scoring_uri or ""
            base = uri.rsplit("/", 1)[0]
            print(f"Local webservice is running at {base}", flush=True)  # noqa: T201

    def _wait(self, operation: Operation, show_output: bool, timeout_sec: float | None) -> None:
        try:
            operation.wait(show_output=show_output, timeout_sec=timeout_sec)
        except OperationFailed as error:
            state = self._state()
            still = (
                f"\nGeneration {self.generation} is still serving."
                if state and state.status is Status.HEALTHY
                else ""
            )
            told = type(error)(
                f"{error}{still}\n"
                f"Current service state: {state.v1 if state else 'deleted'}. "
                f"Operation ID: {operation.id}. "
                "More information can be found using '.get_logs()'."
            )
            told.problem, told.hint = error.problem, error.hint
            raise told from None

    def _last_operation(self) -> Operation | None:
        found = Operation.list(self.workspace, subject=self.name, limit=1)
        return found[0] if found else None

    # --- keys and tokens ------------------------------------------------------------

    def get_keys(self) -> tuple[str, str]:
        """Return the (primary, secondary) key.

        Raises
        ------
        WebserviceException
            The service does not use keys.
        """
        self._refuse_deleted("get_keys")
        if not self.auth_enabled:
            raise WebserviceException(
                f"Service {self.name} does not use keys.",
                hint="Deploy or update it with auth_enabled=True.",
            )
        return credentials.keys(self._folder)

    def regen_key(self, key: str, set_key: str | None = None) -> None:
        """Replace a key at once, without a restart; the other stays valid.

        Parameters
        ----------
        key
            ``Primary`` or ``Secondary``, in any case (spec section 4).
        set_key
            The new key; a random one by default.
        """
        self.get_keys()
        credentials.regenerate(self._folder, key, set_key)

    def get_access_token(self) -> AccessToken:
        """Return a token with its times (spec section 4.3).

        Raises
        ------
        WebserviceException
            The service does not use tokens.
        """
        self._refuse_deleted("get_access_token")
        if not self.token_auth_enabled:
            raise WebserviceException(
                f"Service {self.name} does not use tokens.",
                hint="Deploy or update it with token_auth_enabled=True.",
            )
        return credentials.access_token(self._folder, self.name)

    def get_token(self) -> tuple[str, datetime]:
        """Return (access token, time after which a new one is needed)."""
        token = self.get_access_token()
        return token.access_token, token.refresh_after

    # --- change its row -------------------------------------------------------------

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add tags, or change those there are."""
        row = self._row()
        self.workspace._store.services.update(self._id, tags={**row.tags, **_pairs("tags", tags)})

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove the tags of those keys; a key that is not there is no error."""
        row = self._row()
        gone = {tags} if isinstance(tags, str) else set(tags)
        kept = {key: value for key, value in row.tags.items() if key not in gone}
        self.workspace._store.services.update(self._id, tags=kept)

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add properties; one that is there already cannot change (spec section 4)."""
        row = self._row()
        new = _pairs("properties", properties)
        taken = sorted(set(new) & set(row.properties))
        if taken:
            raise WebserviceException(
                f"Properties cannot be changed: {', '.join(taken)} exist already.",
                hint="Choose another name, or use a tag.",
            )
        self.workspace._store.services.update(self._id, properties={**row.properties, **new})

    def update_deployment_state(self) -> None:
        """For v1 callers: every attribute here is current already."""

    # --- life -----------------------------------------------------------------------

    def stop(self) -> None:
        """Drain its connections and end its processes; :meth:`start` brings it back."""
        self._refuse_deleted("stop")
        self._carry_out("stop")

    def start(self) -> None:
        """Run it again after :meth:`stop`, on the same port, and wait until it answers."""
        self._refuse_deleted("start")
        if self.status != Status.HEALTHY.value:
            self._carry_out("start")

    def delete(self) -> None:
        """End its processes and remove all that was kept of it, logs and secrets included.

        An operation that is under way on it is cancelled first.
        """
        if self._row().deleted:
            print(f"No service with name {self.name} found to delete.")  # noqa: T201 -- spec 4
            return
        for attempt in range(_DELETE_ATTEMPTS):
            operation = self._last_operation()
            if operation is not None and operation.state in ACTIVE:
                if operation.kind != "delete":  # another's deletion is as good as ours
                    operation.cancel()
                with contextlib.suppress(MLDeployError):  # however it ended, all of it goes now
                    operation.wait()
            if self._row().deleted:
                return
            try:
                self._carry_out("delete")
            except WebserviceException as error:
                # Somebody began something on it between our look and our deed.
                if error.status_code != _BUSY or attempt == _DELETE_ATTEMPTS - 1:
                    raise
            else:
                return

    def _carry_out(self, kind: str) -> None:
        submit_on_service(self.workspace, self._row(), kind).wait()

    def _refuse_deleted(self, call: str) -> None:
        if self._row().deleted:
            raise WebserviceException(
                f"Cannot call {call}() when service is deleted.", hint="Deploy it again."
            )

    def _require(self, call: str, *states: str) -> None:
        """Refuse ``call`` outside ``states``, in the words of spec section 4.1."""
        state = self._state()
        word = state.v1 if state else "deleted"
        if word not in states:
            problem = f"\n{state.problem}" if state and state.problem else ""
            raise WebserviceException(
                f"Cannot call {call}() when service is {word}. "
                f"{state.reason if state else ''}{problem}",
                hint="service.start() brings a stopped service back; service.get_logs() says more.",
            )

    def wait_until(self, *statuses: str, timeout_sec: float = 60.0) -> str:
        """Wait until :attr:`status` is one of ``statuses`` and return it.

        Raises
        ------
        WebserviceException
            It was not after ``timeout_sec`` seconds.
        """
        deadline = time.monotonic() + timeout_sec
        while True:
            state = self._state()
            word = state.status.value if state else "Deleted"
            if word in statuses:
                return word
            if time.monotonic() > deadline:
                raise WebserviceException(
                    f"{self.name} is {word} after {timeout_sec:g} s, not {' or '.join(statuses)}: "
                    f"{state.reason if state else 'it was deleted'}",
                    hint="service.get_logs() says more.",
                )
            time.sleep(0.1)

    def serialize(self) -> dict[str, Any]:
        """Return its fields under the v1 keys (spec section 4), without secrets."""
        row = self._row()
        state = self._state()
        return {
            "name": self.name,
            "computeType": row.compute_type,
            "state": state.v1 if state else "deleted",
            "status": state.status.value if state else "Deleted",
            "reason": state.reason if state else "It was deleted.",
            "error": state.problem.to_dict() if state and state.problem else None,
            "scoringUri": self.scoring_uri,
            "swaggerUri": self.swagger_uri,
            "authEnabled": self.auth_enabled,
            "tokenAuthEnabled": self.token_auth_enabled,
            "workers": [asdict(w) for w in (state.workers if state else ())],
            "modelIds": list(row.model_ids),
            "generation": row.serving_generation,
            "tags": dict(row.tags),
            "properties": dict(row.properties),
            "description": row.description,
            "createdBy": row.created_by,
            "createdTime": row.created_time.isoformat(),
            "updatedTime": row.updated_time.isoformat(),
        }

    def __repr__(self) -> str:
        state = self._state()
        word = state.status.value if state else "Deleted"
        return (
            f"{type(self).__name__}(workspace={self.workspace!r}, name={self.name}, "
            f"status={word}, scoring_uri={self.scoring_uri})"
        )


# What "localhost" reaches; the last ones are every address of the machine.
_LOCAL_OR_ALL = {"127.0.0.1", "localhost", "0.0.0.0", "::"}  # noqa: S104 -- compared, not bound


def _reachable(host: str) -> str:
    """Return the address on which this machine reaches a service that listens on ``host``."""
    if host in {"0.0.0.0", "", "localhost"}:  # noqa: S104 -- compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _pairs(what: str, pairs: Mapping[Any, Any]) -> dict[str, str]:
    if not isinstance(pairs, Mapping):
        raise WebserviceException(
            f"{what} must be a dictionary, not {type(pairs).__name__}.",
            hint=f"Write {what}={{'key': 'value'}}.",
        )
    for key, value in pairs.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise WebserviceException(
                f"{what} must have text keys and values; {key!r}: {value!r} is not.",
                hint=f"Write {what}={{'key': 'value'}}.",
            )
    return dict(pairs)
