"""Whatever stands in a file, the answer is a configuration or a ConfigurationError."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_mldeploy.config import (
    Environment,
    InferenceConfig,
    LocalDeploymentConfiguration,
    ResourceConfiguration,
    deployment_config_from_dict,
    load_deployment_config,
    load_inference_config,
)
from jupyter_mldeploy.config.explain import spellings
from jupyter_mldeploy.errors import ConfigurationError

KINDS = [Environment, InferenceConfig, LocalDeploymentConfiguration, ResourceConfiguration]
KEYS = sorted({key for kind in KINDS for key in spellings(kind)})

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=3)
    | st.sampled_from(["score.py", "local", "python", "9.1"])
)
keys = st.sampled_from(KEYS) | st.text(max_size=6) | st.integers() | st.none()
values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(KINDS), st.dictionaries(keys, values, max_size=6) | values)
@settings(max_examples=300, deadline=None)
@example(InferenceConfig, {"entryScript": "\ud800.py"})
@example(LocalDeploymentConfiguration, {"port": 10**5000})
def test_from_dict(kind, data):
    try:
        made = kind.from_dict(data)
    except ConfigurationError:
        return
    assert kind.from_dict(made.to_dict(secrets=True)) == made


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), values, max_size=6))
@settings(max_examples=150, deadline=None)
def test_arguments(data):
    try:
        made = LocalDeploymentConfiguration(**data)
    except ConfigurationError:
        return
    assert made.effective().workers >= 1


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace"))
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_in_a_file(content):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.json", "a.yml"):
            path = Path(folder, name)
            path.write_bytes(content)
            for load in (load_deployment_config, load_inference_config):
                with pytest.raises(ConfigurationError):
                    load(path)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ports = st.none() | st.integers(1, 65535)
seconds = st.none() | st.floats(0, 43_200, exclude_min=True)
labels = st.none() | st.dictionaries(text, text, max_size=3)
header_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9)


@given(
    port=ports,
    init_timeout_seconds=seconds,
    drain_seconds=seconds,
    tags=labels,
    properties=labels,
    description=st.none() | text,
    primary_key=st.none() | header_text,
    suffix=st.sampled_from([".json", ".yaml"]),
)
@settings(max_examples=120, deadline=None)
def test_a_deployment_configuration_survives_its_file(suffix, **arguments):
    config = LocalDeploymentConfiguration(auth_enabled=True, **arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = config.save(Path(folder, f"dc{suffix}"))
        assert load_deployment_config(path) == config
    assert deployment_config_from_dict(config.to_dict(secrets=True)) == config


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | text,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(text, below, max_size=3),
    max_leaves=6,
)


@given(
    variables=st.dictionaries(text, text, max_size=3),
    conda=st.none() | st.dictionaries(text, json_values, max_size=3),
    name=st.none() | text,
    arguments=st.none() | st.lists(text, max_size=3),
    suffix=st.sampled_from([".json", ".yml"]),
)
@settings(max_examples=120, deadline=None)
def test_an_inference_configuration_survives_its_file(
    script_folder, name, suffix, *, variables, conda, arguments
):
    env = Environment(name, environment_variables=variables)
    env.python.conda_dependencies = conda
    env.docker.arguments = arguments
    config = InferenceConfig("score.py", source_directory=script_folder, environment=env)
    with tempfile.TemporaryDirectory() as folder:
        path = config.save(Path(folder, f"ic{suffix}"))
        assert load_inference_config(path) == config
