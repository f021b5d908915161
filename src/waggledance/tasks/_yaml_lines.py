"""YAML as plain values, with the line on which each stands; what YAML hides is refused.

Two entries of one name, aliases and documents after the first are refused, since a reader would not see what holds.
"""

from __future__ import annotations

from typing import Any, cast

from waggledance.core import UsageError

Path = tuple[str | int, ...]
MAX_DEPTH = 50
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")}


class WrongPlan(UsageError):
    """A plan that cannot be used; says where: file and line."""

    def __init__(self, where: str, line: int, what: str) -> None:
        super().__init__(where, line, what)
        self.where, self.line, self.what = where, line, what

    def __str__(self) -> str:
        return f"{self.where}, line {self.line}: {self.what}"


class Lines:
    """A YAML text read.

    Args:
        text: one document.
        where: what the file is called in complaints.

    Raises:
        WrongPlan: it is no YAML, or hides something.
    """

    def __init__(self, text: str, where: str) -> None:
        import yaml

        self.where = where
        self._at: dict[Path, int] = {}
        try:
            _check_tokens(text, where)
            loader = yaml.SafeLoader(text)
            self.value = self._plain(loader, loader.get_single_node(), ())
        except yaml.MarkedYAMLError as why:
            mark = why.problem_mark or why.context_mark
            raise WrongPlan(where, mark.line + 1 if mark else 1, f"not YAML: {why.problem or why.context}") from None
        except yaml.YAMLError as why:
            raise WrongPlan(where, 1, f"not YAML: {str(why).splitlines()[0]}") from None

    def wrong(self, path: Path, what: str) -> WrongPlan:
        """Return a complaint about an entry, or about the nearest around it."""
        while path and path not in self._at:
            path = path[:-1]
        return WrongPlan(self.where, self._at.get(path, 1), what)

    def _plain(self, loader: Any, node: Any, path: Path) -> object:
        import yaml

        if node is None:
            return None
        self._at.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._table(loader, node, path)
        if isinstance(node, yaml.SequenceNode):
            items = cast("list[Any]", node.value)
            return [self._plain(loader, item, (*path, i)) for i, item in enumerate(items)]
        return loader.construct_object(node) if node.tag in _PLAIN else str(node.value)

    def _table(self, loader: Any, node: Any, path: Path) -> dict[str, object]:
        table: dict[str, object] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in table:
                raise WrongPlan(self.where, line, f"{name!r} stands there twice: give each a name of its own")
            self._at[(*path, name)] = line
            table[name] = self._plain(loader, value, (*path, name))
        return table


def _check_tokens(text: str, where: str) -> None:
    """Refuse what would hide something, or take for ever to read."""
    import yaml

    deeper = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken, yaml.BlockSequenceStartToken,
              yaml.BlockMappingStartToken)  # fmt: skip
    up = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AliasToken):
            raise WrongPlan(where, line, "an alias; write the value out, so that all see it")
        depth += isinstance(token, deeper) - isinstance(token, up)
        if depth > MAX_DEPTH:
            raise WrongPlan(where, line, "nested too deep")
