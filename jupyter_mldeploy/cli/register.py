"""``mldeploy model register``."""

from __future__ import annotations

import json
from pathlib import Path

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import Command
from jupyter_mldeploy.cli.flags import key_values
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.wording import size

__all__ = ["register"]

_FRAMEWORKS = ("Custom", "TensorFlow", "ScikitLearn", "Onnx", "TfKeras", "PyTorch", "Multi")


def _no_runs(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.BadParameter(
            "this version keeps no experiments and runs. Give the model's path with -p.",
            context,
            parameter,
        )


@click.command(
    cls=Command, examples=("mldeploy model register -n diabetes -p model.pkl --tag area=demo",)
)
@click.option("-n", "--name", required=True, metavar="NAME", help="The model's name.")
@click.option(
    "-p",
    "--model-path",
    "--asset-path",
    "path",
    required=True,
    type=click.Path(exists=True),
    help="The saved model: a file or a folder.",
)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="KEY=VALUE",
    callback=key_values,
    help="A tag, to find it by; may be repeated.",
)
@click.option(
    "--property",
    "properties",
    multiple=True,
    metavar="KEY=VALUE",
    callback=key_values,
    help="A property, which never changes; may be repeated.",
)
@click.option("-d", "--description", help="Free text.")
@click.option(
    "--model-framework", type=click.Choice(_FRAMEWORKS, case_sensitive=False), help="What made it."
)
@click.option("--model-framework-version", metavar="VERSION", help="That framework's version.")
@click.option("--cpu-cores", "--cc", type=float, help="Processor cores it needs.")
@click.option("--memory-gb", "--gb", type=float, help="Memory it needs, in GB.")
@click.option("--gpu-cores", "--gc", type=int, help="GPUs it needs.")
@click.option("--sample-input-dataset-id", metavar="ID", help="Data set with sample inputs.")
@click.option("--sample-output-dataset-id", metavar="ID", help="Data set with their outputs.")
@click.option(
    "-t",
    "--output-metadata-file",
    "metadata_file",
    type=click.Path(dir_okay=False),
    help="Write which version it became, for `model deploy -f` and `service update -f`.",
)
@click.option("--experiment-name", hidden=True, callback=_no_runs, expose_value=False)
@click.option("-r", "--run-id", hidden=True, callback=_no_runs, expose_value=False)
@click.option("-f", "--run-metadata-file", hidden=True, callback=_no_runs, expose_value=False)
def register(
    session: Session,
    name: str,
    path: str,
    tags: dict[str, str],
    properties: dict[str, str],
    description: str | None,
    model_framework: str | None,
    model_framework_version: str | None,
    cpu_cores: float | None,
    memory_gb: float | None,
    gpu_cores: int | None,
    sample_input_dataset_id: str | None,
    sample_output_dataset_id: str | None,
    metadata_file: str | None,
) -> None:
    """Copy a model into the workspace, as the next version of its name."""
    if metadata_file is not None:
        _require_folder(metadata_file)
    needs = None
    if (cpu_cores, memory_gb, gpu_cores) != (None, None, None):
        needs = mldeploy.ResourceConfiguration(cpu=cpu_cores, memory_in_gb=memory_gb, gpu=gpu_cores)
    made = mldeploy.Model.register(
        session.workspace(),
        path,
        name,
        tags=tags or None,
        properties=properties or None,
        description=description,
        model_framework=model_framework,
        model_framework_version=model_framework_version,
        sample_input_dataset=sample_input_dataset_id,
        sample_output_dataset=sample_output_dataset_id,
        resource_configuration=needs,
    )
    if metadata_file is not None:
        written = {"modelId": made.id, "workspaceName": made.workspace.name}
        Path(metadata_file).write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    if session.json:
        session.show_json(made.serialize())
        return
    session.say(made.id)
    notice(
        f"Registered {made.id}, {size(made.size)}. Deploy it: "
        f"mldeploy model deploy -n NAME -m {made.id} --es score.py"
    )


def _require_folder(metadata_file: str) -> None:
    # Before the model is registered: a version cannot be taken back.
    folder = Path(metadata_file).absolute().parent
    if not folder.is_dir():
        raise click.BadParameter(f"the folder {folder} does not exist.", param_hint="-t")
