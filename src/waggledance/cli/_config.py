"""What is in force: defaults, then waggle.toml, then the environment, then flags; and where each value came from."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from waggledance.cli._checked import WrongValue, check, convert
from waggledance.cli._settings import FLAGS, Ask, Settings, environment_variable
from waggledance.cli._toml_lines import line_of
from waggledance.core import UsageError

FILE_NAME = "waggle.toml"
MAX_FILE_BYTES = 1_000_000

T = TypeVar("T")


class WrongSetting(UsageError):
    """A setting that cannot be used; says where it stands: file and line, environment variable, or flag."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)
        self.where, self.what = where, what

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class InForce:
    """Settings and where each of them came from.

    Args:
        settings: what is in force.
        origins: by key, as in ``"ask.peers"``, where a value that is no default came from.
        file: the file that was read, if any.
    """

    def __init__(self, settings: Settings, origins: Mapping[str, str], file: Path | None) -> None:
        self.settings, self.file = settings, file
        self._origins = dict(origins)

    @classmethod
    def defaults(cls) -> InForce:
        """Return what is in force where nobody says anything."""
        return cls(Settings(), {}, None)

    def origin(self, key: str) -> str:
        """Return where a setting came from: ``default``, ``waggle.toml:3``, ``WAGGLE_PEERS`` or ``--peers``."""
        return self._origins.get(key, "default")

    def by_flag(self, key: str) -> bool:
        """Return whether a setting was given on the command line."""
        return self.origin(key) == FLAGS.get(key)

    def using(self, key: str, use: Callable[[], T]) -> T:
        """Return what `use` returns; a complaint about the value names where it stands.

        Raises:
            WrongSetting: `use` raised a `UsageError` and the value came from a file or a variable.
        """
        try:
            return use()
        except WrongSetting:
            raise
        except UsageError as why:
            origin = self.origin(key)
            if origin == "default" or self.by_flag(key):
                raise
            raise WrongSetting(_spelled_out(origin, self.file), str(why)) from why

    def of_swarm(self, name: str) -> InForce:
        """Return what is in force for a swarm of ``[swarms.NAME]``: its own settings, those of ``[ask]`` elsewhere."""
        table = self.settings.swarms[name]
        said = {field: value for field, value in msgspec.structs.asdict(table).items() if value is not None}
        own = {field: value for field, value in said.items() if field in Ask.__struct_fields__}
        seats_its_own = "peers" in own or "model" in own
        settings = msgspec.structs.replace(
            self.settings,
            ask=msgspec.structs.replace(self.settings.ask, **own),
            peers=() if seats_its_own else self.settings.peers,
        )
        here = self.origin(f"swarms.{name}")
        origins = {key: origin for key, origin in self._origins.items() if origin not in FLAGS.values()}
        return InForce(settings, {**origins, **{f"ask.{field}": here for field in own}}, self.file)

    def wrong(self, key: str, what: str) -> WrongSetting:
        """Return a complaint about a setting that says where it stands."""
        return WrongSetting(_spelled_out(self.origin(key), self.file), what)

    def path(self, written: str, key: str) -> Path:
        """Return a path as it was meant: one from the file is relative to the file."""
        path = Path(written).expanduser()
        from_file = self.file is not None and self.origin(key).startswith(f"{self.file.name}:")
        return self.file.parent / path if self.file is not None and from_file else path


