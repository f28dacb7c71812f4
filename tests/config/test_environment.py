from __future__ import annotations

import pytest

from jupyter_mldeploy.config import Environment, InferenceConfig
from jupyter_mldeploy.errors import ConfigurationError


def test_the_v1_way_of_filling_one():
    env = Environment(name="sklearn-env")
    env.python.user_managed_dependencies = True
    env.python.interpreter_path = "/opt/python"
    env.docker.base_image = "b"
    env.docker.base_image_registry.address = "registry.example"
    env.environment_variables = {"A": "1"}
    env.environment_variables["B"] = "2"
    env.inferencing_stack_version = "latest"
    assert env.to_dict() == {
        "name": "sklearn-env",
        "environmentVariables": {"A": "1", "B": "2"},
        "python": {"interpreterPath": "/opt/python", "userManagedDependencies": True},
        "docker": {"baseImage": "b", "baseImageRegistry": {"address": "registry.example"}},
        "inferencingStackVersion": "latest",
    }
    assert Environment.from_dict(env.to_dict()) == env


def test_two_environments_share_nothing():
    one, two = Environment("one"), Environment("two")
    one.environment_variables["A"] = "1"
    one.python.user_managed_dependencies = True
    assert two.environment_variables == {}
    assert two.python.user_managed_dependencies is None


@pytest.mark.parametrize(
    ("part", "name", "value", "said"),
    [
        ("", "enviroment_variables", {}, "Did you mean `environment_variables`"),
        ("", "environment_variables", {"A": 1}, "`environment_variables.A` is a number"),
        ("python", "user_managed_dependencies", "yes", "must be true or false"),
        ("python", "conda_dependencies", {"a": object()}, "JSON cannot write"),
        ("docker", "arguments", "--rm", "must be a list"),
        ("docker", "base_dockerfile", "FROM x", "`base_image` and `base_dockerfile`"),
    ],
)
def test_an_assignment_is_checked(part, name, value, said):
    env = Environment("e")
    env.docker.base_image = "b"
    with pytest.raises(ConfigurationError, match=said):
        setattr(getattr(env, part) if part else env, name, value)


def test_a_fault_deep_down_is_named_with_its_way():
    with pytest.raises(ConfigurationError, match=r"`environment\.docker\.baseImag` is no key"):
        InferenceConfig.from_dict(
            {"entryScript": "score.py", "environment": {"docker": {"baseImag": "x"}}}
        )
    with pytest.raises(ConfigurationError, match="`baseImage` and `baseDockerfile` are both"):
        InferenceConfig.from_dict(
            {
                "entryScript": "score.py",
                "environment": {"docker": {"baseImage": "x", "baseDockerfile": "y"}},
            }
        )


def test_what_was_put_in_behind_our_back_is_found_when_it_is_used(here):
    env = Environment("e")
    config = InferenceConfig("score.py", environment=env)
    env.environment_variables["A"] = 5
    with pytest.raises(ConfigurationError, match=r"`environment\.environmentVariables\.A`"):
        config.resolved()


def test_empty_sections_of_a_file_are_sections():
    env = Environment.from_dict({"name": "e", "python": None, "docker": None})
    assert env == Environment("e")
