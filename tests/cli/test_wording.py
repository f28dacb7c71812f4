"""Numbers with units, states with shapes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import click
import pytest

from jupyter_mldeploy.cli.wording import ago, lasted, pairs, size, state_words
from jupyter_mldeploy.targets import Status

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "-"),
        (0, "0 B"),
        (633, "633 B"),
        (1000, "1.0 kB"),
        (999_900, "1.0 MB"),
        (141_200_000, "141 MB"),
        (25_000_000_000, "25 GB"),
        (3_000_000_000_000, "3.0 TB"),
    ],
)
def test_size(count, words):
    assert size(count) == words


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=12), "12 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=30), "30 h ago"),
        (timedelta(days=12), "12 days ago"),
    ],
)
def test_ago(before, words):
    assert ago(NOW - before, NOW) == words
    assert ago((NOW - before).isoformat(), NOW) == words


def test_ago_without_a_time():
    assert ago(None) == "-"


def test_lasted():
    assert lasted(0.21) == "0.2 s"
    assert lasted(200) == "3 min 20 s"
    assert lasted(None) == "-"


def test_pairs():
    assert pairs({"area": "demo", "done": ""}) == "area=demo, done"
    assert pairs(None) == ""


def test_every_status_has_a_shape():
    for status in Status:
        shape, word = click.unstyle(state_words(status.value)).split(" ")
        assert shape in "●◐▲✕■"
        assert word == status.value
