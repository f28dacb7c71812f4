"""Spec sections 9.1 to 9.4, row by row, against a real server process."""

from __future__ import annotations

import json
import re

import pytest

PLAIN = """
import json

def init():
    pass

def run(data, request_headers):
    if data == '"headers"':
        return request_headers
    return {"type": type(data).__name__, "data": data}
"""

SCHEMA = """
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType

def init():
    pass

@input_schema("data", StandardPythonParameterType([1.5]))
@input_schema("scale", StandardPythonParameterType(2.0))
@input_schema("name", StandardPythonParameterType("x"), optional=True)
@output_schema(StandardPythonParameterType([1.5]))
def run(data, scale=10.0, name=None):
    return {"result": [x * scale for x in data], "name": name}
"""

OUTPUTS = """
import json, sys, os
import datetime, decimal, dataclasses

class Strange:
    pass

class Point:
    def tolist(self):
        return [1, 2]

@dataclasses.dataclass
class Row:
    a: int
    b: list

CASES = {
    "dict": lambda: {"a": [1, 2.5, None, True]},
    "none": lambda: None,
    "str": lambda: "text",
    "json_str": lambda: json.dumps([1, 2]),
    "nan": lambda: [1.0, float("nan"), float("inf")],
    "datetime": lambda: datetime.datetime(2020, 1, 2, 3, 4, 5),
    "decimal": lambda: decimal.Decimal("1.5"),
    "bytes": lambda: b"\\x00\\xff",
    "dataclass": lambda: Row(1, [decimal.Decimal(2)]),
    "tolist": lambda: Point(),
    "int_keys": lambda: {1: "a", None: "b"},
    "strange": lambda: {"x": [Strange()]},
    "raises": lambda: 1 / 0,
    "interrupt": lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
}

def init():
    pass

def run(data):
    return CASES[data]()
"""


@pytest.fixture(scope="module")
def plain(serve_once):
    return serve_once(PLAIN, variables={"SERVICE_NAME": "myservice", "SERVICE_VERSION": "7"})


@pytest.fixture(scope="module")
def schema(serve_once):
    return serve_once(SCHEMA)


@pytest.fixture(scope="module")
def outputs(serve_once):
    return serve_once(OUTPUTS)


# -- 9.1 routes


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_root_says_healthy(plain, method):
    status, headers, body = plain.request(method, "/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-length"] == "7"
    assert body == (b"Healthy" if method == "GET" else b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/", 405, "The method is not allowed for the requested URL."),
        ("PUT", "/score", 405, "The method is not allowed for the requested URL."),
        ("DELETE", "/score", 405, "The method is not allowed for the requested URL."),
        ("POST", "/swagger.json", 405, "The method is not allowed for the requested URL."),
        ("GET", "/scores", 404, None),
        ("GET", "/score/", 404, None),
        ("POST", "/%2e", 404, None),
    ],
)
def test_outer_errors(plain, method, path, status, message):
    got, headers, body = plain.request(method, path, b"" if method != "GET" else None)
    assert got == status
    assert headers["content-type"] == "application/json"
    found = json.loads(body)["message"]
    assert found == message or (message is None and found)
    assert headers["x-ms-run-function-failed"] == "False"
    assert "x-request-id" not in headers
    assert "x-ms-server-version" not in headers


def test_options_is_empty(plain):
    status, _, body = plain.request("OPTIONS", "/score")
    assert (status, body) == (200, b"")


@pytest.mark.parametrize(
    ("version", "key", "value"),
    [
        ("", "swagger", "2.0"),
        ("?version=2", "swagger", "2.0"),
        ("?version=2.0", "swagger", "2.0"),
        ("?version=3", "openapi", "3.0.3"),
        ("?version=3.0", "openapi", "3.0.3"),
        ("?version=3.1", "openapi", "3.1.0"),
    ],
)
def test_swagger_versions(plain, version, key, value):
    status, headers, body = plain.request("GET", f"/swagger.json{version}")
    assert (status, headers["content-type"]) == (200, "application/json")
    document = json.loads(body)
    assert document[key] == value
    assert document["info"] == {
        "title": "myservice",
        "description": "API specification for the Azure Machine Learning service myservice",
        "version": "7",
    }
    operations = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    ]
    assert operations == ["ServiceHealthCheck", "RunMLService", "GetSwaggerSpec"]


def test_swagger_of_an_unknown_version(plain):
    status, _, body = plain.request("GET", "/swagger.json?version=9")
    assert status == 404
    assert json.loads(body) == {
        "message": "Swagger version [9] is not valid. Supported versions: [2, 3, 3.1]."
    }


