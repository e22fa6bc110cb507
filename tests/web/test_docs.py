"""/docs is whole without the network."""

import base64
import hashlib
import re

from starlette.testclient import TestClient

from optotype.web.app import make_app
from optotype.web.service import Service


def test_everything_that_the_page_needs_is_served_here(client: TestClient) -> None:
    """Each script and style that /docs names is on this server, and none is elsewhere."""
    page = client.get("/docs").text
    places = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(places) == 3
    for place in places:
        assert place.startswith("/docs/files/") or place == "data:,"
        if place != "data:,":
            assert client.get(place).status_code == 200


def test_its_policy_allows_its_script_and_no_other(client: TestClient) -> None:
    """The policy names the hash of the page's inline script, and allows no other inline script."""
    answer = client.get("/docs")
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    policy = answer.headers["content-security-policy"]
    scripts = policy.partition("script-src ")[2].partition(";")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert scripts.split() == ["'self'", f"'sha256-{digest}'"]


def test_the_example_is_answered(client: TestClient) -> None:
    """The JSON that /docs proposes is a request that works."""
    told = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    assert client.post("/v1/predict", json=told["application/json"]["example"]).status_code == 200


def test_the_interface_describes_itself(client: TestClient) -> None:
    """OpenAPI lists every path with each kind of body, and the answers to what goes wrong."""
    told = client.get("/openapi.json").json()
    assert set(told["paths"]) == {
        "/v1/predict",
        "/v1/explain",
        "/v1/corrections",
        "/v1/model",
        "/health/live",
        "/health/ready",
        "/metrics",
    }
    predict = told["paths"]["/v1/predict"]["post"]
    assert set(predict["requestBody"]["content"]) >= {
        "image/png",
        "image/jpeg",
        "multipart/form-data",
        "application/json",
        "application/octet-stream",
    }
    assert {"200", "401", "403", "408", "413", "415", "422", "429", "503", "507"} <= set(predict["responses"])


def test_the_interface_says_where_the_token_belongs(service: Service, client: TestClient) -> None:
    """With a token, /docs asks for it where it is needed; without one it asks for none."""
    token = "a token of 24 characters".replace(" ", "-")
    guarded = TestClient(make_app(service, "127.0.0.1", token), base_url="http://127.0.0.1")
    told = guarded.get("/openapi.json").json()
    assert told["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    asked = {path for path, each in told["paths"].items() if all("security" in way for way in each.values())}
    assert asked == {"/v1/predict", "/v1/explain", "/v1/corrections", "/v1/model", "/metrics"}
    assert "security" not in client.get("/openapi.json").text
