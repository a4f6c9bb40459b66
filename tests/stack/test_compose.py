"""docker-compose.yml and what it mounts, as compose itself and the monitoring read them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from app.commands.starter import secret_lines
from app.settings import setting_names
from inference_server.settings import setting_names as inference_setting_names
from tests.tools.stack.stack import compose_binary

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / "docker-compose.yml"
EXAMPLE: Final = ROOT / ".env.example"
KNOWN: Final = frozenset({*setting_names(), *inference_setting_names()})
OWN: Final = ("service", "inference")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stack") / ".env"
    path.write_text("\n".join(secret_lines()) + "\n", "ascii")
    return path


@pytest.fixture(scope="module")
def stack(secrets: Path) -> dict[str, Any]:
    done = configured(secrets, "--profile", "*")
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def configured(secrets: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            compose_binary(),
            "--file",
            COMPOSE,
            "--env-file",
            secrets,
            *words,
            "config",
            "--format",
            "json",
        ],
        env={"PATH": "/usr/bin:/bin", "HOME": str(secrets.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_stack_follows_the_compose_specification() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run([checker, "--builtin-schema", "vendor.compose-spec", COMPOSE], check=True)


def test_up_brings_everything_but_the_profile_postgres(secrets: Path) -> None:
    done = configured(secrets)
    assert set(json.loads(done.stdout)["services"]) == {
        "service", "inference", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "HIMARI_API_KEYS",
        "HIMARI_RL_API_KEY",
        "HIMARI_INFERENCE_API_KEY",
        "GRAFANA_ADMIN_PASSWORD",
    ],
)
def test_without_a_key_nothing_starts_and_a_sentence_says_what_to_do(
    name: str, secrets: Path, tmp_path: Path
) -> None:
    without = tmp_path / ".env"
    without.write_text(re.sub(rf"(?m)^{name}=.*$", f"{name}=", secrets.read_text("ascii")), "ascii")
    done = configured(without)
    assert done.returncode != 0
    assert f"{name} is missing a value: is not set; himari init writes .env" in done.stderr


def test_the_example_asks_for_what_init_writes() -> None:
    def names(lines: list[str]) -> list[str]:
        return [line.partition("=")[0] for line in lines if not line.startswith("#") and line]

    assert names(EXAMPLE.read_text("ascii").splitlines()) == names(list(secret_lines()))


def test_the_example_holds_no_key() -> None:
    lines = EXAMPLE.read_text("ascii").splitlines()
    assert not [line for line in lines if re.fullmatch(r"[A-Z_]+=.+", line)]


@pytest.mark.parametrize(
    "path", [COMPOSE, EXAMPLE, ROOT / "Dockerfile"], ids=lambda path: path.name
)
def test_every_setting_that_is_named_is_known(path: Path) -> None:
    named = set(re.findall(r"HIMARI_[A-Z][A-Z_]*", path.read_text("ascii")))
    assert named
    assert named <= KNOWN


def test_every_variable_of_the_example_is_read(stack: dict[str, Any]) -> None:
    read = COMPOSE.read_text("ascii")
    named = set(re.findall(r"(?m)^(?:# )?([A-Z_]+)=", EXAMPLE.read_text("ascii")))
    assert {name for name in named if name not in read} == {"COMPOSE_PROFILES"}
    assert stack["service"]["environment"]["HIMARI_RL_ENDPOINT"] == "http://inference:8888/predict"


def test_a_setting_of_the_env_file_reaches_the_service_alone(secrets: Path, tmp_path: Path) -> None:
    chosen = tmp_path / ".env"
    chosen.write_text(secrets.read_text("ascii") + "HIMARI_KELLY_FRACTION=0.1\n", "ascii")
    services = json.loads(configured(chosen).stdout)["services"]
    assert services["service"]["environment"]["HIMARI_KELLY_FRACTION"] == "0.1"
    assert "HIMARI_KELLY_FRACTION" not in services["inference"]["environment"]


def test_each_server_gets_its_own_secrets_alone(stack: dict[str, Any], secrets: Path) -> None:
    lines = secrets.read_text("ascii").splitlines()
    keys = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    holders = {
        name: {service for service, about in stack.items() if key in json.dumps(about)}
        for name, key in keys.items()
    }
    assert holders == {
        "HIMARI_API_KEYS": {"service"},
        "HIMARI_RL_API_KEY": {"service", "inference"},
        "HIMARI_INFERENCE_API_KEY": {"service", "inference"},
        "GRAFANA_ADMIN_PASSWORD": {"grafana"},
        "POSTGRES_PASSWORD": {"postgres"},
    }


def test_ports_are_published_on_loopback_alone(stack: dict[str, Any]) -> None:
    published = {
        name: [(port.get("host_ip"), port["published"]) for port in about.get("ports", [])]
        for name, about in stack.items()
    }
    assert published == {
        "service": [("127.0.0.1", "8000")],
        "inference": [("127.0.0.1", "8888")],
        "prometheus": [("127.0.0.1", "9090")],
        "alertmanager": [("127.0.0.1", "9093")],
        "grafana": [("127.0.0.1", "3000")],
        "postgres": [],
    }


def test_every_container_is_hardened_and_bounded(stack: dict[str, Any]) -> None:
    for name, about in stack.items():
        assert about["read_only"], name
        assert about["cap_drop"] == ["ALL"], name
        assert about["security_opt"] == ["no-new-privileges"], name
        assert about["restart"] == "unless-stopped", name
        assert int(about["mem_limit"]) <= 1024**3, name
        assert about["pids_limit"] <= 1024, name
        assert "privileged" not in about, name
        mounts = about.get("volumes", [])
        assert all(mount.get("read_only") for mount in mounts if mount["type"] == "bind"), name


def test_others_images_are_pinned_and_run_without_root_and_with_a_health_check(
    stack: dict[str, Any],
) -> None:
    for name, about in stack.items():
        if name not in OWN:
            assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", about["image"]), name
            assert int(about["user"].partition(":")[0]) > 0, name
            assert about["healthcheck"]["test"][0] == "CMD", name


def test_the_database_of_the_profile_takes_the_password_of_the_env_file(
    secrets: Path, tmp_path: Path
) -> None:
    example = EXAMPLE.read_text("ascii")
    (line,) = re.findall(r"(?m)^# (HIMARI_DATABASE_URL=.+)$", example)
    chosen = tmp_path / ".env"
    chosen.write_text(f"{secrets.read_text('ascii')}COMPOSE_PROFILES=postgres\n{line}\n", "ascii")
    services = json.loads(configured(chosen).stdout)["services"]
    password = services["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert services["service"]["environment"]["HIMARI_DATABASE_URL"] == (
        f"postgresql://himari:{password}@postgres/himari"
    )


def test_grafana_lets_nobody_in_without_a_password(stack: dict[str, Any]) -> None:
    environment = stack["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert len(environment["GF_SECURITY_ADMIN_PASSWORD"]) > 40


def test_what_is_mounted_is_there(stack: dict[str, Any]) -> None:
    mounts = [mount for about in stack.values() for mount in about.get("volumes", [])]
    sources = [mount["source"] for mount in mounts if mount["type"] == "bind"]
    assert sources
    assert [source for source in sources if not Path(source).exists()] == []


def test_the_home_dashboard_is_one_that_is_mounted(stack: dict[str, Any]) -> None:
    home = stack["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    (mount,) = (
        mount for mount in stack["grafana"]["volumes"] if mount["target"] == str(Path(home).parent)
    )
    assert (Path(mount["source"]) / Path(home).name).is_file()


def test_dashboards_find_the_datasource_by_its_uid() -> None:
    provisioning = ROOT / "grafana" / "provisioning"
    given = yaml.safe_load((provisioning / "datasources" / "himari.yml").read_text("ascii"))
    prometheus = given["datasources"][0]
    assert prometheus["uid"] == "himari-prometheus"
    assert prometheus["url"] == "http://prometheus:9090"
    dashboards = yaml.safe_load((provisioning / "dashboards" / "himari.yml").read_text("ascii"))
    assert dashboards["providers"][0]["options"]["path"] == "/etc/grafana/dashboards"


def test_targets_and_receivers_are_services_of_the_stack(stack: dict[str, Any]) -> None:
    config = yaml.safe_load((ROOT / "grafana" / "prometheus.yml").read_text("ascii"))
    targets = {
        job["job_name"]: target
        for job in config["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    assert targets == {
        "himari": "service:8000",
        "himari-inference": "inference:8888",
        "prometheus": "127.0.0.1:9090",
        "alertmanager": "alertmanager:9093",
    }
    assert {target.partition(":")[0] for target in targets.values()} - {"127.0.0.1"} <= set(stack)


@pytest.mark.parametrize(
    "words",
    [
        ("promtool", "check", "config", "grafana/prometheus.yml"),
        ("amtool", "check-config", "grafana/alertmanager.yml"),
    ],
    ids=lambda words: words[0],
)
def test_the_monitoring_itself_accepts_its_configuration(words: tuple[str, ...]) -> None:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
