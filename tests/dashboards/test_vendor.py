"""What a vendor finds on the console: the steps, the contract, the samples."""

import httpx
import pytest
from conftest import signed_in

from dashboards.pages.vendor import FILES

pytestmark = pytest.mark.edge


def test_the_steps_say_how_far_a_device_has_come(web: httpx.Client) -> None:
    vendor = signed_in(web, "u-1")
    page = vendor.get("/vendor", params={"device": "btn-c1", "lang": "en"}).text
    assert "carewatch conformance --device btn-c1" in page
    assert "registered</b>" in page
    assert "nothing heard yet" in page
    assert "not registered" in vendor.get("/vendor", params={"device": "x", "lang": "en"}).text


def test_the_contract_and_its_files_are_served(web: httpx.Client) -> None:
    vendor = signed_in(web, "u-dev")
    assert "# Device contract v1" in vendor.get("/vendor/contract?lang=en").text
    assert "64 KiB" in vendor.get("/vendor/contract?lang=zh").text
    for name, path in FILES.items():
        assert vendor.get(f"/vendor/files/{name}").content == path.read_bytes()
    assert vendor.get("/vendor/files/secret_key").status_code == 404


def test_nobody_else_reads_it(web: httpx.Client) -> None:
    assert signed_in(web, "u-see").get("/vendor/contract").status_code == 403
