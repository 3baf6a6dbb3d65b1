"""Deployments fit together, and name commands, settings and paths that exist: compose, Kubernetes, systemd, nginx."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from dateline.__main__ import app
from eval.settings import EvalSettings
from index.settings import IndexSettings
from ingest.settings import IngestSettings
from service.api.access import INGEST, NEEDS, need_of
from service.settings import ServiceSettings
from tests import settings_page

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"
MANIFESTS = sorted((EXAMPLES / "kubernetes").glob("*.yaml"))
EMBED_JOB = EXAMPLES / "embed-job.yaml"
UNITS = sorted(EXAMPLES.glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SCALE = {name: service for name, service in SERVICES.items() if "scale" in service.get("profiles", ())}

OF_LIBRARIES = re.compile(r"AWS_[A-Z_]+|FORWARDED_ALLOW_IPS|POD_NAME")
"""Variables that the libraries for stores and for HTTP read, and one that names a pod in an argument."""

ENTRY = ["dateline"]
SERVE = ["serve", "--host", "0.0.0.0"]
STOP_S = 15
"""Seconds that a service may take to stop: docs/operations.md, Signals."""


def objects() -> Iterator[dict[str, Any]]:
    """Yield every object of the manifests for Kubernetes."""
    for path in (*MANIFESTS, EMBED_JOB):
        if path.name != "kustomization.yaml":
            yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


OBJECTS = list(objects())


def named(each: Mapping[str, Any]) -> str:
    """Return the kind and the name of an object."""
    return f"{each['kind']}/{each['metadata']['name']}"


def pods() -> dict[str, dict[str, Any]]:
    """Return the specification of every pod, by the object that makes it."""
    found = {}
    for each in OBJECTS:
        spec = each.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            found[named(each)] = {**template["spec"], "labels": template["metadata"]["labels"]}
    return found


PODS = pods()


def containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the containers of a pod, those that start it included."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def command_lines() -> dict[str, list[str]]:
    """Return the arguments of `dateline` in every deployment, by where they are."""
    found: dict[str, list[str]] = {}
    for name, service in SERVICES.items():
        if service["image"] == "dateline" and "entrypoint" not in service:
            found[f"compose {name}"] = service.get("command", SERVE)
    for name, pod in PODS.items():
        for each in containers(pod):
            place = f"{name} {each['name']}"
            if each["image"] != "dateline":
                continue
            if "command" in each:
                lines = re.findall(r"^dateline [^|]+", each["args"][0], re.MULTILINE)
                found |= {f"{place} {number}": shlex.split(line)[1:] for number, line in enumerate(lines)}
                assert lines
            else:
                found[place] = each.get("args", SERVE)
    for unit in UNITS:
        (line,) = re.findall(r"^ExecStart=\S+/bin/dateline (.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        found[unit.name] = shlex.split(line)
    return found


COMMANDS = command_lines()


def variables() -> dict[str, set[str]]:
    """Return the environment variables that each container or ConfigMap sets for Dateline."""
    found = {f"compose {name}": set(of.get("environment", ())) for name, of in SERVICES.items()}
    for each in OBJECTS:
        if each["kind"] == "ConfigMap":
            found[named(each)] = set(each["data"])
    for name, pod in PODS.items():
        for each in containers(pod):
            found[f"{name} {each['name']}"] = {variable["name"] for variable in each.get("env", ())}
    for path in (*MANIFESTS, *UNITS):
        found[path.name] = set(re.findall(r"\b(?:DATELINE|AWS|OPENAI)_[A-Z_]+\b", path.read_text(encoding="utf-8")))
    return found


@cache
def settings() -> frozenset[str]:
    """Return the variables of all settings."""
    kinds = (IndexSettings, ServiceSettings, IngestSettings, EvalSettings)
    return frozenset(setting.variable for kind in kinds for setting in settings_page.declared_settings(kind))


def test_the_image_serves_where_a_deployment_gives_no_command() -> None:
    """The arguments that these tests assume are those of the Dockerfile."""
    stated = dict(re.findall(r"^(ENTRYPOINT|CMD) (.+)$", dockerfile(), re.MULTILINE))
    assert {name: yaml.safe_load(words) for name, words in stated.items()} == {"ENTRYPOINT": ENTRY, "CMD": SERVE}


@pytest.mark.parametrize("place", COMMANDS)
def test_a_command_line_is_one_of_dateline(place: str) -> None:
    """The command line parses each one, without running it."""
    parse(COMMANDS[place])


def parse(words: list[str]) -> None:
    """Parse a command line, without running it; raises an error of the command line if it is wrong."""
    command: Any = get_command(app)
    while commands := getattr(command, "commands", None):
        name, *words = words
        command = commands[name]
    command.make_context(name, words)


def test_a_command_line_of_a_deployment_can_be_wrong() -> None:
    """The test above fails for an option that does not exist."""
    with pytest.raises(Exception, match="No such option"):
        parse(["serve", "--prot", "1"])


def test_every_variable_is_a_setting() -> None:
    """Each is one of Dateline's settings, or one of the libraries'."""
    for place, names in variables().items():
        unknown = {name for name in names - settings() if not OF_LIBRARIES.fullmatch(name)}
        assert unknown == set(), place


def test_the_volumes_of_compose_are_declared() -> None:
    """A named volume that a service mounts is one of the file, and each of these is mounted."""
    mounted = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert {name for name in mounted if not name.startswith(".")} == set(COMPOSE["volumes"])
    assert all((ROOT / name).exists() for name in mounted if name.startswith("."))


def test_compose_serves_one_folder_by_default() -> None:
    """Without a profile there is the one service, on a port of this machine."""
    default = {name: service for name, service in SERVICES.items() if "profiles" not in service}
    assert list(default) == ["dateline"]
    assert default["dateline"]["ports"] == ["127.0.0.1:${PORT:-8000}:8000"]


def test_the_proxy_starts_everything_of_its_profile() -> None:
    """`up proxy` starts all services of the profile; it alone publishes a port, for this machine only."""
    assert {"proxy", *SERVICES["proxy"]["depends_on"]} == set(SCALE)
    (port,) = SERVICES["proxy"]["ports"]
    assert port.startswith("127.0.0.1:")
    assert [name for name, service in SCALE.items() if "ports" in service] == ["proxy"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_of_compose_can_do_little(name: str) -> None:
    """Its root is read-only, and it has no capability and no way to more."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_the_image_checks_only_what_listens(name: str) -> None:
    """A command of the image that is not a service has no check of health by HTTP."""
    service = SERVICES[name]
    listens = service["image"] != "dateline" or "command" not in service or "entrypoint" in service
    assert listens != service.get("healthcheck", {}).get("disable", False)


