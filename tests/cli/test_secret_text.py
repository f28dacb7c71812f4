"""A secret is pointed to, never written on the command line."""

from __future__ import annotations

import os

import click
import pytest
from click.testing import CliRunner

from jupyter_mldeploy.cli.secret_text import read_secret


@click.command()
@click.option("--kp", callback=read_secret)
@click.option("--ks", callback=read_secret)
def probe(kp, ks):
    click.echo(f"{kp} {ks}")


def run(*arguments, code=0, **options):
    result = CliRunner().invoke(probe, arguments, **options)
    assert result.exit_code == code, result.output
    return result.output


def test_a_literal_is_refused_and_not_repeated():
    told = run("--kp", "my-secret", code=2)
    assert "my-secret" not in told
    assert "@FILE or env:VARIABLE" in told


def test_two_lines_of_standard_input():
    assert run("--kp", "-", "--ks", "-", input="first\nsecond\n") == "first second\n"


def test_a_file(tmp_path):
    (tmp_path / "key").write_text("from-a-file\n")
    assert run("--kp", f"@{tmp_path / 'key'}") == "from-a-file None\n"


def test_a_file_that_is_not_there(tmp_path):
    assert "No such file" in run("--kp", f"@{tmp_path / 'key'}", code=2)


def test_a_variable_is_taken_out_of_the_environment(monkeypatch):
    monkeypatch.setenv("MY_KEY", "from-a-variable")
    assert run("--kp", "env:MY_KEY") == "from-a-variable None\n"
    assert "MY_KEY" not in os.environ


@pytest.mark.parametrize("where", ["-", "env:NOT_SET_ANYWHERE"])
def test_an_empty_secret_is_refused(where):
    assert "holds no secret" in run("--kp", where, code=2, input="\n")
