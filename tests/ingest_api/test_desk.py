"""Addresses beside the intake of formats: validation, documents, methods, parameters."""

from __future__ import annotations

import json

import pytest

from ecomind.contract.exports import json_schema
from ecomind.identity import Role
from ingest_api.desk.families import family_of
from ingest_api.desk.openapi import document
from ingest_api.desk.table import ENDPOINTS
from ingest_api.routes import BY_PATH
from tests.ingest_api.running import Running, event, landed_files
from tests.ingest_api.test_endpoint import check_problem


def test_validation_judges_and_stores_nothing(service: Running) -> None:
    key = service.key("validators")
    items = [event("would-do"), event("would-not", input_tokens=-1, prompt="x"), event("would-do")]
    response = service.post("/v1/validate", key, json=items)
    assert response.status_code == 200
    answer = response.json()
    assert (answer["accepted"], answer["duplicate"], answer["rejected"]) == (1, 1, 1)
    assert answer["durability"] == "none"
    assert "receipt_id" not in answer
    refused = answer["results"][1]
    assert refused["errors"][0]["code"] == "bad_token_count"
    assert "rejection_id" not in refused
    assert {"code": "content_discarded", "field": "prompt"} in refused["warnings"]
    service.post("/v1/events", key, json=[event("after-validation")])
    everything = b"".join(
        path.read_bytes()
        for path in [*service.home.glob("wal/*"), *landed_files(service.home, "rejects")]
        if path.is_file()
    )
    assert b"would-do" not in everything
    assert b"would-not" not in everything


def test_validation_takes_every_format_by_name_or_media_type(service: Running, key: str) -> None:
    lines = json.dumps(event("line")) + "\n{broken\n"
    by_type = service.post(
        "/v1/validate", key, content=lines, headers={"content-type": "application/x-ndjson"}
    )
    by_name = service.post("/v1/validate?format=native_ndjson", key, content=lines)
    for response in (by_type, by_name):
        assert response.status_code == 200
        assert (response.json()["accepted"], response.json()["rejected"]) == (1, 1)
    unknown = service.post("/v1/validate?format=fax", key, content=lines)
    assert check_problem(unknown, 400, "invalid-parameter")["parameter"] == "format"
    check_problem(
        service.post("/v1/validate", key, content=lines, headers={"content-type": "text/html"}),
        415, "unsupported-media-type",
    )  # fmt: skip
    check_problem(service.post("/v1/validate", key, content="["), 400, "malformed-body")
    viewer = service.key("acme", Role.VIEWER)
    check_problem(service.post("/v1/validate", viewer, json=[]), 403, "insufficient-scope")
    check_problem(service.post("/v1/validate", None, json=[]), 401, "invalid-credential")


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/v1/schema/event.json"])
def test_documents_are_public_and_have_a_tag(service: Running, path: str) -> None:
    first = service.client.get(path)
    assert first.status_code == 200
    tag = first.headers["etag"]
    for asked in (tag, f'"other", W/{tag}', "*"):
        again = service.client.get(path, headers={"if-none-match": asked})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert service.client.get(path, headers={"if-none-match": '"other"'}).status_code == 200
    head = service.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    refused = service.client.delete(path)
    check_problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "GET, HEAD"


def test_the_served_schema_is_the_contract(service: Running) -> None:
    assert service.client.get("/v1/schema/event.json").text == json_schema()
    index = service.client.get("/").json()
    for name in ("openapi", "event_schema", "ready", "health"):
        assert service.client.get(index[name]).status_code == 200


def test_every_address_is_in_the_document() -> None:
    paths = document()["paths"]
    for path, route in BY_PATH.items():
        operation = paths[path]["post"]
        assert set(operation["requestBody"]["content"]) == set(route.formats), path
        assert operation["security"]
        family = family_of(route.default.dialect)
        assert {str(status) for status in family.answers} <= set(operation["responses"])
        assert all(family_of(each.dialect) is family for each in route.all_formats), path
    for endpoint in ENDPOINTS:
        operation = paths[endpoint.path][endpoint.method.lower()]
        assert operation["summary"] == endpoint.summary
        assert bool(operation["security"]) == bool(endpoint.scopes)
    intake_and_desk = set(BY_PATH) | {endpoint.path for endpoint in ENDPOINTS}
    assert set(paths) - intake_and_desk == {"/livez", "/readyz", "/health"}


def test_operation_ids_are_unique() -> None:
    names = [o["operationId"] for path in document()["paths"].values() for o in path.values()]
    assert len(names) == len(set(names))
