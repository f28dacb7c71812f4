"""Workspaces of a store, and what a broken database says."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mldeploy.errors import StoreError, UserErrorException
from jupyter_mldeploy.store import Store


def test_workspaces(store: Store):
    made = store.workspaces.create("b", {"subscription_id": "s"})
    store.workspaces.create("a")
    assert store.workspaces.get("b") == made == store.workspaces.get_by_id(made.id)
    assert store.workspaces.get("c") is None
    assert [each.name for each in store.workspaces.list()] == ["a", "b"]
    with pytest.raises(UserErrorException, match="workspace with name b already"):
        store.workspaces.create("b")
    store.workspaces.set_config(made.id, {"location": "x"})
    assert store.workspaces.get("b").config == {"location": "x"}


def test_a_closed_store_opens_again_when_it_is_used(store: Store):
    store.workspaces.create("a")
    store.close()
    assert store.workspaces.get("a")


def test_a_database_that_breaks_says_which_file(store: Store, home: Path):
    store.workspaces.create("a")
    store.close()
    database = home / "mldeploy.db"
    database.write_bytes(b"SQLite format 3\0" + bytes(4080))
    with pytest.raises(StoreError, match=r"mldeploy\.db"):
        store.workspaces.list()