def test_each_replica_has_a_folder_that_one_process_fills() -> None:
    """A volume is mounted by one service and one pull, and neither is that of the publisher."""
    folders: dict[str, list[str]] = {}
    for service in SCALE.values():
        for volume in service.get("volumes", ()):
            if volume.endswith(":/data"):
                folders.setdefault(volume.partition(":")[0], []).append(service.get("command", SERVE)[0])
    assert folders.pop("data") == ["ingest", "serve", "push"]
    assert list(folders.values()) == [["serve", "pull"]] * 2


def test_services_that_share_nothing_else_share_the_store_and_the_limits() -> None:
    """Push and pulls have one store, and the services that are asked count in the same server."""
    stores = {SERVICES[name]["environment"]["DATELINE_STORE"] for name in ("push", "pull1", "pull2")}
    assert stores == {"${DATELINE_STORE:-file:///store}"}
    asked = [SERVICES[name]["environment"] for name in ("replica1", "replica2")]
    assert asked[0] == asked[1]
    assert asked[0]["REDIS_URL"].partition("//")[2].partition(":")[0] in SERVICES
    assert "DATELINE_SIGNING_SECRET" in asked[0]


def test_the_store_of_compose_is_a_folder_that_the_image_can_write() -> None:
    """A volume has the owner of the folder of the image that it is mounted on."""
    (made,) = re.findall(r"install --directory --owner=dateline --group=dateline (.+)$", dockerfile(), re.MULTILINE)
    mounted = {
        volume.split(":")[1]
        for service in SERVICES.values()
        if service["image"] == "dateline"
        for volume in service["volumes"]
        if not volume.startswith(".")
    }
    assert mounted == set(made.split())


