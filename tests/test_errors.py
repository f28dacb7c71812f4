"""An error says what happened, where, and what to do next."""

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.errors import (
    MLDeployError,
    ModelNotFoundException,
    Problem,
    UserErrorException,
    WebserviceException,
)

TEXT = st.text(min_size=1)
PROBLEMS = st.builds(
    Problem,
    what=TEXT,
    hint=st.text(),
    kind=st.text(),
    file=st.none() | TEXT,
    line=st.none() | st.integers(1),
    code=st.none() | TEXT,
    traceback=st.text(),
)


@given(PROBLEMS)
def test_a_problem_survives_the_trip_through_a_row(problem):
    data = problem.to_dict()
    assert Problem.from_dict({**data, "a newer writer's": 1}) == problem


def test_three_lines():
    problem = Problem("init() raised.", "Mend it.", file="score.py", line=9, code="1 / 0")
    error = WebserviceException("ignored", 500, problem=problem)
    assert str(error) == "init() raised.\n  score.py:9  1 / 0\n  Mend it."
    assert error.status_code == 500
    assert error.hint == "Mend it."


def test_the_v1_tree():
    assert issubclass(UserErrorException, ValueError)
    assert not issubclass(ModelNotFoundException, WebserviceException)
    assert issubclass(ModelNotFoundException, MLDeployError)
    assert WebserviceException("m").status_code is None
