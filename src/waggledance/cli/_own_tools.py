"""Tool servers by the name that people give them: tables ``[tools.NAME]`` of waggle.toml."""

from __future__ import annotations

from waggledance.cli._config import InForce
from waggledance.cli._own_models import filled
from waggledance.core import UnknownName
from waggledance.gateways import McpTools


def tools_named(name: str, force: InForce) -> McpTools:
    """Return the tools of an MCP server; it is started when they are first used.

    Raises:
        UnknownName: there is no table of this name.
        UsageError: the table makes no sense, or a variable that it needs is not set; says the line.
        RunFailed: the package that speaks MCP is not installed.
    """
    table = force.settings.tools.get(name)
    if table is None:
        raise UnknownName("tool server", name, force.settings.tools)
    env, headers = table.env or {}, table.headers or {}
    return force.using(
        f"tools.{name}",
        lambda: McpTools(
            name,
            command=table.command,
            url=table.url,
            env={key: filled(text, f"the variable {key}") for key, text in env.items()},
            headers={key: filled(text, f"the header {key}") for key, text in headers.items()},
            allow=table.allow,
            within_s=table.within_s,
        ),
    )
