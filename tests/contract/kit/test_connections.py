"""Connections come and go without failing a call: their age, a replica's end under load, and TLS."""

import asyncio
import subprocess
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from lab.channels import open_channel as open_command_channel
from services.kit.channels import channel_credentials, client_credentials
from services.kit.errors import DependencyDown
from services.kit.health import ACCEPTING
from services.kit.serving import ServiceDefinition, running
from services.kit.settings import ServiceSettings
from services.kit.upstream import Upstream
from tests.contract.kit.probe import SERVICE, Probe, ProbeStub, Request, add_probe_to_server, serving_probe

RETRY = {
    "healthCheckConfig": {"serviceName": ACCEPTING},
    "methodConfig": [
        {
            "name": [{"service": SERVICE}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.02s",
                "maxBackoff": "0.2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}


class Callers:
    """Several clients that call without a pause until they are stopped."""

    def __init__(self, upstream: Upstream, count: int = 4) -> None:
        self.outcomes: Counter[str] = Counter()
        self._stub = ProbeStub(upstream.channel)
        self._upstream = upstream
        self._stopped = False
        self._tasks = [asyncio.create_task(self._call()) for _ in range(count)]

    async def answered(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted = self.outcomes["OK"] + count
        async with asyncio.timeout(30.0):
            while self.outcomes["OK"] < wanted:
                await asyncio.sleep(0)

    async def stop(self) -> Counter[str]:
        self._stopped = True
        await asyncio.gather(*self._tasks)
        return self.outcomes

    async def _call(self) -> None:
        while not self._stopped:
            try:
                await self._upstream.call(self._stub.Ask, Request(shop_id="a"), timeout_s=5)
                self.outcomes["OK"] += 1
            except DependencyDown as error:
                self.outcomes[error.message] += 1


def definition(probe: Probe, **settings) -> ServiceDefinition:
    async def wire(runtime) -> None:
        runtime.register(add_probe_to_server, probe)

    return ServiceDefinition("probe", ServiceSettings(**{"drain_seconds": 2.0, **settings}), wire)


async def test_calls_go_on_while_connections_reach_their_age():
    # A call may outlast its connection's age by as much again: long enough for one on a busy machine.
    async with serving_probe(max_connection_age_s=0.7) as serving:
        upstream = Upstream.open("probe", [serving.address])
        callers = Callers(upstream)
        begun_s = time.perf_counter()
        while time.perf_counter() - begun_s < 2.0:
            await callers.answered(20)
        outcomes = await callers.stop()
        await upstream.close()
    assert set(outcomes) == {"OK"}


async def test_a_watch_is_cut_when_its_connection_is_too_old_and_can_be_resumed():
    async with serving_probe(max_connection_age_s=0.1) as serving:
        upstream = Upstream.open("probe", [serving.address])
        stub = ProbeStub(upstream.channel)
        for _ in range(2):
            watch = upstream.stream(stub.WatchAll, Request(shop_id="a"))
            assert (await anext(watch)).release_ids == ["now"]
            with pytest.raises(DependencyDown) as caught:
                await asyncio.wait_for(anext(watch), 10.0)
            assert caught.value.cause == "unavailable"
        await upstream.close()


async def test_a_replica_that_drains_under_load_fails_no_call():
    async with AsyncExitStack() as stack:
        lasting, ending = Probe(), Probe()
        first = await stack.enter_async_context(running(definition(lasting)))
        leaving = await stack.enter_async_context(AsyncExitStack())
        second = await leaving.enter_async_context(running(definition(ending)))
        upstream = Upstream.open("probe", [first, second], RETRY)
        stack.push_async_callback(upstream.close)
        callers = Callers(upstream)
        await callers.answered(100)
        assert ending.calls
        await leaving.aclose()
        await callers.answered(100)
        outcomes = await callers.stop()
    assert set(outcomes) == {"OK"}


@pytest.fixture(scope="session")
def pki(tmp_path_factory) -> Path:
    """A root, and one certificate of it for 127.0.0.1 that serves both sides."""
    folder = tmp_path_factory.mktemp("pki")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    signed = ["-CA", "root.pem", "-CAkey", "root.key"]
    for arguments in (
        ["-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem"],
        [*signed, "-subj", "/CN=probe", *names, "-keyout", "key.pem", "-out", "cert.pem"],
    ):
        subprocess.run(["openssl", "req", "-x509", *new_key, *arguments], cwd=folder, check=True, capture_output=True)
    return folder


async def test_mutual_tls_lets_in_who_has_a_certificate_and_nobody_else(pki):
    root, certificate, key = (pki / name for name in ("root.pem", "cert.pem", "key.pem"))
    settings = {"tls_certificate_path": certificate, "tls_key_path": key, "tls_ca_path": root}
    async with running(definition(Probe(), **settings)) as address:
        for credentials, is_let_in in (
            (channel_credentials(root, certificate, key), True),
            (client_credentials(ServiceSettings(**settings)), True),
            (channel_credentials(root), False),
            (None, False),
        ):
            upstream = Upstream.open("probe", [address], credentials=credentials)
            call = upstream.call(ProbeStub(upstream.channel).Ask, Request(shop_id="a"), timeout_s=5)
            if is_let_in:
                assert (await call).release_ids == ["a"]
            else:
                with pytest.raises(DependencyDown):
                    await call
            await upstream.close()


async def test_commands_show_the_certificate_that_the_environment_names(pki, monkeypatch):
    paths = {"tls_certificate_path": pki / "cert.pem", "tls_key_path": pki / "key.pem", "tls_ca_path": pki / "root.pem"}
    async with running(definition(Probe(), **paths)) as address:

        def ask() -> list[str]:
            with open_command_channel([address], "vitrine.ranker.v1") as channel:
                return list(ProbeStub(channel).Ask(Request(shop_id="a"), timeout=5).release_ids)

        with pytest.raises(grpc.RpcError):
            await asyncio.to_thread(ask)
        for name, path in paths.items():
            monkeypatch.setenv(f"VITRINE_{name.upper()}", str(path))
        assert await asyncio.to_thread(ask) == ["a"]


async def test_a_client_does_not_trust_a_server_of_another_root(pki):
    settings = {"tls_certificate_path": pki / "cert.pem", "tls_key_path": pki / "key.pem"}
    async with running(definition(Probe(), **settings)) as address:
        # Without roots of our own the system's are used, which did not sign the certificate.
        upstream = Upstream.open("probe", [address], credentials=grpc.ssl_channel_credentials())
        with pytest.raises(DependencyDown):
            await upstream.call(ProbeStub(upstream.channel).Ask, Request(shop_id="a"), timeout_s=5)
        await upstream.close()


async def test_a_contracts_channel_also_serves_a_server_without_health():
    server, probe = grpc.aio.server(), Probe()
    add_probe_to_server(probe, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    upstream = Upstream.open("ranker", [address], "vitrine.ranker.v1")
    answer = await upstream.call(ProbeStub(upstream.channel).Ask, Request(shop_id="a"), timeout_s=5)
    assert answer.release_ids == ["a"]
    await upstream.close()
    await server.stop(None)
