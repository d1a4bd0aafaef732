"""The compose file: nothing runs as root, nothing is left unwatched, nothing secret is written."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from infra.cli.program import program

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
IMAGE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", "")

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def is_one_shot(service):
    return service["restart"] == "no"


@each_service
def test_it_is_watched_or_runs_once(service):
    own = service.get("healthcheck", {})
    if is_one_shot(service):
        assert own == {"disable": True}
    elif own:
        assert own["test"][0] == "CMD"
    else:
        assert service["image"].startswith("quartier:")  # which has one, see below


def test_what_runs_once_is_waited_for():
    waited_for = {
        name
        for service in SERVICES.values()
        for name, on in service.get("depends_on", {}).items()
        if on["condition"] == "service_completed_successfully"
    }
    assert waited_for == {name for name, service in SERVICES.items() if is_one_shot(service)}


@each_service
def test_it_runs_as_a_user_without_privileges(service):
    uid, gid = service["user"].split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_only_the_broker_may_write_to_its_own_image():
    assert {name for name, service in SERVICES.items() if not service.get("read_only")} == {"kafka"}


@each_service
def test_no_secret_is_written_down(service):
    for name, value in service.get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|TOKEN|_KEY(_FILE)?$", name):
            assert value.startswith(("${", "/run/secrets/")), name
        assert not re.search(r"://[^/@:]*:(?!\$\{)[^/@]*@", value), name


def test_a_secret_that_is_missing_is_named():
    for name in ("POSTGRES_PASSWORD", "DJANGO_SECRET_KEY"):
        assert SERVICES["web"]["environment"].get(name, f"${{{name}:?}}") == f"${{{name}:?}}"
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].endswith(":?}")


def test_the_proxy_alone_is_reached_from_elsewhere():
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["proxy"]
    assert SERVICES["web"]["environment"]["TRUSTED_PROXIES"] == "1"


def test_the_proxy_waits_for_the_service_and_has_the_configuration_of_this_repository():
    proxy = SERVICES["proxy"]
    assert proxy["depends_on"] == {"web": {"condition": "service_healthy"}}
    (config,) = proxy["configs"]
    assert (ROOT / COMPOSE["configs"][config["source"]]["file"]).is_file()
    assert set(proxy["secrets"]) <= set(COMPOSE["secrets"])


@each_service
def test_its_data_are_in_named_volumes(service):
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"]


@each_service
def test_its_image_has_a_version(service):
    assert re.search(r":\d", service["image"])


def test_the_broker_is_the_one_the_tests_run_against():
    pom = ET.parse(ROOT / "infra" / "kafka" / "pom.xml")  # noqa: S314 - our own file
    tested = pom.findtext(".//{*}kafka.version")
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested}"


def test_the_image_is_locked_and_ends_as_a_user_of_its_own():
    final = IMAGE.split("\nFROM ")[-1]
    assert "--require-hashes -r requirements/base.txt" in IMAGE
    assert re.findall(r"^USER (\S+)$", final, re.MULTILINE) == [SERVICES["web"]["user"]]
    assert "\nHEALTHCHECK " in final
    assert 'ENTRYPOINT ["quartier"]' in final


def test_the_commands_exist():
    commands = {
        service["command"][0] for service in SERVICES.values() if "quartier:" in service["image"]
    }
    asked = SERVICES["worker"]["healthcheck"]["test"]
    assert asked[1] == "quartier"
    assert commands | {asked[2]} <= set(program.commands)