def dockerfile() -> str:
    """Return the Dockerfile."""
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_nginx_knows_the_services_of_compose() -> None:
    """Each server is a service with the port of the image, and nginx listens on the port that is published."""
    text = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
    servers = re.findall(r"^    server ([a-z0-9]+):(\d+)", text, re.MULTILINE)
    assert {name for name, _ in servers} == {"replica1", "replica2", "publisher"} <= set(SCALE)
    assert {port for _, port in servers} == set(re.findall(r"^EXPOSE (\d+)", dockerfile(), re.MULTILINE))
    (listening,) = re.findall(r"^    listen (\d+);", text, re.MULTILINE)
    assert SERVICES["proxy"]["ports"][0].endswith(f":{listening}")


@pytest.mark.parametrize("route", NEEDS)
def test_nginx_sends_pushes_to_the_publisher(route: str) -> None:
    """It gets the requests that need the scope ingest, and no others."""
    method, _, template = route.partition(" ")
    path = re.sub(r"{.*?}", "council-2026.05:a", template)
    assert nginx_group(method, path) == ("publisher" if need_of(method, path) == INGEST else "replicas")


def nginx_group(method: str, path: str) -> str:
    """Return the upstream group to which nginx would send a request: exact locations, then patterns, then prefixes."""
    text = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
    (by_method,) = re.findall(r"map \$request_method \$articles {(.*?)}", text, re.DOTALL)
    methods: dict[str, str] = dict(re.findall(r"(\w+) (\w+);", by_method))
    locations = re.findall(r"^    location (=|~|) ?([^@ ][^\n]*) {\n(.*?)^    }", text, re.MULTILINE | re.DOTALL)
    kinds: dict[str, Callable[[str], bool]] = {
        "=": lambda place: path == place,
        "~": lambda place: re.search(place, path) is not None,
        "": path.startswith,
    }
    ranked = [
        (list(kinds).index(kind), 0 if kind else -len(place), body)
        for kind, place, body in locations
        if kinds[kind](place)
    ]
    body = min(ranked)[2]
    # A location that nginx answers itself has none.
    group: str
    (group,) = re.findall(r"proxy_pass http://(\S+);", body) or ["replicas"]
    return methods.get(method, methods["default"]) if group == "$articles" else group


@pytest.mark.parametrize("each", OBJECTS, ids=named)
def test_a_manifest_is_valid(each: dict[str, Any]) -> None:
    """Its fields are those of Kubernetes' schema; an unknown one is a mistake."""
    kubernetes_validate.validate(each, "1.37", strict=True)


def test_a_manifest_with_an_unknown_field_is_not_valid() -> None:
    """The test above finds a misspelt field."""
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.37", strict=True)


def test_kustomize_has_every_manifest() -> None:
    """The kustomization lists the other files of its folder."""
    (kustomization,) = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in MANIFESTS if path.name == "kustomization.yaml"
    ]
    assert sorted(kustomization["resources"]) == [p.name for p in MANIFESTS if p.name != "kustomization.yaml"]
    assert {image["name"] for image in kustomization["images"]} == {"dateline"}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_can_do_little(name: str) -> None:
    """It fits the restricted level of Kubernetes' pod security, has limits and no token of the cluster."""
    pod = PODS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for each in containers(pod):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= set(each["resources"]["requests"])
        assert "memory" in each["resources"]["limits"]
        assert each["image"] != "dateline" or pod["securityContext"]["runAsUser"] == 10001
        assert each["image"] != "dateline" or {"/data", "/tmp"} == {v["mountPath"] for v in each["volumeMounts"]}


