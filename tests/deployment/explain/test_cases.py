"""Every failure, made for real, gets its cause, its place and its way out."""

import pytest
from cases import CASES
from document import DOCUMENT, HEAD, row

from jupyter_mldeploy.errors import Problem


@pytest.mark.parametrize("case", CASES, ids=str)
def test_explained(stage_, case):
    outcome = stage_.play(case)
    found = outcome.explanation
    assert found is not None, f"{outcome.reported}\n{outcome.log}"
    assert found.rule == case.rule, str(outcome.problem)
    text = str(outcome.problem)
    for words in case.says:
        assert words in text
    assert outcome.problem.hint
    assert (found.fix.kind if found.fix else "") == case.fix
    if case.line is not None:
        assert outcome.problem.line == case.line
    if outcome.reported.traceback:  # the exception itself is never hidden
        assert outcome.reported.what in outcome.problem.what
    assert "mldeploy_serving" not in outcome.problem.traceback
    assert Problem.from_dict(outcome.problem.to_dict()) == outcome.problem
    line = row(case, outcome)
    written = DOCUMENT.read_text(encoding="utf-8")
    assert line in written, f"run python tests/deployment/explain/document.py; missing:\n{line}"


def test_the_document_has_no_other_rows():
    written = DOCUMENT.read_text(encoding="utf-8")
    assert written.startswith(HEAD)
    rows = written.removeprefix(HEAD).splitlines()
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [case.seen for case in CASES]
    assert len({case.rule for case in CASES}) >= 25


def test_every_rule_has_a_case():
    from jupyter_mldeploy.deployment.explain import RULES

    assert {rule.__name__ for rule in RULES} == {case.rule for case in CASES}