def in_force(
    flags: Mapping[str, object] | None = None, *, config: Path | None = None, env: Mapping[str, str] | None = None
) -> InForce:
    """Put the settings together.

    Args:
        flags: by key, what the command line says; None stands for "not given".
        config: the file to read; looked for upward from the working directory when None.
        env: the environment.

    Raises:
        WrongSetting: a value is of the wrong type or out of range, or a key is unknown; names file and line.
        UsageError: the file cannot be read.
    """
    env = os.environ if env is None else env
    named = config or (Path(env["WAGGLE_CONFIG"]) if env.get("WAGGLE_CONFIG") else None)
    file = named or find(_here())
    merged: dict[str, dict[str, Any]] = {"ask": {}, "budget": {}, "quota": {}, "log": {}}
    origins: dict[str, str] = {}
    if file is not None:
        merged |= _read(file, origins)
    for key in FLAGS:
        variable = environment_variable(key)
        if env.get(variable):
            text = env[variable]
            listed = tuple(part.strip() for part in text.split(",")) if key in ("ask.model", "ask.tools") else text
            _put(merged, key, _converted(key, variable, listed, strict=False))
            origins[key] = variable
    for key, value in (flags or {}).items():
        if value is not None:
            _put(merged, key, _converted(key, FLAGS[key], value, strict=True))
            origins[key] = FLAGS[key]
    return InForce(msgspec.convert(merged, Settings), origins, file)


def _here() -> Path:
    """Return the working directory.

    Raises:
        UsageError: it is gone.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError("the folder that you are in is gone: change to another with `cd`") from None


def find(start: Path) -> Path | None:
    """Return the nearest waggle.toml in a folder or above it."""
    return next((path for folder in (start, *start.parents) if (path := folder / FILE_NAME).is_file()), None)


def _put(merged: dict[str, dict[str, Any]], key: str, value: object) -> None:
    table, field = key.split(".")
    merged.setdefault(table, {})[field] = value


def _read(file: Path, origins: dict[str, str]) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"{file} has more than {MAX_FILE_BYTES:,} bytes; that is no waggle.toml")
        written = file.read_bytes()
    except OSError as why:
        raise UsageError(f"the settings in {file} cannot be read: {why.strerror}. Check --config") from why
    try:
        text = written.decode()
    except UnicodeDecodeError as why:
        raise WrongSetting(str(file), f"not UTF-8 at byte {why.start}: save it as UTF-8") from why
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as why:
        what = re.sub(r"\s*\(at (line \d+), column (\d+)\)", "", str(why))
        at = re.search(r"\(at line (\d+)", str(why))
        line = int(at[1]) if at else len(text.splitlines())
        raise WrongSetting(f"{file}, line {line}", f"not TOML: {what[:1].lower()}{what[1:]}") from why
    try:
        check(raw, Settings)
    except WrongValue as why:
        name = ".".join(str(step + 1) if isinstance(step, int) else step for step in why.path)
        what = why.what if why.what.startswith("there is no") else f"{name} {why.what}"
        raise WrongSetting(f"{file}, line {line_of(text, why.path) or 1}", what) from None
    for table in ("ask", "budget", "quota", "log"):
        for field in raw.get(table, {}):
            origins[f"{table}.{field}"] = f"{file.name}:{line_of(text, (table, field))}"
    for name in raw.get("models", {}):
        origins[f"models.{name}"] = f"{file.name}:{line_of(text, ('models', name))}"
    for name in raw.get("tools", {}):
        origins[f"tools.{name}"] = f"{file.name}:{line_of(text, ('tools', name))}"
    for name in raw.get("swarms", {}):
        origins[f"swarms.{name}"] = f"{file.name}:{line_of(text, ('swarms', name))}"
    for i, _ in enumerate(raw.get("peers", ())):
        origins[f"peers.{i}"] = f"{file.name}:{line_of(text, ('peers', i))}"
    return raw


def _converted(key: str, where: str, value: object, *, strict: bool) -> object:
    """Return a flag's or a variable's value as the setting's type."""
    table, field = key.split(".")
    tables = {f.name: f.type for f in msgspec.structs.fields(Settings)}
    kind = next(f.type for f in msgspec.structs.fields(tables[table]) if f.name == field)
    try:
        return convert(value, kind, (table, field), strict=strict)
    except WrongValue as why:
        raise WrongSetting(where, why.what) from None


def _spelled_out(origin: str, file: Path | None) -> str:
    if file is not None and origin.startswith(f"{file.name}:"):
        return f"{file}, line {origin.rpartition(':')[2]}"
    return origin