def test_what_a_manifest_refers_to_exists() -> None:
    """Volumes, claims, accounts, ConfigMaps, ports and pods of a selector are those of another object."""
    made = {named(each) for each in OBJECTS}
    labels = [pod["labels"] for pod in PODS.values()]
    ports = {port["name"] for pod in PODS.values() for each in containers(pod) for port in each.get("ports", ())}
    for name, pod in PODS.items():
        volumes = {volume["name"] for volume in pod["volumes"]}
        claims = [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["volumes"]
            if len(volume) > 1 and "persistentVolumeClaim" in volume
        ]
        assert {f"PersistentVolumeClaim/{claim}" for claim in claims} <= made
        assert "serviceAccountName" not in pod or f"ServiceAccount/{pod['serviceAccountName']}" in made
        for each in containers(pod):
            assert {mount["name"] for mount in each["volumeMounts"]} <= volumes, name
            maps = [source["configMapRef"]["name"] for source in each.get("envFrom", ()) if "configMapRef" in source]
            assert {f"ConfigMap/{source}" for source in maps} <= made
    for text, found in (("targetPort", ports), ("port", ports)):
        for value in values_of(OBJECTS, text):
            assert isinstance(value, int) or value in found, value
    for selector in (
        *values_of(OBJECTS, "matchLabels"),
        *(each["spec"]["selector"] for each in OBJECTS if each["kind"] == "Service"),
    ):
        assert any(selector.items() <= each.items() for each in labels), selector
    for expression in values_of(OBJECTS, "matchExpressions"):
        for term in expression:
            assert term["key"] != "app" or set(term["values"]) <= {each["app"] for each in labels}


def values_of(tree: object, key: str) -> Iterator[Any]:
    """Yield every value under a key, at any depth."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from values_of(value, key)
    elif isinstance(tree, list):
        for each in tree:
            yield from values_of(each, key)


def test_a_probe_requests_a_route_that_needs_no_key() -> None:
    """Kubernetes has no key; replicas are ready when they can answer, and the publisher when it can be pushed to."""
    paths = [probe["path"] for probe in values_of(OBJECTS, "httpGet")]
    assert {NEEDS.get(f"GET {path}") for path in paths} == {"public"}
    ready = {
        name: pod["containers"][0]["readinessProbe"]["httpGet"]["path"]
        for name, pod in PODS.items()
        if "publisher" in name or "replica" in name
    }
    assert ready == {"Deployment/publisher": "/healthz", "Deployment/replica": "/readyz"}


def test_a_pod_waits_until_its_service_has_stopped() -> None:
    """The pause before the signal and the service's own time end within the period that Kubernetes gives."""
    for name, pod in PODS.items():
        for each in containers(pod):
            if "lifecycle" in each:
                pause_s = int(each["lifecycle"]["preStop"]["exec"]["command"][1])
                assert pause_s + STOP_S <= pod["terminationGracePeriodSeconds"], name


def test_every_pod_of_dateline_may_reach_the_store() -> None:
    """The policy for outgoing connections has all of them, and no other pod: the first policy refuses the rest."""
    policies = {each["metadata"]["name"]: each["spec"] for each in OBJECTS if each["kind"] == "NetworkPolicy"}
    (term,) = policies["outgoing"]["podSelector"]["matchExpressions"]
    ours = {pod["labels"]["app"] for pod in PODS.values() if containers(pod)[0]["image"] == "dateline"}
    assert (term["key"], set(term["values"])) == ("app", ours)
    assert policies["nothing-else"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_no_manifest_has_a_secret() -> None:
    """Secrets are referred to by name only."""
    assert "Secret" not in {each["kind"] for each in OBJECTS}
    assert {ref["name"] for ref in values_of(OBJECTS, "secretRef")} == {
        "dateline",
        "dateline-publisher",
        "dateline-replica",
    }


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_hardened_and_restarts(path: Path) -> None:
    """Every unit of systemd has the same protection."""
    text = path.read_text(encoding="utf-8")
    for line in (
        "User=dateline",
        "ProtectSystem=strict",
        "ProtectHome=true",
        "PrivateTmp=true",
        "NoNewPrivileges=true",
    ):
        assert f"\n{line}\n" in text
    assert re.search(r"^Restart=(always|on-failure)$", text, re.MULTILINE)
    assert "--data /var/lib/dateline" in text
