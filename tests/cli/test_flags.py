"""Flags come from the configuration classes, under their own and v1's names."""

from __future__ import annotations

from collections import Counter

import click
import pytest

from jupyter_mldeploy.cli.configurations import deployment_config, inference_config
from jupyter_mldeploy.cli.flags import ConfiguredCommand, merged
from jupyter_mldeploy.cli.main import cli
from jupyter_mldeploy.config import InferenceConfig, LocalDeploymentConfiguration
from jupyter_mldeploy.config.fields import fields_of


def every_command(command=cli, path=()):
    context = click.Context(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from every_command(command.get_command(context, name), (*path, name))
    else:
        yield " ".join(path), command


def flags_of(*path):
    command = cli
    for name in path:
        command = command.get_command(click.Context(command), name)
    return {flag for each in command.get_params(click.Context(command)) for flag in each.opts}


@pytest.fixture
def read(folder):
    """What ``deploy`` would make of a command line: the two configurations."""
    (folder / "score.py").write_text("def init(): ...\ndef run(data): ...\n")

    def parse(*arguments):
        @click.command(cls=ConfiguredCommand)
        @click.option("--ic", "ic")
        @click.option("--dc", "dc")
        def probe(): ...

        context = probe.make_context("probe", list(arguments))
        return (
            inference_config(context, context.params["ic"]),
            deployment_config(context, context.params["dc"]),
        )

    return parse


def test_no_command_has_a_flag_or_a_name_twice():
    for path, command in every_command():
        parameters = command.get_params(click.Context(command))
        flags = Counter(flag for each in parameters for flag in each.opts)
        names = Counter(each.name for each in parameters)
        assert [*(flags - Counter(set(flags))), *(names - Counter(set(names)))] == [], path


def test_every_command_has_help_and_the_common_flags():
    for path, command in every_command():
        assert command.help, path
        flags = {flag for each in command.get_params(click.Context(command)) for flag in each.opts}
        assert {"-o", "--output", "-w", "-g", "--subscription-id", "--path", "-v"} <= flags, path


def test_every_field_of_the_deployment_is_a_flag():
    flags = flags_of("model", "deploy")
    for facts in fields_of(LocalDeploymentConfiguration):
        if facts.kind != "section" and facts.name not in {"compute_type", "tags", "properties"}:
            assert f"--{facts.name.replace('_', '-')}" in flags
    assert {"--tag", "--property"} <= flags


@pytest.mark.parametrize(
    "flag",
    [
        "-n",
        "-m",
        "-f",
        "--ic",
        "-ic",
        "--dc",
        "-dc",
        "--ct",
        "-ct",
        "--cp",
        "--es",
        "--rt",
        "--cf",
        "--sd",
        "--ed",
        "--eg",
        "--cv",
        "--bi",
        "--ir",
        "-e",
        "--ev",
        "--ds",
        "--cc",
        "--ccl",
        "--gb",
        "--gbl",
        "--gc",
        "--ae",
        "--ai",
        "--token-auth-enabled",
        "--as",
        "--mi",
        "--ma",
        "--ar",
        "--at",
        "--nr",
        "--md",
        "--tm",
        "--rm",
        "--mr",
        "--kp",
        "--ks",
        "--ps",
        "--id",
        "--ts",
        "--st",
        "--ft",
        "--namespace",
        "--lo",
        "--dn",
        "--se",
        "--sc",
        "--sp",
        "--sk",
        "--tag",
        "--property",
        "--vn",
        "--tp",
        "--pi",
        "--no-wait",
        "--port",
        "--po",
        "--overwrite",
    ],
)
def test_deploy_knows_every_flag_of_v1(flag):
    assert flag in flags_of("model", "deploy")


def test_flags_make_the_configurations(read):
    inference, deployment = read(
        *("--es", "score.py", "--sd", ".", "--po", "8890", "--workers", "2", "--ae", "true"),
        *("--tag", "area=demo", "--tag", "owner=a=b", "--tm", "1500", "--drain-seconds", "2.5"),
    )
    assert inference.to_dict() == {"entryScript": "score.py", "sourceDirectory": "."}
    assert deployment == LocalDeploymentConfiguration(
        port=8890,
        workers=2,
        auth_enabled=True,
        scoring_timeout_ms=1500,
        drain_seconds=2.5,
        tags={"area": "demo", "owner": "a=b"},
    )


def test_nothing_given_is_none(read):
    assert read() == (None, None)


def test_a_boolean_needs_no_value(read):
    assert read("--ae")[1].auth_enabled is True
    assert read("--ae", "false")[1].auth_enabled is False
    assert read("--ae", "--port", "8890")[1].port == 8890


def test_flags_win_over_files(read, folder):
    InferenceConfig("score.py", description="from the file").save("ic.json")
    LocalDeploymentConfiguration(port=8890, workers=3, tags={"a": "1", "b": "2"}).save("dc.yml")
    inference, deployment = read(
        "--ic", "ic.json", "--dc", "dc.yml", "--sd", ".", "--port", "8891", "--tag", "b=3"
    )
    assert inference.to_dict() == {
        "entryScript": "score.py",
        "sourceDirectory": ".",
        "description": "from the file",
    }
    assert deployment == LocalDeploymentConfiguration(
        port=8891, workers=3, tags={"a": "1", "b": "3"}
    )


def test_a_file_with_keys_keeps_them_when_flags_are_added(read):
    LocalDeploymentConfiguration(auth_enabled=True, primary_key="one-good-key").save("dc.json")
    deployment = read("--dc", "dc.json", "--port", "8890")[1]
    assert deployment.primary_key.get_secret_value() == "one-good-key"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "1<=x<=65535"),
        (["--workers", "two"], "not a valid integer"),
        (["--tag", "area"], "not of the form key=value"),
        (["--sd", "."], "The entry script is missing"),
        (["--nr", "3"], "set it with --workers"),
        (["--as"], "has no meaning here"),
    ],
)
def test_bad_flags_are_wrong_usage(read, arguments, words):
    with pytest.raises(click.UsageError, match=words):
        read(*arguments)


def test_a_v1_flag_that_is_switched_off_changes_nothing(read):
    assert read("--as", "false", "--ai", "False") == (None, None)


def test_compute_targets_other_than_this_machine_are_refused(call):
    told = call("model", "deploy", "-n", "svc", "--es", "score.py", "-ct", "myaks", code=2).stderr
    assert "'myaks' is not this machine" in told


def test_merged_goes_into_sections_and_changes_neither():
    under, over = {"keys": {"a": 1}, "port": 1}, {"keys": {"b": 2}}
    assert merged(under, over) == {"keys": {"a": 1, "b": 2}, "port": 1}
    assert (under, over) == ({"keys": {"a": 1}, "port": 1}, {"keys": {"b": 2}})
