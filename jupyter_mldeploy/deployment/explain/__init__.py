"""Why a deployment failed, and the way out: rules that speak on evidence only.

A rule is a function from :class:`Facts` to an :class:`Explanation`, or ``None``
where its evidence is not there. Rules read no file and start nothing; what they
may know is gathered by :mod:`jupyter_mldeploy.deployment.diagnosis`.
"""

from jupyter_mldeploy.deployment.explain.explanation import Explanation, applied
from jupyter_mldeploy.deployment.explain.facts import Facts, MemoryFacts, ModelFacts
from jupyter_mldeploy.deployment.explain.registry import RULES, explain

__all__ = ["RULES", "Explanation", "Facts", "MemoryFacts", "ModelFacts", "applied", "explain"]
