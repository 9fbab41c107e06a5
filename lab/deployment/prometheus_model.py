"""The part of Prometheus's configuration that we use, checked strictly: promtool is in no package registry."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Duration = Annotated[str, Field(pattern=r"^(\d+(ms|s|m|h|d|w|y))+$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Global(_Table):
    """How often."""

    scrape_interval: Duration
    evaluation_interval: Duration


class DnsDiscovery(_Table):
    """Every address behind a name."""

    names: Annotated[Sequence[str], Field(min_length=1)]
    type: Literal["A"]
    port: Annotated[int, Field(ge=1, le=65_535)]
    refresh_interval: Duration


class ScrapeJob(_Table):
    """Whom to scrape, and where."""

    job_name: str
    metrics_path: Annotated[str, Field(pattern="^/")] = "/metrics"
    dns_sd_configs: Annotated[Sequence[DnsDiscovery], Field(min_length=1)]


class PrometheusFile(_Table):
    """prometheus.yaml."""

    global_: Annotated[Global, Field(alias="global")]
    rule_files: Sequence[str]
    scrape_configs: Annotated[Sequence[ScrapeJob], Field(min_length=1)]
