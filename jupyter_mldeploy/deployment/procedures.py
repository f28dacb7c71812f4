"""The bodies of the operations on a service; importing this module registers them."""

from __future__ import annotations

from jupyter_mldeploy.deployment import lifecycle, rollout
from jupyter_mldeploy.operations import procedure

__all__: list[str] = []

for _kind in ("deploy", "update", "reload"):
    procedure(_kind)(rollout.roll_out)
procedure("rollback")(rollout.roll_back)
procedure("stop")(lifecycle.stop)
procedure("start")(lifecycle.start)
procedure("delete")(lifecycle.delete)
