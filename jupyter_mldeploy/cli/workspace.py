"""``mldeploy workspace``."""

from __future__ import annotations

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import CommandGroup
from jupyter_mldeploy.cli.session import Session
