from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mldeploy.config import (
    check_entry_script_name,
    check_model_name,
    check_service_name,
)
from jupyter_mldeploy.errors import UserErrorException


@pytest.mark.parametrize("name", ["a", "7", "my-model_1.pkl", "A" * 255])
def test_model_names_that_v1_took(name):
    assert check_model_name(name) == name


@pytest.mark.parametrize("name", ["abc", "my-service", "a1b", "a" * 32])
def test_service_names_that_v1_took(name):
    assert check_service_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", "_a", "a b", "a/b", "A" * 256, "é", "a\n", None, 3, b"a"]
)
def test_model_names_that_v1_refused(name):
    with pytest.raises(UserErrorException, match="name"):
        check_model_name(name)


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 33, "My", "1ab", "abc-", "a_b", "abc\n", "-abc", None]
)
def test_service_names_that_v1_refused(name):
    with pytest.raises(UserErrorException, match="name"):
        check_service_name(name)


@given(st.text(max_size=300), st.sampled_from([check_model_name, check_service_name]))
def test_a_suggestion_is_allowed(name, check):
    with pytest.raises(UserErrorException) as caught:
        check(f"{name}!")
    found = re.search('"([^"]*)" would do', caught.value.hint)
    assert found is not None
    assert check(found.group(1)) == found.group(1)


def test_the_suggestion_is_near():
    with pytest.raises(UserErrorException, match='"my-service" would do'):
        check_service_name("My_Service!")
    with pytest.raises(UserErrorException, match='"diabetes-model-v2" would do'):
        check_model_name(" diabetes model/v2")


@pytest.mark.parametrize("path", ["score.py", "src/score.py", "_a.py", "größe.py"])
def test_entry_scripts_that_can_be_imported(path):
    assert check_entry_script_name(path) == path


@pytest.mark.parametrize("path", ["score", "score.ipynb", "a-b.py", "1.py", "class.py", ".py", ""])
def test_entry_scripts_that_cannot(path):
    with pytest.raises(UserErrorException, match="entry script") as caught:
        check_entry_script_name(path)
    suggested = re.search(r'"([^"]+\.py)"', caught.value.hint)
    assert suggested is not None
    assert check_entry_script_name(suggested.group(1))
