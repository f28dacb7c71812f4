"""Requests that ``run()`` fails on: what the server explained already stays as it is.

The server looks at the request itself, which nobody else may keep; its rules are in
``serving/request_rules.py``.
"""

from __future__ import annotations

from jupyter_mldeploy.deployment.explain.explanation import Explanation
from jupyter_mldeploy.deployment.explain.facts import Facts

__all__ = ["RULES"]

_GENERIC = "The service's log has the whole traceback."
# Of these the rules here know more than the server, which does not know the bundle.
_OF_OTHERS = {"ModuleNotFoundError", "FileNotFoundError", "AttributeError"}


def failed_in_run(facts: Facts) -> Explanation | None:
    """Keep what the server said of a request."""
    explained = facts.problem.hint not in {"", _GENERIC} and facts.kind not in _OF_OTHERS
    if not facts.problem.what.startswith(("run() raised", "The result of run()")) or not explained:
        return None
    return Explanation(facts.problem.what, facts.problem.hint, alone=True)


RULES = (failed_in_run,)
