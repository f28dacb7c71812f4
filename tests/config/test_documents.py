from __future__ import annotations

import pytest

from jupyter_mldeploy.config.documents import read_document
from jupyter_mldeploy.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b'{\n "port": 1\n "x": 2}', r"a\.json:3: not JSON"),
        ("a.json", b'{"port": 1, "port": 2}', "`port` stands twice"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.json", b"[1]", "holds a list"),
        ("a.json", b"null", "holds nothing"),
        ("a.json", b"\xff\xfe", "not text in UTF-8"),
        ("a.json", b'{"port": 1' + b"0" * 5000 + b"}", "a.json"),
        ("a.yml", b"port: [1\n", r"a\.yml:\d: not YAML"),
        ("a.yml", b"a: !!python/object:os.system {}", "not YAML"),
        ("a.yml", b"a: !!timestamp 9999-99-99", "not YAML"),
        ("a.yml", b"\x00", "not YAML"),
        ("a.yml", b"", "holds nothing"),
        ("a.json", b" " * (5 * 1024 * 1024), "no configuration file"),
    ],
)
def test_what_cannot_be_read_says_where(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        read_document(tmp_path / name)


@pytest.mark.parametrize("name", ["none.json", "", "nul\0l.json", "x" * 5000])
def test_a_file_that_is_not_there(tmp_path, name):
    with pytest.raises(ConfigurationError, match="could not be read"):
        read_document(str(tmp_path / "d") + "/" + name)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"port": 1}')
    assert read_document(tmp_path / "a.json") == {"port": 1}
