"""What can be told before a deployment: nothing here runs the user's script."""

from jupyter_mldeploy.deployment.preflight.check import preflight, refuse
from jupyter_mldeploy.deployment.preflight.finding import Finding, Report
from jupyter_mldeploy.deployment.preflight.subject import ModelFiles, Subject, subject_of

__all__ = ["Finding", "ModelFiles", "Report", "Subject", "preflight", "refuse", "subject_of"]
