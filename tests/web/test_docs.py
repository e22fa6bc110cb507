"""The API documentation at /docs and the OpenAPI description."""

import base64
import hashlib
import re

from starlette.testclient import TestClient

from optotype.web.app import make_app
from optotype.web.service import Service


def test_docs_load_nothing_from_other_servers(client: TestClient) -> None:
    """Every script and style of /docs is a file of this server."""
    html = client.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(addresses) == 3
    for address in addresses:
        assert address.startswith("/docs/files/") or address == "data:,"
        if address != "data:,":
            assert client.get(address).status_code == 200


def test_content_security_policy_allows_only_the_own_script(client: TestClient) -> None:
    """The policy contains the hash of the page's inline script and allows no other inline script."""
    response = client.get("/docs")
    (script,) = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    policy = response.headers["content-security-policy"]
    scripts = policy.partition("script-src ")[2].partition(";")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert scripts.split() == ["'self'", f"'sha256-{digest}'"]


def test_example_request_works(client: TestClient) -> None:
    """The example JSON of the OpenAPI description is a valid request."""
    paths = client.get("/openapi.json").json()["paths"]
    content = paths["/v1/predict"]["post"]["requestBody"]["content"]
    assert client.post("/v1/predict", json=content["application/json"]["example"]).status_code == 200


def test_openapi_lists_paths_bodies_and_errors(client: TestClient) -> None:
    """OpenAPI lists every path, every kind of body, and the error statuses."""
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/v1/predict",
        "/v1/explain",
        "/v1/corrections",
        "/v1/model",
        "/health/live",
        "/health/ready",
        "/metrics",
    }
    predict = paths["/v1/predict"]["post"]
    assert set(predict["requestBody"]["content"]) >= {
        "image/png",
        "image/jpeg",
        "multipart/form-data",
        "application/json",
        "application/octet-stream",
    }
    assert {"200", "401", "403", "408", "413", "415", "422", "429", "503", "507"} <= set(predict["responses"])


def test_openapi_describes_the_token(service: Service, client: TestClient) -> None:
    """With a token, OpenAPI requires it for private paths; without one it mentions none."""
    token = "a token of 24 characters".replace(" ", "-")
    protected = TestClient(make_app(service, "127.0.0.1", token), base_url="http://127.0.0.1")
    description = protected.get("/openapi.json").json()
    assert description["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    secured = {
        path
        for path, operations in description["paths"].items()
        if all("security" in operation for operation in operations.values())
    }
    assert secured == {"/v1/predict", "/v1/explain", "/v1/corrections", "/v1/model", "/metrics"}
    assert "security" not in client.get("/openapi.json").text
