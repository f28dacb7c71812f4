"""``mldeploy model``: registered models."""

from __future__ import annotations

from typing import Any

import click

import jupyter_mldeploy as mldeploy
from jupyter_mldeploy.cli.command import CommandGroup
from jupyter_mldeploy.cli.deploy import deploy
from jupyter_mldeploy.cli.flags import key_values
from jupyter_mldeploy.cli.output import notice
from jupyter_mldeploy.cli.parameters import agreed, labelled, model_choice, yes
from jupyter_mldeploy.cli.register import register
from jupyter_mldeploy.cli.session import Session
from jupyter_mldeploy.cli.wording import ago, pairs, size

__all__ = ["model"]


@click.group(cls=CommandGroup)
def model() -> None:
    """Register models, find them again, and deploy them."""


model.add_command(register)
model.add_command(deploy)


@model.command("list")
@click.option("-n", "--name", "--model-name", "name", metavar="NAME", help="Only that name.")
@click.option("-l", "--latest", is_flag=True, help="Only the latest version of each name.")
@labelled
@click.option("--model-framework", metavar="NAME", help="Only those of that framework.")
@click.option("--run-id", metavar="ID", help="Only those of that run.")
@click.option("--dataset-id", metavar="ID", help="Only those that name that data set.")
@click.option(
    "--text", metavar="WORDS", help="Only those with this in name, description, framework or a tag."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@click.option("--offset", type=click.IntRange(min=0), help="After so many.")
def list_models(
    session: Session,
    text: str | None,
    limit: int | None,
    offset: int | None,
    **wanted: Any,
) -> None:
    """List models, the newest first."""
    found = _found(session.workspace(), text, limit, offset, wanted)
    if session.json:
        session.show_json([each.serialize() for each in found])
    elif found:
        session.table(
            ["MODEL", "FRAMEWORK", "SIZE", "REGISTERED", "TAGS"],
            [
                [
                    each.id,
                    each.model_framework or "-",
                    size(each.size),
                    ago(each.created_time),
                    pairs(each.tags),
                ]
                for each in found
            ],
        )
    elif text or offset or any(wanted.values()):
        notice("No model fits.")
    else:
        notice("No models yet. Register one: mldeploy model register -n NAME -p PATH")


def _found(
    workspace: mldeploy.Workspace,
    text: str | None,
    limit: int | None,
    offset: int | None,
    wanted: dict[str, Any],
) -> list[mldeploy.Model]:
    if text is None and limit is None and offset is None:
        return mldeploy.Model.list(workspace, **wanted)
    extra = [key for key in ("name", "run_id", "dataset_id") if wanted.pop(key)]
    if extra:
        names = ", ".join(f"--{key.replace('_', '-')}" for key in extra)
        raise click.UsageError(f"--text, --limit and --offset do not go with {names}.")
    wanted["framework"] = wanted.pop("model_framework")
    return mldeploy.Model.search(
        workspace, text=text, limit=50 if limit is None else limit, offset=offset or 0, **wanted
    )


@model.command("show")
@model_choice
def show(session: Session, model_id: str) -> None:
    """Show one model."""
    workspace = session.workspace()
    found = model_of(workspace, model_id)
    users = [each.name for each in mldeploy.Webservice.list(workspace, model_id=found.id)]
    if session.json:
        session.show_json(
            {
                **found.serialize(),
                "size": found.size,
                "sha256": found.sha256,
                "registeredEnvironment": found.registered_environment,
                "usedBy": users,
            }
        )
        return
    framework = " ".join(filter(None, [found.model_framework, found.model_framework_version]))
    environment = found.registered_environment or {}
    session.facts(
        [
            ("model", found.id),
            ("description", found.description or ""),
            ("framework", framework),
            ("size", size(found.size)),
            ("sha256", found.sha256),
            ("registered", f"{ago(found.created_time)} by {found.created_by}"),
            ("Python", str(environment.get("python_version") or "")),
            ("used by", ", ".join(users)),
            ("tags", pairs(found.tags)),
            ("properties", pairs(found.properties)),
        ]
    )


@model.command("update")
@model_choice
@click.option(
    "--add-tag",
    multiple=True,
    metavar="KEY=VALUE",
    callback=key_values,
    help="Add or change a tag; may be repeated.",
)
@click.option("--remove-tag", multiple=True, metavar="KEY", help="Remove a tag; may be repeated.")
@click.option(
    "--add-property",
    multiple=True,
    metavar="KEY=VALUE",
    callback=key_values,
    help="Add a property; it never changes.",
)
@click.option("-d", "--description", help="Replace the description.")
def update(
    session: Session,
    model_id: str,
    add_tag: dict[str, str],
    remove_tag: tuple[str, ...],
    add_property: dict[str, str],
    description: str | None,
) -> None:
    """Change what is written about a model; its files never change."""
    if not (add_tag or remove_tag or add_property or description is not None):
        raise click.UsageError(
            "Nothing to change: give --add-tag, --remove-tag, --add-property or --description."
        )
    found = model_of(session.workspace(), model_id)
    if add_tag or remove_tag or add_property:
        found.update_tags_properties(add_tag, remove_tag, add_property)
    if description is not None:
        found.update(description=description)
    _done(session, found, f"{found.id} is changed.")


@model.command("download")
@model_choice
@click.option(
    "-t",
    "--target-dir",
    default=".",
    show_default=True,
    type=click.Path(file_okay=False),
    help="Folder to copy it to.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def download(session: Session, model_id: str, target_dir: str, overwrite: bool) -> None:
    """Copy a model's file or folder."""
    path = model_of(session.workspace(), model_id).download(target_dir, exist_ok=overwrite)
    if session.json:
        session.show_json({"path": path})
    else:
        session.say(path)


@model.command("delete")
@model_choice
@yes
def delete(session: Session, model_id: str, yes: bool) -> None:
    """Remove one version of a model; its number is not given again."""
    found = model_of(session.workspace(), model_id)
    agreed(f"Delete the model {found.id}?", yes=yes)
    found.delete()
    _done(session, found, f"The model {found.id} is deleted.")


def model_of(workspace: mldeploy.Workspace, model_id: str) -> mldeploy.Model:
    """Return the model ``name:version``, or the latest version of ``name``."""
    if ":" in model_id:
        return mldeploy.Model(workspace, id=model_id)
    return mldeploy.Model(workspace, name=model_id)


def _done(session: Session, found: mldeploy.Model, text: str) -> None:
    notice(text)
    if session.json:
        session.show_json(found.serialize())
