"""Keys, tokens, and the files they live in."""

from __future__ import annotations

import json
import stat
import threading

import jwt
import pytest

from jupyter_mldeploy.serving.secret_files import (
    Keys,
    SecretsError,
    create_keys,
    create_token_secret,
    read_keys,
    read_token_secret,
    rotate_key,
    rotate_token_secret,
)
from jupyter_mldeploy.serving.tokens import TokenError, issue_token, verify

SCRIPT = "def init(): pass\ndef run(data): return data"


def guarded(serve, auth, directory, **variables):
    return serve(
        SCRIPT,
        variables={
            "MLDEPLOY_AUTH": auth, "MLDEPLOY_SECRETS_DIR": str(directory),
            "SERVICE_NAME": "mine", **variables,
        },
    )  # fmt: skip


def test_keys_open_the_door(serve, tmp_path):
    keys = create_keys(tmp_path / "secrets")
    server = guarded(serve, "key", tmp_path / "secrets")
    for accepted in (
        {"Authorization": f"Bearer {keys.primary}"},
        {"Authorization": f"bearer  {keys.secondary}"},
        {"X-API-Key": keys.primary},
        {"Authorization": "token jupyters-own", "X-API-Key": keys.secondary},
    ):
        assert server.score("x", **accepted)[0] == 200
        assert server.request("GET", "/swagger.json", **accepted)[0] == 200
    for refused in (
        {},
        {"Authorization": keys.primary},
        {"Authorization": f"Basic {keys.primary}"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {keys.primary}x"},
        {"Authorization": "Bearer caf\u00e9"},
        {"X-API-Key": keys.primary[:-1]},
        {"X-API-Key": "''"},
    ):
        for path in ("/score", "/swagger.json"):
            status, headers, body = server.request("GET", path, **refused)
            assert status == 401
            assert headers["www-authenticate"] == "Bearer"
            assert "key" in json.loads(body)["message"]
    assert server.request("GET", "/")[0] == 200
    assert server.request("OPTIONS", "/score")[0] == 200
    assert server.control().probe("POST", "/score", b"x")["status"] == 200
    assert keys.primary not in server.log


def test_a_refused_body_is_not_kept(serve, tmp_path):
    create_keys(tmp_path / "s")
    server = guarded(serve, "key", tmp_path / "s", MLDEPLOY_MAX_BODY_BYTES="100000000")
    before = server.control().ask("status")["rss"]
    assert server.request("POST", "/score", b"x" * 60_000_000)[0] == 401
    assert server.control().ask("status")["rss"] - before < 20_000_000


def test_rotation_needs_no_restart(serve, tmp_path):
    folder = tmp_path / "s"
    old = create_keys(folder)
    server = guarded(serve, "key", folder)
    assert server.score("x", X_API_Key=old.primary)[0] == 200
    new = rotate_key(folder, "Primary")
    assert new.secondary == old.secondary
    assert server.score("x", X_API_Key=old.primary)[0] == 401
    assert server.score("x", X_API_Key=new.primary)[0] == 200
    assert server.score("x", X_API_Key=old.secondary)[0] == 200
    (folder / "keys.json").unlink()
    assert server.score("x", X_API_Key=new.primary)[0] == 401
    create_keys(folder, primary=new.primary)
    assert server.score("x", X_API_Key=new.primary)[0] == 200


def test_tokens_open_the_door(serve, tmp_path):
    folder = tmp_path / "s"
    secret = create_token_secret(folder)
    server = guarded(serve, "token", folder)
    token, _ = issue_token(secret, "mine", 60)
    assert server.score("x", Authorization=f"Bearer {token}")[0] == 200
    assert server.score("x", X_API_Key=token)[0] == 200
    for bad, words in (
        ("", "get_token()"),
        ("Bearer x.y.z", "not one of this service"),
        (f"Bearer {issue_token(secret, 'other', 60)[0]}", "for another service"),
        (f"Bearer {issue_token(secret, 'mine', -60)[0]}", "has ended"),
        (f"Bearer {issue_token('0' * 64, 'mine', 60)[0]}", "not one of this service"),
    ):
        status, _, body = server.score("x", **({"Authorization": bad} if bad else {}))
        assert status == 401
        assert words in body["message"]
    rotated = rotate_token_secret(folder)
    assert server.score("x", Authorization=f"Bearer {token}")[0] == 401
    token, _ = issue_token(rotated, "mine", 60)
    assert server.score("x", Authorization=f"Bearer {token}")[0] == 200


def test_open_by_default(serve):
    assert serve(SCRIPT).score("x")[0] == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "s", "sub": "s"},
        {"aud": "s", "exp": 4_000_000_000},
        {"sub": "s", "exp": 4_000_000_000},
        {"aud": "s", "sub": "t", "exp": 4_000_000_000},
    ],
)
def test_incomplete_tokens(claims):
    secret = "k" * 64
    with pytest.raises(TokenError):
        verify(jwt.encode(claims, secret, algorithm="HS256"), secret, "s")


def test_unsigned_tokens():
    claims = {"aud": "s", "sub": "s", "exp": 4_000_000_000}
    with pytest.raises(TokenError):
        verify(jwt.encode(claims, None, algorithm="none"), "k" * 64, "s")


def test_expiry_is_told():
    token, expiry = issue_token("k" * 64, "s", 3600)
    assert jwt.decode(token, "k" * 64, ["HS256"], audience="s")["exp"] == expiry.timestamp()
    verify(token, "k" * 64, "s")


def test_files_are_private(tmp_path):
    folder = tmp_path / "a" / "secrets"
    create_keys(folder)
    create_token_secret(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["keys.json", "token.json"]
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_given_and_kept(tmp_path):
    keys = create_keys(tmp_path, primary="my-own-key")
    assert keys.primary == "my-own-key"
    assert create_keys(tmp_path) == keys
    assert create_keys(tmp_path, secondary="another-one") == Keys("my-own-key", "another-one")
    assert read_keys(tmp_path) == Keys("my-own-key", "another-one")
    assert rotate_key(tmp_path, "secondary", "third-key").secondary == "third-key"
    assert "my-own-key" not in repr(keys)


@pytest.mark.parametrize("key", ["short", "with space in it", "line\nbreak-key", "schlüssel-lang"])
def test_keys_that_cannot_travel(tmp_path, key):
    with pytest.raises(SecretsError, match="A key needs"):
        create_keys(tmp_path, primary=key)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"primary": 1, "secondary": 2}', "\x00"])
def test_damaged_files(tmp_path, text):
    (tmp_path / "keys.json").write_text(text)
    (tmp_path / "token.json").write_text(text)
    for read in (read_keys, read_token_secret):
        with pytest.raises(SecretsError, match="json"):
            read(tmp_path)


def test_what_does_not_exist(tmp_path):
    with pytest.raises(SecretsError, match="does not exist"):
        rotate_key(tmp_path, "primary")
    create_keys(tmp_path)
    with pytest.raises(SecretsError, match="There is no 'third' key"):
        rotate_key(tmp_path, "third")


def test_two_rotations_at_once_do_not_undo_one_another(tmp_path):
    create_keys(tmp_path)
    values = {"primary": "primary-final", "secondary": "secondary-final"}
    for _ in range(10):
        create_keys(tmp_path, "primary-first", "secondary-first")
        threads = [
            threading.Thread(target=rotate_key, args=(tmp_path, name, value))
            for name, value in values.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read_keys(tmp_path) == Keys("primary-final", "secondary-final")