# -- 9.2 input


@pytest.mark.parametrize(
    ("body", "content_type", "data"),
    [
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b'{"a": 1}', "text/plain", '{"a": 1}'),
        (b"not json", None, "not json"),
        ("é€".encode(), None, "é€"),
        (b"", "application/json", ""),
        (b'{"a": 1}', "application/x-www-form-urlencoded", ""),
        (b'{"a": 1}', "application/x-www-form-urlencoded; charset=utf-8", ""),
    ],
)
def test_plain_run_gets_text(plain, body, content_type, data):
    headers = {"Content_Type": content_type} if content_type else {}
    status, _, answer = plain.request("POST", "/score", body, **headers)
    assert status == 200
    assert json.loads(answer) == {"type": "str", "data": data}


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("", {}),
        ("?a=1&b=x", {"a": 1, "b": "x"}),
        ("?a=1&a=[2]&c=", {"a": [1, [2]], "c": ""}),
        ("?d=%7B%22x%22:1%7D", {"d": {"x": 1}}),
    ],
)
def test_plain_get_gives_the_query_as_json(plain, query, data):
    status, _, answer = plain.request("GET", f"/score{query}")
    assert status == 200
    assert json.loads(json.loads(answer)["data"]) == data


def test_text_must_be_utf8(plain):
    status, headers, body = plain.request("POST", "/score", b"\xff\xfe")
    assert status == 400
    assert json.loads(body)["message"].startswith("Input cannot be decoded as UTF-8: ")
    assert headers["x-ms-run-function-failed"] == "False"
    assert "x-request-id" in headers


def test_run_can_have_the_headers(plain):
    _, _, body = plain.request("POST", "/score", b'"headers"', X_Custom_Thing="v")
    assert json.loads(body)["X-Custom-Thing"] == "v"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        (b'{"data": []}', "text/plain", 415, "Expects Content-Type to be application/json"),
        (b'{"data": []}', None, 415, "Expects Content-Type to be application/json"),
        (b"", "application/json", 400, "POST body is empty. Expecting a JSON dictionary."),
        (b"{", "application/json", 400, "POST body could not be decoded as JSON: "),
        (b"\xff", "application/json", 400, "POST body could not be decoded as JSON: "),
        (b"[1]", "application/json", 400, "POST body should be a JSON dictionary."),
        (b"{}", "application/json", 400, "A value is not provided for the 'data' parameter."),
    ],
)
def test_schema_input_errors(schema, body, content_type, status, message):
    headers = {"Content_Type": content_type} if content_type else {}
    got, answer_headers, answer = schema.request("POST", "/score", body, **headers)
    assert got == status
    assert json.loads(answer)["message"].startswith(message)
    assert answer_headers["x-ms-run-function-failed"] == "False"


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ({"data": [1, 2]}, {"result": [10.0, 20.0], "name": None}),
        ({"data": [1], "scale": 3, "extra": 1}, {"result": [3.0], "name": None}),
        ({"data": [1], "name": "n"}, {"result": [10.0], "name": "n"}),
    ],
)
def test_schema_arguments_by_name(schema, body, result):
    status, _, answer = schema.score(body, Content_Type="application/json; charset=utf-8")
    assert (status, answer) == (200, result)


def test_schema_get_takes_the_query(schema):
    status, _, body = schema.request("GET", "/score?data=[1,2]&scale=2")
    assert (status, json.loads(body)["result"]) == (200, [2.0, 4.0])
    status, _, body = schema.request("GET", "/score?scale=2")
    assert (status, json.loads(body)["message"]) == (
        400,
        "A value is not provided for the 'data' parameter.",
    )


def test_a_value_that_does_not_fit_is_the_scripts_error(schema):
    status, headers, body = schema.score({"data": ["a"]})
    assert status == 500
    assert headers["x-ms-run-function-failed"] == "True"
    assert body["message"].startswith("An unexpected error occurred in scoring script.")
    assert "The value of 'data' does not fit: [0] should be float, got str." in schema.log


# -- 9.3 output and errors


