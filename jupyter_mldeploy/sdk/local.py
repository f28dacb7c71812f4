"""A service on this machine: ``LocalWebservice`` (spec section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy import config
from jupyter_mldeploy.deployment.request import RolloutRequest
from jupyter_mldeploy.deployment.rows import generation_row
from jupyter_mldeploy.errors import UserErrorException, WebserviceException
from jupyter_mldeploy.sdk import credentials
from jupyter_mldeploy.sdk.deploy import build_request, model_references, submit_rollout
from jupyter_mldeploy.sdk.model import Model
from jupyter_mldeploy.sdk.operation import Operation
from jupyter_mldeploy.sdk.webservice import Webservice
from jupyter_mldeploy.store import GenerationRecord

if TYPE_CHECKING:
    import os

    from jupyter_mldeploy.config import InferenceConfig, LocalDeploymentConfiguration

__all__ = ["LocalWebservice"]


class LocalWebservice(Webservice):
    """A service that runs on this machine, as plain processes: no Docker, no root, no network."""

    @staticmethod
    def deploy_configuration(
        port: int | None = None,
        *,
        host: str | None = None,
        workers: int | None = None,
        auth_enabled: bool | None = None,
        token_auth_enabled: bool | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        scoring_timeout_ms: int | None = None,
        init_timeout_seconds: float | None = None,
        drain_seconds: float | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
    ) -> LocalDeploymentConfiguration:
        """Describe how a model is served on this machine (spec section 4.1).

        Parameters
        ----------
        port
            1 to 65535; by default the system chooses a free one, which the service keeps.
        host
            Address to listen on; ``127.0.0.1`` by default.
        workers
            Server processes, each with the model loaded; 1 by default.
        auth_enabled
            Ask for a key; off by default, as in v1.
        token_auth_enabled
            Ask for a token; excludes ``auth_enabled``.
        primary_key, secondary_key
            The keys; random ones by default. They are kept in a file that only you can read.
        scoring_timeout_ms
            Milliseconds that ``run()`` may take; 3,600,000 by default.
        init_timeout_seconds
            Seconds that ``init()`` may take; 600 by default.
        drain_seconds
            Seconds that an update leaves old connections to finish; 30 by default.
        tags, properties, description
            For finding the service again.

        Raises
        ------
        ConfigurationError
            A value is out of bounds, or two of them exclude each other.
        """
        return config.LocalDeploymentConfiguration(
            port=port,
            host=host,
            workers=workers,
            auth_enabled=auth_enabled,
            token_auth_enabled=token_auth_enabled,
            primary_key=primary_key,
            secondary_key=secondary_key,
            scoring_timeout_ms=scoring_timeout_ms,
            init_timeout_seconds=init_timeout_seconds,
            drain_seconds=drain_seconds,
            tags=dict(tags) if isinstance(tags, Mapping) else tags,
            properties=dict(properties) if isinstance(properties, Mapping) else properties,
            description=description,
        )

    def update(
        self,
        models: Sequence[Model | str | os.PathLike[str]] | None = None,
        deployment_config: LocalDeploymentConfiguration | None = None,
        inference_config: InferenceConfig | None = None,
        wait: bool = False,
    ) -> None:
        """Serve something else under the same URL, without losing a request.

        The generation that serves goes on until the new one has loaded its model
        and answered; when that fails, it stays.

        Parameters
        ----------
        models
            What to serve; the present models by default.
        deployment_config
            The present one by default.
        inference_config
            The present one by default; its script is read again from where it was.
        wait
            Return when the new generation serves (default: at once, then
            :meth:`wait_for_deployment`).

        Raises
        ------
        WebserviceException
            ``No parameters provided to update.`` (spec section 4), or another
            operation on the service is under way.
        """
        if models is None and deployment_config is None and inference_config is None:
            raise WebserviceException(
                "No parameters provided to update.",
                hint="Pass models, inference_config or deployment_config; "
                "service.reload() takes up a changed script.",
            )
        self._refuse_deleted("update")
        request = self._changed_request(models, deployment_config, inference_config)

        def prepare() -> None:
            if deployment_config is not None:
                credentials.write_given(self._folder, deployment_config)

        operation = submit_rollout(self.workspace, self._row(), request, "update", prepare)
        self._waited(operation, wait)

    def reload(self, wait: bool = False) -> None:
        """Take up the entry script and its folder as they are now (spec section 4.1).

        Parameters
        ----------
        wait
            Return when the reloaded script serves.
        """
        self._refuse_deleted("reload")
        request = self._changed_request(None, None, None)
        self._waited(submit_rollout(self.workspace, self._row(), request, "reload"), wait)

    def rollback(self, generation: int | None = None, wait: bool = True) -> None:
        """Serve again what an earlier generation served: script, models and configuration.

        Parameters
        ----------
        generation
            Its number; by default the one before the present one.
        wait
            Return when it serves.

        Raises
        ------
        WebserviceException
            There is no such generation, or its bundle is no longer kept.
        """
        self._refuse_deleted("rollback")
        row = self._row()
        retired = {
            g.number: g
            for g in self.workspace._store.services.generations(self._id)
            if g.state == "retired"
        }
        wanted = max(retired, default=None) if generation is None else generation
        if wanted is None or wanted not in retired:
            kept = ", ".join(map(str, sorted(retired))) or "none"
            raise WebserviceException(
                f"{self.name} has no earlier generation"
                f"{'' if generation is None else f' {generation}'} to roll back to (kept: {kept}).",
                hint="Deploy that model version with service.update(models=[...]).",
            )
        request = replace(_request_of(retired[wanted]), rollback_to=wanted, service_id=row.id)
        self._waited(submit_rollout(self.workspace, row, request, "rollback"), wait)

    def _changed_request(
        self,
        models: Sequence[Model | str | os.PathLike[str]] | None,
        deployment_config: LocalDeploymentConfiguration | None,
        inference_config: InferenceConfig | None,
    ) -> RolloutRequest:
        row = self._row()
        present = self._present_request()
        references = present.models if models is None else model_references(self.workspace, models)
        request = build_request(
            references,
            inference_config or present.inference,
            deployment_config or present.deployment,
        )
        return replace(request, service_id=row.id)

    def _present_request(self) -> RolloutRequest:
        row = self._row()
        store = self.workspace._store
        if row.serving_generation is not None:
            return _request_of(generation_row(store, row.id, row.serving_generation))
        operation = self._last_operation()
        payload = operation._row().payload if operation else {}
        if "models" not in payload:
            raise UserErrorException(
                f"Service {self.name} was never in service: there is nothing to change.",
                hint="Deploy it with Model.deploy(...).",
            )
        return RolloutRequest.from_payload(payload)

    def _waited(self, operation: Operation, wait: bool) -> None:
        if wait:
            self._wait(operation, show_output=False, timeout_sec=None)

    def history(self) -> list[dict[str, Any]]:
        """Return its generations, the newest first: number, state, models, time."""
        return [
            {
                "generation": g.number,
                "state": g.state,
                "models": list(g.model_ids),
                "createdTime": g.created_time.isoformat(),
            }
            for g in self.workspace._store.services.generations(self._id)
        ]


def _request_of(generation: GenerationRecord) -> RolloutRequest:
    return RolloutRequest.from_payload(generation.request)
