"""The procedures that join bundle and targets: deploy, update, roll back, stop, start, delete."""

PROCEDURES = "jupyter_mldeploy.deployment.procedures"
"""Module that registers the bodies, for :func:`jupyter_mldeploy.operations.submit`."""

__all__ = ["PROCEDURES"]
