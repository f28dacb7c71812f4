from __future__ import annotations

import json
import os
import stat
import traceback

import pytest

from jupyter_mldeploy.config import (
    LocalDeploymentConfiguration,
    ResourceConfiguration,
    deployment_config_from_dict,
    load_deployment_config,
)
from jupyter_mldeploy.errors import ConfigurationError


def test_none_stays_none_and_effective_has_numbers():
    config = LocalDeploymentConfiguration()
    assert config.to_dict() == {"computeType": "local"}
    effective = config.effective()
    assert (effective.host, effective.port, effective.workers) == ("127.0.0.1", None, 1)
    assert (effective.auth, effective.scoring_timeout_ms) == ("none", 3_600_000)
    assert (effective.init_timeout_seconds, effective.drain_seconds) == (600, 30)


def test_what_is_given_is_effective():
    config = LocalDeploymentConfiguration(
        port=8890, workers=2, token_auth_enabled=True, drain_seconds=0, host="0.0.0.0"
    )
    effective = config.effective()
    assert (effective.port, effective.workers, effective.auth) == (8890, 2, "token")
    assert (effective.drain_seconds, effective.host) == (0, "0.0.0.0")
    assert LocalDeploymentConfiguration(auth_enabled=True).effective().auth == "key"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"port": 0}, "`port` is 0; it must be a whole number from 1 to 65535"),
        ({"port": 65536}, "`port` is 65536"),
        ({"port": "8890"}, "`port` is '8890'; it must be a whole number"),
        ({"port": True}, "`port` is True"),
        ({"prot": 1}, "Did you mean `port`"),
        ({"workers": 0}, "`workers` is 0; it must be a whole number from 1"),
        ({"scoring_timeout_ms": 0}, "`scoring_timeout_ms` is 0; .* from 1 to 86400000"),
        ({"init_timeout_seconds": 0}, "above 0, at most 604800"),
        ({"init_timeout_seconds": float("inf")}, "`init_timeout_seconds` is inf"),
        ({"drain_seconds": -1}, "from 0 to 43200"),
        ({"drain_seconds": 3_000_000}, "from 0 to 43200"),
        ({"host": "a b"}, "`host` is 'a b': it must be an IP address"),
        ({"tags": ["a"]}, "`tags` is a list; it must be keys and values"),
        ({"tags": {"a": 1}}, r"`tags\.a` is a number; it must be text"),
        ({"auth_enabled": True, "token_auth_enabled": True}, "`auth_enabled` and `token_auth"),
        ({"primary_key": "k"}, "`auth_enabled` is not true"),
        ({"compute_type": "aks"}, "`compute_type` is 'aks'; it must be \"local\""),
    ],
)
def test_bounds(arguments, said):
    with pytest.raises(ConfigurationError, match=said):
        LocalDeploymentConfiguration(**arguments)


def test_a_field_is_named_as_it_was_written():
    with pytest.raises(ConfigurationError, match="`initTimeoutSeconds` is 0"):
        LocalDeploymentConfiguration.from_dict({"initTimeoutSeconds": 0})
    with pytest.raises(ConfigurationError, match="`init_timeout_seconds` is 0"):
        LocalDeploymentConfiguration.from_dict({"init_timeout_seconds": 0})


@pytest.mark.parametrize("key", ["top secret", "ключ", "", 5])
def test_a_key_that_cannot_be_one(key):
    with pytest.raises(ConfigurationError, match="`primary_key` is not usable"):
        LocalDeploymentConfiguration(auth_enabled=True, primary_key=key)


def test_a_bad_key_is_not_shown():
    with pytest.raises(ConfigurationError) as caught:
        LocalDeploymentConfiguration.from_dict(
            {"authEnabled": True, "keys": {"primaryKey": "top" + " secret"}, "port": 0}
        )
    assert "top secret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("suffix", ["json", "yml"])
def test_keys_are_saved_for_their_owner_only(tmp_path, suffix):
    config = LocalDeploymentConfiguration(port=8890, auth_enabled=True, primary_key="abc")
    assert "abc" not in repr(config)
    assert config.to_dict() == {"port": 8890, "authEnabled": True, "computeType": "local"}
    assert config.to_dict(secrets=True)["keys"] == {"primaryKey": "abc"}
    assert config.primary_key is not None
    assert config.primary_key.get_secret_value() == "abc"
    assert config.secondary_key is None
    path = config.save(tmp_path / f"dc.{suffix}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_deployment_config(path) == config


def test_a_file_without_keys_has_the_users_usual_mode(tmp_path):
    path = LocalDeploymentConfiguration(port=8890).save(tmp_path / "dc.json")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    assert [found.name for found in tmp_path.iterdir()] == ["dc.json"]


@pytest.mark.parametrize("kind", ["local", "Local", "LOCAL"])
def test_the_compute_type_in_any_case(tmp_path, kind):
    path = tmp_path / "deploymentconfig.json"
    path.write_text(json.dumps({"computeType": kind, "port": 32267}))
    assert load_deployment_config(path) == LocalDeploymentConfiguration(port=32267)


@pytest.mark.parametrize("kind", ["aci", "AKS", "aksendpoint", "iot"])
def test_clouds_are_refused_with_the_way_out(kind):
    with pytest.raises(ConfigurationError, match='Use "computeType": "local"') as caught:
        deployment_config_from_dict({"computeType": kind, "numReplicas": 3})
    assert "this version deploys to this machine only" in str(caught.value)


@pytest.mark.parametrize("data", [{}, {"computeType": None}, {"computeType": "moon"}, [1], None])
def test_a_missing_or_unknown_compute_type(data):
    with pytest.raises(ConfigurationError, match="local"):
        deployment_config_from_dict(data)


def test_saving_into_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="could not be written"):
        LocalDeploymentConfiguration().save(tmp_path / "no" / "dc.json")


def test_it_cannot_be_changed():
    config = LocalDeploymentConfiguration(port=1)
    with pytest.raises(ConfigurationError, match="`port` cannot be changed"):
        config.port = 2


def test_resources():
    needs = ResourceConfiguration(1, 0.5)
    assert needs.to_dict() == {"cpu": 1, "memoryInGB": 0.5}
    assert ResourceConfiguration.from_dict(needs.to_dict()) == needs
    for wrong in ({"cpu": 0}, {"memory_in_gb": -1}, {"gpu": 0}, {"gpu": 1.5}):
        with pytest.raises(ConfigurationError, match=f"`{next(iter(wrong))}` is"):
            ResourceConfiguration(**wrong)
    with pytest.raises(ConfigurationError, match="`memoryInGB` is 0"):
        ResourceConfiguration.from_dict({"memoryInGB": 0})
