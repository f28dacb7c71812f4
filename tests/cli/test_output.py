"""Results on standard output, all else on standard error; tables in columns."""

from __future__ import annotations

import io

import click

from jupyter_mldeploy.cli.output import facts, show_json, table


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_columns_are_aligned_and_colours_do_not_count():
    out = io.StringIO()
    state = click.style("● Healthy", fg="green")
    table(["NAME", "STATUS", "URL"], [["a", state, "x"], ["longer", "■ Stopped", "y"]], out)
    assert out.getvalue() == (
        "NAME    STATUS     URL\n"
        "a       ● Healthy  x\n"
        "longer  ■ Stopped  y\n"
    )  # fmt: skip


def test_a_narrow_terminal_cuts_the_last_column_only(monkeypatch):
    monkeypatch.setenv("COLUMNS", "24")
    wide = [["name", "http://localhost:8890/score"]]
    out, pipe = Terminal(), io.StringIO()
    table(["NAME", "URL"], wide, out)
    table(["NAME", "URL"], wide, pipe)
    assert "name  http://localhost:…" in click.unstyle(out.getvalue())
    assert "http://localhost:8890/score" in pipe.getvalue()


def test_a_pipe_gets_no_colours():
    out = io.StringIO()
    table(["STATUS"], [[click.style("✕ Crashed", fg="red")]], out)
    assert "\x1b" not in out.getvalue()


def test_facts_leave_out_what_is_empty_and_align_further_lines():
    out = io.StringIO()
    facts([("name", "svc"), ("tags", ""), ("workers", "one\ntwo")], out)
    assert out.getvalue() == (
        "name     svc\n"
        "workers  one\n"
        "         two\n"
    )  # fmt: skip


def test_json_keeps_other_alphabets():
    out = io.StringIO()
    show_json({"beschreibung": "größer"}, out)
    assert out.getvalue() == '{\n  "beschreibung": "größer"\n}\n'


def test_json_goes_to_standard_output_alone(call, folder):
    (folder / "model.bin").write_bytes(b"weights")
    result = call("model", "register", "-n", "m", "-p", "model.bin", "-o", "json")
    assert result.stdout.startswith("{")
    assert result.stdout.rstrip().endswith("}")
    assert "Registering model m" in result.stderr


def test_empty_lists_teach_and_leave_standard_output_empty(call):
    for group, words in (
        ("model", "mldeploy model register -n NAME -p PATH"),
        ("service", "mldeploy model deploy -n NAME"),
        ("operation", "mldeploy model deploy -n NAME"),
    ):
        result = call(group, "list")
        assert words in result.stderr
        assert result.stdout == ""
        assert call(group, "list", "-o", "json").stdout == "[]\n"


def test_no_color_is_honoured(call, folder, monkeypatch):
    (folder / "model.bin").write_bytes(b"weights")
    call("model", "register", "-n", "m", "-p", "model.bin")
    assert "\x1b[" in call("model", "list", color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in call("model", "list", color=True).stdout
