"""The embedded PostgreSQL: a server of our own in a folder of its own."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.supervisor.keys import work_secrets
from lab.supervisor.spawner import Program
from lab.supervisor.topology import DatabaseSpec

SUPERUSER = "postgres"
SERVER_USER = "embedded_postgres"
"""The operating system's user that runs the server when we are root; PostgreSQL refuses to be root."""
FOLDERS = Path("/var/tmp")
LONGEST_SOCKET_PATH = 100
PACKAGE = "embedded_postgres"


class DatabaseBroken(Exception):  # noqa: N818  named like the errors of kit
    """The embedded PostgreSQL cannot be prepared; the message says what to do."""


def database_folder(work: Path) -> Path:
    """Return where the database of a work folder lives.

    The name comes from the work folder's own pseudonym key, not from its path: a work folder that was deleted and made
    anew has another key, could not read the old pseudonyms, and must not meet the old events.
    """
    digest = hashlib.sha256(work_secrets(work)["pseudonym_key"].encode()).hexdigest()[:12]
    return FOLDERS / f"vitrine-{os.getuid()}-{digest}"


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One server: prepared by `prepare`, run as the `program`, reached at the `dsn`."""

    folder: Path
    """Where data and socket live."""
    log: Path
    spec: DatabaseSpec

    @property
    def dsn(self) -> str:
        """Where clients of this machine find it: a unix socket, no port."""
        return f"postgresql://{SUPERUSER}:@/{SUPERUSER}?host={self._socket_folder}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _socket_folder(self) -> Path:
        return self.folder / "socket"

    def prepare(self) -> None:
        """Make the folder and the database in it unless they are there. Takes about a second the first time.

        Raises: DatabaseBroken.
        """
        if len(str(self._socket_folder / ".s.PGSQL.5432")) > LONGEST_SOCKET_PATH:
            raise DatabaseBroken(f"{self.folder} is too long for a socket; use a shorter folder")
        self._make_folders()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._end_leftover()

    def program(self) -> Program:
        """Return the server as a program. When we die it shuts down fast, without losing anything."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_folder),
            "unix_socket_permissions": "0700",
            "max_connections": str(self.spec.max_connections),
            "shared_buffers": f"{self.spec.shared_buffers_mb}MB",
        }
        arguments = [str(self._binaries() / "postgres"), "-D", str(self._data)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        return Program(arguments, self.log, self._environment(), self.folder, signal.SIGINT, user=self._server_user())

    def ready(self, pid: int) -> bool:
        """Say whether the server with this process id accepts connections."""
        lines = self._postmaster()
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def remove(self) -> None:
        """Delete the database. Only while it does not run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_folders(self) -> None:
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if self.folder.stat().st_uid != os.getuid():
            raise DatabaseBroken(f"{self.folder} belongs to somebody else; remove it")
        self._socket_folder.mkdir(mode=0o700, exist_ok=True)
        user = self._server_user()
        if user is not None:
            os.chown(self._socket_folder, *user)

    def _initialise(self) -> None:
        """Run initdb into a draft folder, so that an interrupted one leaves nothing half made."""
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        user = self._server_user()
        if user is not None:
            os.chown(draft, *user)
        uid, gid = user or (None, None)
        done = subprocess.run(
            [
                str(self._binaries() / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
                "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync",
            ],
            env=self._environment(), cwd=self.folder, user=uid, group=gid, extra_groups=[] if user else None,
            capture_output=True, text=True, check=False, start_new_session=True,
        )  # fmt: skip
        if done.returncode != 0:
            raise DatabaseBroken(
                f"PostgreSQL's initdb failed in {self.folder}:\n{done.stdout[-500:]}{done.stderr[-1500:]}"
            )
        draft.replace(self._data)

    def _end_leftover(self) -> None:
        """Stop a server of this very folder that a killed supervisor left behind, and wait until it is gone."""
        lines = self._postmaster()
        if not lines or not lines[0].strip().isdigit():
            return
        pid = int(lines[0])
        command = Path(f"/proc/{pid}/cmdline")
        if not command.exists() or str(self._data).encode() not in command.read_bytes().split(b"\0"):
            return
        os.kill(pid, signal.SIGINT)
        tail = ["tail", f"--pid={pid}", "-f", "/dev/null"]  # waits for a process that is not our child
        try:
            subprocess.run(tail, timeout=20, check=False)
        except subprocess.TimeoutExpired:
            raise DatabaseBroken(f"an earlier PostgreSQL (process {pid}) does not stop; end it and try again") from None

    def _postmaster(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _server_user(self) -> tuple[int, int] | None:
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(SERVER_USER)
        except KeyError:
            made = subprocess.run(["useradd", "--system", SERVER_USER], capture_output=True, text=True, check=False)
            if made.returncode != 0:
                raise DatabaseBroken(
                    f"PostgreSQL does not run as root and user {SERVER_USER} cannot be made: {made.stderr.strip()}. "
                    "Run as another user."
                ) from None
            entry = pwd.getpwnam(SERVER_USER)
        return entry.pw_uid, entry.pw_gid

    def _binaries(self) -> Path:
        """Return the server's programs, copied beside the data where the server's user could not reach them.

        A private home stays private that way: nobody's permissions are changed.
        """
        package = _package_folder()
        programs = Path("pginstall") / "bin"
        if self._server_user() is None or _reachable_by_all(package / programs):
            return package / programs
        copy = self.folder / "programs"
        if not copy.exists():
            draft = self.folder / "programs.new"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(package, draft / package.name)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, draft / libraries.name)
            _open_to_all(draft)
            draft.replace(copy)
        return copy / package.name / programs


def _package_folder() -> Path:
    """Find the package without importing it: its import touches folders and users of its own accord."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise DatabaseBroken(f"the package {PACKAGE} is not installed; run make setup, or set VITRINE_DATABASE_DSN")
    return Path(found.origin).parent


def _reachable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path.resolve(), *path.resolve().parents))


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            extra = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0)
            path.chmod(path.stat().st_mode | extra)
