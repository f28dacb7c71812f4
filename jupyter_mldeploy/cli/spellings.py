"""How flags are spelled: the v1 command line's names beside ours (spec section 11)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DEPLOYMENT", "HONOURED", "INFERENCE", "PATHS", "WITHOUT_MEANING"]

# A field without an entry is spelled as it is called: `workers` is --workers.
DEPLOYMENT: Mapping[str, tuple[str, ...]] = {
    "port": ("--port", "--po"),
    "auth_enabled": ("--auth-enabled", "--ae"),
    "token_auth_enabled": ("--token-auth-enabled",),
    "primary_key": ("--primary-key", "--kp"),
    "secondary_key": ("--secondary-key", "--ks"),
    "scoring_timeout_ms": ("--scoring-timeout-ms", "--tm"),
    "tags": ("--tag",),
    "properties": ("--property",),
    "description": ("--description", "--ds"),
}

INFERENCE: Mapping[str, tuple[str, ...]] = {
    "entry_script": ("--entry-script", "--es"),
    "runtime": ("--runtime", "--rt"),
    "conda_file": ("--conda-file", "--cf"),
    "extra_docker_file_steps": ("--extra-docker-file-steps", "--ed"),
    "source_directory": ("--source-directory", "--sd"),
    "enable_gpu": ("--enable-gpu", "--eg"),
    "base_image": ("--base-image", "--bi"),
    "cuda_version": ("--cuda-version", "--cv"),
}

HONOURED = frozenset({"entry_script", "source_directory"})
"""Fields of the inference configuration that this version can honour."""

PATHS = frozenset({"entry_script", "conda_file", "extra_docker_file_steps", "source_directory"})
"""Fields that hold a path, for the shell's completion."""

_SCALING = "the number of server processes is fixed here; set it with --workers"
_SIZE = "a service on this machine may use all of its processors and memory"
_CLUSTER = "this version deploys to this machine only"
_TLS = "a service on this machine speaks plain HTTP"
_IMAGE = "a service on this machine runs with the current interpreter, without an image"
_WATCHED = "a service's requests are not collected in this version"
_PROBES = "the service is watched by its own supervisor, which needs no settings"
_QUEUE = "requests are not queued by number in this version"

# Flags of the v1 commands that would change what is deployed, with the reason they cannot here.
WITHOUT_MEANING: Mapping[tuple[str, ...], str] = {
    ("--autoscale-enabled", "--as"): _SCALING,
    ("--autoscale-min-replicas", "--mi"): _SCALING,
    ("--autoscale-max-replicas", "--ma"): _SCALING,
    ("--autoscale-refresh-seconds", "--ar"): _SCALING,
    ("--autoscale-target-utilization", "--at"): _SCALING,
    ("--num-replicas", "--nr"): _SCALING,
    ("--cpu-cores", "--cc"): _SIZE,
    ("--cpu-cores-limit", "--ccl"): _SIZE,
    ("--memory-gb", "--gb"): _SIZE,
    ("--memory-gb-limit", "--gbl"): _SIZE,
    ("--gpu-cores", "--gc"): _SIZE,
    ("--namespace",): _CLUSTER,
    ("--location", "--lo"): _CLUSTER,
    ("--dns-name-label", "--dn"): _CLUSTER,
    ("--version-name", "--vn"): _CLUSTER,
    ("--traffic-percentile", "--tp"): _CLUSTER,
    ("--ssl-enabled", "--se"): _TLS,
    ("--ssl-cname", "--sc"): _TLS,
    ("--ssl-cert-pem-file", "--sp"): _TLS,
    ("--ssl-key-pem-file", "--sk"): _TLS,
    ("--base-image-registry", "--ir"): _IMAGE,
    ("--environment-name", "-e"): _IMAGE,
    ("--environment-version", "--ev"): _IMAGE,
    ("--image-id",): _IMAGE,
    ("--enable-app-insights", "--ai"): _WATCHED,
    ("--collect-model-data", "--md"): _WATCHED,
    ("--profile-input", "--pi"): "models are not profiled in this version",
    ("--replica-max-concurrent-requests", "--rm"): _QUEUE,
    ("--max-request-wait-time", "--mr"): _QUEUE,
    ("--period-seconds", "--ps"): _PROBES,
    ("--initial-delay-seconds", "--id"): _PROBES,
    ("--timeout-seconds", "--ts"): _PROBES,
    ("--success-threshold", "--st"): _PROBES,
    ("--failure-threshold", "--ft"): _PROBES,
}
