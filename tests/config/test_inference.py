from __future__ import annotations

import inspect
import json
import stat

import pytest

from jupyter_mldeploy.config import (
    ContainerRegistry,
    Environment,
    InferenceConfig,
    load_inference_config,
)
from jupyter_mldeploy.errors import ConfigurationError, UserErrorException

V1_FILE = {
    "entryScript": "score.py",
    "runtime": "python",
    "condaFile": "env.yml",
    "extraDockerfileSteps": None,
    "sourceDirectory": None,
    "enableGpu": False,
    "baseImage": None,
    "baseImageRegistry": None,
}
V1_FILE_WITH_ENVIRONMENT = {
    "entryScript": "score.py",
    "environment": {
        "docker": {
            "arguments": [],
            "baseDockerfile": None,
            "baseImage": "mcr.microsoft.com/azureml/intelmpi2018.3-ubuntu16.04",
            "enabled": False,
            "sharedVolumes": True,
            "shmSize": None,
        },
        "environmentVariables": {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"},
        "name": "my-deploy-env",
        "python": {
            "baseCondaEnvironment": None,
            "condaDependencies": {
                "channels": ["conda-forge"],
                "dependencies": ["python=3.6.2", {"pip": ["azureml-defaults", "scikit-learn"]}],
                "name": "project_environment",
            },
            "condaDependenciesFile": None,
            "interpreterPath": "python",
            "userManagedDependencies": False,
        },
        "spark": {"precachePackages": True, "packages": []},
        "databricks": {"eggLibraries": []},
        "version": "1",
    },
}


def test_the_parameters_are_those_of_v1_in_its_order():
    parameters = inspect.signature(InferenceConfig).parameters.values()
    names = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    assert names == [
        "entry_script",
        "runtime",
        "conda_file",
        "extra_docker_file_steps",
        "source_directory",
        "enable_gpu",
        "description",
        "base_image",
        "base_image_registry",
        "cuda_version",
        "environment",
    ]


def test_arguments_by_position(here):
    (here / "env.yml").write_text("")
    config = InferenceConfig("score.py", "python", "env.yml")
    assert (config.runtime, config.conda_file) == ("python", "env.yml")
    assert config.source_directory is None


@pytest.mark.parametrize("name", ["inferenceconfig.json", "inferenceconfig.yml"])
@pytest.mark.parametrize("document", [V1_FILE, V1_FILE_WITH_ENVIRONMENT])
def test_a_v1_file_survives_load_save_load(here, name, document):
    (here / "env.yml").write_text("")
    (here / "v1.json").write_text(json.dumps(document))
    first = load_inference_config("v1.json")
    first.save(name)
    second = load_inference_config(name)
    assert first == second
    assert second.to_dict() == without_none(document)


def without_none(value):
    if isinstance(value, dict):
        cleaned = {key: without_none(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item is not None}
    return value


@pytest.mark.parametrize("key", ["extraDockerfileSteps", "extraDockerFileSteps"])
def test_both_spellings_of_the_docker_steps(here, key):
    config = InferenceConfig.from_dict({"entryScript": "score.py", key: "steps"})
    assert config.extra_docker_file_steps == "steps"
    assert config.to_dict()["extraDockerfileSteps"] == "steps"


def test_both_spellings_at_once_are_refused():
    with pytest.raises(ConfigurationError, match=r"`extraDockerFileSteps` is given twice"):
        InferenceConfig.from_dict(
            {"entryScript": "score.py", "extraDockerfileSteps": "a", "extraDockerFileSteps": "a"}
        )


def test_legacy_keys_are_ignored_beside_an_environment():
    config = InferenceConfig.from_dict(
        {"entryScript": "score.py", "condaFile": 5, "runtime": "r", "environment": {"name": "e"}}
    )
    assert config.to_dict() == {
        "entryScript": "score.py",
        "environment": {"name": "e", "environmentVariables": {}},
    }


def test_in_python_they_exclude_each_other(here):
    with pytest.raises(ConfigurationError, match="`conda_file` and `environment` are both given"):
        InferenceConfig("score.py", conda_file="env.yml", environment=Environment("e"))


def test_the_source_directory_is_the_base_of_the_paths(here):
    source = here / "src" / "deep"
    source.mkdir(parents=True)
    (source / "score.py").write_text("def init(): pass\n")
    (here / "src" / "env.yml").write_text("")
    config = InferenceConfig("deep/score.py", conda_file="env.yml", source_directory="src")
    assert config.source_directory == "src"
    assert config.resolved().source_directory == str(here / "src")
    assert config.resolved().conda_file == "env.yml"


def test_a_path_object_will_do(here):
    config = InferenceConfig(here / "score.py", source_directory=here)
    assert config.source_directory == str(here)


def test_without_a_source_directory_the_paths_are_resolved_one_by_one(here, monkeypatch):
    (here / "env.yml").write_text("")
    config = InferenceConfig("score.py", conda_file="env.yml").resolved()
    monkeypatch.chdir("/")
    config.check()
    assert config.entry_script == str(here / "score.py")


def test_a_stored_configuration_is_read_after_its_files_are_gone(here):
    config = InferenceConfig("score.py", base_image="x")
    (here / "score.py").unlink()
    assert InferenceConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ConfigurationError, match="does not exist"):
        config.check()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("def init():\n    x = = 3\n", r"score\.py:2  x = = 3"),
        ("a = 1\0", "not valid Python"),
        ("(" * 5000, "not valid Python"),
        ("# coding: klingon\n", "not valid Python"),
    ],
)
def test_a_script_that_is_not_python(here, script, said):
    (here / "score.py").write_text(script)
    with pytest.raises(UserErrorException, match=said):
        InferenceConfig("score.py")


