"""The end of a log, cheap and over rotations."""

from __future__ import annotations

from jupyter_mldeploy.targets.log_tail import tail


def test_last_lines_of_a_log_longer_than_a_block(tmp_path):
    log = tmp_path / "service.log"
    lines = [f"line {number} {'x' * (number % 300)}\n" for number in range(5000)]
    log.write_text("".join(lines))
    assert tail(log, 1) == lines[-1]
    assert tail(log, 777) == "".join(lines[-777:])
    assert tail(log, 9999) == "".join(lines)
    assert tail(log, 0) == ""


def test_a_line_that_is_being_written_counts(tmp_path):
    log = tmp_path / "service.log"
    log.write_bytes(b"one\ntwo\nthr\xff")
    assert tail(log, 2) == "two\nthr\ufffd"


def test_goes_on_in_rotated_files(tmp_path):
    log = tmp_path / "service.log"
    (tmp_path / "service.log.2").write_text("1\n2\n")
    (tmp_path / "service.log.1").write_text("3\n4\n")
    log.write_text("5\n")
    assert tail(log, 4) == "2\n3\n4\n5\n"
    log.unlink()
    assert tail(log, 1) == "4\n"


def test_no_log_is_empty(tmp_path):
    assert tail(tmp_path / "service.log", 5) == ""
