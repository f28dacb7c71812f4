"""What makes two requests the same."""

from dataclasses import replace

from jupyter_mldeploy.deployment.request import ModelReference, RolloutRequest, request_hash

MODEL = ModelReference("m", 1, "aa")


def hash_of(tmp_path, models=(MODEL,), inference=None, deployment=None, python="/usr/bin/python3"):
    return request_hash(list(models), inference or {}, deployment or {}, tmp_path / "src", python)


def test_what_is_served_decides(tmp_path):
    source = tmp_path / "src"
    source.mkdir()
    (source / "score.py").write_text("1")
    (source / "big.bin").write_bytes(b"x" * (1 << 21))
    base = hash_of(tmp_path)
    assert hash_of(tmp_path) == base
    assert hash_of(tmp_path, [replace(MODEL, version=2)]) != base
    assert hash_of(tmp_path, [replace(MODEL, sha256="bb")]) != base
    assert hash_of(tmp_path, inference={"entryScript": "x.py"}) != base
    assert hash_of(tmp_path, deployment={"port": 1}) != base
    assert hash_of(tmp_path, python="/other") != base
    (source / "score.py").write_text("2")
    changed = hash_of(tmp_path)
    assert changed != base
    (source / "big.bin").write_bytes(b"y" * (1 << 21) + b"z")
    assert hash_of(tmp_path) != changed


def test_what_is_not_served_does_not(tmp_path):
    source = tmp_path / "src"
    source.mkdir()
    (source / "score.py").write_text("1")
    base = hash_of(tmp_path)
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "score.pyc").write_bytes(b"x")
    (source / ".git").mkdir()
    (source / ".git" / "HEAD").write_text("x")
    assert hash_of(tmp_path) == base


def test_a_local_model_counts_by_content(tmp_path):
    (tmp_path / "src").write_text("script")
    path = tmp_path / "model.bin"
    path.write_text("1")
    local = ModelReference("model.bin", 0, path=str(path))
    base = hash_of(tmp_path, [local])
    path.write_text("2")
    assert hash_of(tmp_path, [local]) != base


def test_the_trip_through_a_row(tmp_path):
    request = RolloutRequest(
        service_id="1",
        models=[MODEL, ModelReference("x", 0, path="/x")],
        inference_config={"entryScript": "/s.py"},
        deployment_config={"computeType": "local"},
        python="/p",
        request_hash="h",
        rollback_to=3,
        fields={"tags": {"a": "b"}},
    )
    assert RolloutRequest.from_payload(request.to_payload()) == request


def test_two_names_of_one_interpreter_are_one(tmp_path):
    (tmp_path / "src").write_text("script")
    for environment in ("a", "b"):
        (tmp_path / environment).mkdir()
        for name in ("python", "python3"):
            (tmp_path / environment / name).symlink_to("/bin/sh")
    one = hash_of(tmp_path, python=str(tmp_path / "a" / "python"))
    assert hash_of(tmp_path, python=str(tmp_path / "a" / "python3")) == one
    assert hash_of(tmp_path, python=str(tmp_path / "b" / "python")) != one