def test_a_script_with_remarks_of_the_parser_is_fine(here):
    (here / "score.py").write_text('def init():\n    return "\\d"\n')
    assert InferenceConfig("score.py")


def test_a_missing_script_names_what_is_there(here):
    with pytest.raises(ConfigurationError, match=r"That folder has score\.py"):
        InferenceConfig("scor.py")


def test_a_missing_script_that_lies_in_another_folder(here):
    (here / "src").mkdir()
    (here / "src" / "predict.py").write_text("")
    with pytest.raises(ConfigurationError, match="set source_directory to that folder"):
        InferenceConfig("predict.py")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"source_directory": "nowhere"}, "source directory 'nowhere' does not exist"),
        ({"conda_file": "nowhere.yml"}, "conda file 'nowhere.yml' does not exist"),
        ({"extra_docker_file_steps": "nowhere"}, "'nowhere' does not exist"),
        ({"runtime": "r"}, "`runtime` is 'r'; it must be one of \"python\""),
        ({"cuda_version": "8.0"}, "`cuda_version` is '8.0'"),
        ({"enable_gpu": "yes"}, "`enable_gpu` is 'yes'; it must be true or false"),
        ({"base_image": "b", "runtime": "spark-py"}, "`base_image` is only for the python"),
        (
            {"base_image_registry": ContainerRegistry(address="a", username="u")},
            "address, username and password",
        ),
        ({"conda_fil": "x"}, "Did you mean `conda_file`"),
    ],
)
def test_what_v1_refused(here, arguments, said):
    with pytest.raises(ConfigurationError, match=said):
        InferenceConfig("score.py", **arguments)


def test_a_script_outside_its_source_directory(here):
    (here / "src").mkdir()
    with pytest.raises(ConfigurationError, match="not inside the source directory"):
        InferenceConfig("../score.py", source_directory="src")


def test_a_source_directory_in_the_models_place(here):
    (here / "azureml-models").mkdir()
    (here / "azureml-models" / "score.py").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be a source directory"):
        InferenceConfig("score.py", source_directory="azureml-models")


def test_faults_are_told_together_and_with_the_file(here):
    (here / "ic.json").write_text('{"entryScrpt": "score.py", "runtime": 3}')
    with pytest.raises(ConfigurationError) as caught:
        load_inference_config("ic.json")
    text = str(caught.value)
    assert text.startswith("ic.json has 3 faults")
    assert "`entryScript` is missing" in text
    assert "Did you mean `entryScript`?" in text
    assert "`runtime` is 3" in text


def test_a_number_for_the_cuda_version_in_yaml(here):
    (here / "ic.yml").write_text("entryScript: score.py\ncudaVersion: 10.0\nenableGpu: true\n")
    assert load_inference_config("ic.yml").cuda_version == "10.0"


def test_what_is_not_honoured_is_said(here):
    environment = Environment("e")
    environment.python.conda_dependencies = {"dependencies": ["numpy"]}
    environment.docker.enabled = True  # many v1 scripts say so; it changes nothing here
    said = InferenceConfig("score.py", environment=environment).unsupported_here()
    assert ["conda dependencies" in sentence for sentence in said] == [True]
    environment.docker.base_image = "an/image"
    said = InferenceConfig("score.py", environment=environment).unsupported_here()
    assert any("docker image" in sentence for sentence in said)
    assert InferenceConfig("score.py").unsupported_here() == []
    old = InferenceConfig.from_dict({"entryScript": "s.py", **dict.fromkeys(("condaFile",), "e")})
    assert "e is not installed" in old.unsupported_here()[0]


def test_a_password_is_written_only_when_asked(here):
    registry = ContainerRegistry(address="a", username="u", password="s3cret")
    config = InferenceConfig("score.py", base_image="b", base_image_registry=registry)
    assert "s3cret" not in json.dumps(config.to_dict())
    assert "s3cret" not in repr(config)
    # What a row keeps can be read again.
    assert InferenceConfig.from_dict(config.to_dict()).base_image == "b"
    config.save("ic.json")
    assert stat.S_IMODE((here / "ic.json").stat().st_mode) == 0o600
    assert load_inference_config("ic.json") == config


def test_the_schema_describes_every_key():
    schema = InferenceConfig.json_schema()
    assert schema["required"] == ["entryScript"]
    assert "extraDockerfileSteps" in schema["properties"]
    parts = [schema, *schema["$defs"].values()]
    for part in parts:
        assert part["additionalProperties"] is False
        for key, about in part["properties"].items():
            assert about["description"].endswith("."), key
    password = schema["$defs"]["ContainerRegistry"]["properties"]["password"]
    assert password["anyOf"][0]["writeOnly"] is True
    assert {"type": "null"} in schema["properties"]["runtime"]["anyOf"]
