"""Stands between a service and its PostgreSQL and can be cut, as if the database had gone."""

import asyncio
from contextlib import suppress
from types import TracebackType

from sqlalchemy import make_url


class DatabaseProxy:
    """Forwards TCP to the server that a DSN names. Use as an async context; `dsn` is the way through it."""

    def __init__(self, dsn: str) -> None:
        self._target = make_url(dsn)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def dsn(self) -> str:
        """The address of the database through this proxy."""
        through = self._target.set(host="127.0.0.1", port=self.port, query={})
        return through.render_as_string(hide_password=False)

    async def __aenter__(self) -> "DatabaseProxy":
        await self.restore()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def cut(self) -> None:
        """Close every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    async def restore(self) -> None:
        """Accept connections again, on the same port."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream_writer}
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(_pump(reader, upstream_writer), _pump(upstream_reader, writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = str(self._target.host or self._target.query.get("host", "127.0.0.1"))
        port = self._target.port or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
