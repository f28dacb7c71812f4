from __future__ import annotations

from jupyter_mldeploy.config import InferenceConfig, LocalDeploymentConfiguration
from jupyter_mldeploy.config.fields import fields_of


def test_every_field_can_become_a_flag():
    for kind in (InferenceConfig, LocalDeploymentConfiguration):
        for facts in fields_of(kind):
            assert facts.help.endswith("."), facts.path
            assert facts.expectation()


def test_the_facts_of_some_fields():
    facts = {found.path: found for found in fields_of(LocalDeploymentConfiguration)}
    port = facts["port",]
    assert (port.kind, port.minimum, port.maximum, port.required) == ("integer", 1, 65535, False)
    key = facts["keys", "primary_key"]
    assert (key.key, key.kind, key.secret) == ("primaryKey", "text", True)
    assert facts["tags",].kind == "mapping"
    assert facts["auth_enabled",].kind == "boolean"
    init = facts["init_timeout_seconds",]
    assert (init.kind, init.minimum, init.above) == ("number", 0, True)
    facts = {found.path: found for found in fields_of(InferenceConfig)}
    assert facts["entry_script",].required
    assert facts["runtime",].choices == ("python", "spark-py", "python-slim")
    assert facts["environment", "docker"].kind == "section"
    assert facts["environment", "docker", "arguments"].kind == "list"
    assert facts["extra_docker_file_steps",].key == "extraDockerfileSteps"
