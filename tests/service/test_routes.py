"""Finding the way: by the parts of the path as they were sent."""

from __future__ import annotations

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from luthier.service.openapi import document
from luthier.service.problems import RefusedError
from luthier.service.route import match
from luthier.service.routes import ROUTES


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("a%2Fb", "a/b"),
        ("..", ".."),
        ("..%2f..%2fetc", "../../etc"),
        ("%C3%A9", "é"),
        ("a+b", "a+b"),
    ],
)
def test_a_name_stays_in_its_place(part: str, name: str) -> None:
    route, names = match(ROUTES, "GET", f"/v1/studies/{part}/trials/3")
    assert (route.name, names) == ("get_trial", {"study": name, "number": "3"})


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/studies/", "/v1/studies/a/../b", "//v1/studies", "/v1/studies/a/b/c"]
)
def test_no_such_path(path: str) -> None:
    with pytest.raises(RefusedError, match="There is no path") as caught:
        match(ROUTES, "GET", path)
    assert caught.value.status == 404


@pytest.mark.parametrize("part", ["%ff", "%00"])
def test_a_name_that_is_no_text(part: str) -> None:
    with pytest.raises(RefusedError, match="name in a path") as caught:
        match(ROUTES, "GET", f"/v1/studies/{part}")
    assert caught.value.status == 400


def test_another_method() -> None:
    with pytest.raises(RefusedError, match="takes GET, POST, got DELETE") as caught:
        match(ROUTES, "DELETE", "/v1/studies")
    assert (caught.value.status, caught.value.headers) == (405, {"Allow": "GET, POST"})


def test_each_route_is_found_by_its_own_path() -> None:
    for route in ROUTES:
        path = route.path.replace("{study}", "s").replace("{number}", "0")
        assert match(ROUTES, route.method, path)[0] is route
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_the_document_is_openapi() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_only_what_tells_nothing_is_open() -> None:
    assert {route.name for route in ROUTES if route.open} == {"openapi", "health"}