@pytest.mark.parametrize(
    ("case", "result"),
    [
        ("dict", b'{"a": [1, 2.5, null, true]}'),
        ("none", b"{}"),
        ("str", b'"text"'),
        ("json_str", b'"[1, 2]"'),
        ("nan", b"[1.0, null, null]"),
        ("datetime", b'"2020-01-02T03:04:05"'),
        ("decimal", b"1.5"),
        ("bytes", b'"AP8="'),
        ("dataclass", b'{"a": 1, "b": [2.0]}'),
        ("tolist", b"[1, 2]"),
        ("int_keys", b'{"1": "a", "null": "b"}'),
    ],
)
def test_results_are_encoded_once(outputs, case, result):
    status, headers, body = outputs.request("POST", "/score", case)
    assert (status, body) == (200, result)
    assert headers["content-type"] == "application/json"
    assert headers["x-ms-run-function-failed"] == "False"
    assert re.fullmatch(r"\d+\.\d{3}", headers["x-ms-run-fn-exec-ms"])


def test_text_that_is_json_earns_a_hint(outputs):
    outputs.request("POST", "/score", "json_str")
    assert "text that looks like JSON" in outputs.log


def test_a_result_without_a_form_is_an_internal_error(outputs):
    status, headers, body = outputs.request("POST", "/score", "strange")
    assert status == 500
    assert json.loads(body) == {
        "message": "An unexpected internal error occurred. Check the logs for more info."
    }
    assert headers["x-ms-run-function-failed"] == "False"
    assert "x-ms-run-fn-exec-ms" not in headers
    assert "result['x'][0] is a score.Strange" in outputs.log


@pytest.mark.parametrize("case", ["raises", "interrupt"])
def test_run_that_raises(outputs, case):
    status, headers, body = outputs.request("POST", "/score", case)
    assert status == 500
    assert json.loads(body) == {
        "message": "An unexpected error occurred in scoring script. Check the logs for more info."
    }
    assert headers["x-ms-run-function-failed"] == "True"
    assert "x-ms-run-fn-exec-ms" not in headers


def test_the_log_shows_the_scripts_frames_only(outputs):
    outputs.request("POST", "/score", "raises")
    assert "ZeroDivisionError: division by zero" in outputs.log
    assert 'score.py", line' in outputs.log
    assert "mldeploy_serving" not in outputs.log


# -- 9.4 headers

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"x-request-id": "r"}, {"x-request-id": "r", "x-ms-request-id": "r"}),
        (
            {"x-request-id": "r", "x-ms-client-request-id": "c"},
            {"x-request-id": "r", "x-ms-request-id": "c", "x-ms-client-request-id": "c"},
        ),
        (
            {"x-request-id": "r", "x-ms-request-id": "l"},
            {"x-request-id": "r", "x-ms-request-id": "l", "x-ms-client-request-id": "l"},
        ),
        (
            {"x-request-id": "r", "x-ms-request-id": "l", "x-ms-client-request-id": "c"},
            {"x-request-id": "r", "x-ms-request-id": "l", "x-ms-client-request-id": "c"},
        ),
        ({"x-request-id": "r" * 100}, {"x-request-id": "r" * 100, "x-ms-request-id": "r" * 100}),
        (
            {"x-request-id": "r", "TraceId": "t"},
            {"x-request-id": "r", "x-ms-request-id": "r", "traceid": "t"},
        ),
    ],
)
@pytest.mark.parametrize("path", ["/", "/score", "/swagger.json"])
def test_identifiers_are_repeated(plain, path, sent, expected):
    _, headers, _ = plain.request("GET", path, **sent)
    names = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id", "traceid")
    assert {name: headers[name] for name in names if name in headers} == expected


def test_a_new_identifier_is_a_guid(plain):
    _, headers, _ = plain.request("GET", "/")
    assert GUID.fullmatch(headers["x-request-id"])
    assert headers["x-ms-request-id"] == headers["x-request-id"]
    assert "x-ms-client-request-id" not in headers


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x-request-id", "x-request-id must not exceed 100 characters"),
        (
            "x-ms-request-id",
            "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters",
        ),
        (
            "x-ms-client-request-id",
            "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters",
        ),
    ],
)
def test_long_identifiers(plain, name, message):
    status, _, body = plain.request("GET", "/score", **{name: "x" * 101})
    assert (status, json.loads(body)) == (431, {"message": message})


def test_the_server_version_can_be_left_out(serve, plain):
    _, headers, _ = plain.request("GET", "/")
    assert headers["x-ms-server-version"].startswith("azmlinfsrv/")
    quiet = serve(PLAIN, variables={"SERVER_VERSION_LOG_RESPONSE_ENABLED": "false"})
    _, headers, _ = quiet.request("GET", "/")
    assert "x-ms-server-version" not in headers
