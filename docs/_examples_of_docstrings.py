"""Griffe extension: shows the doctests at the end of a docstring as examples, as the reference expects them."""

import re
import textwrap
from typing import Any

import griffe

_DOCTEST = re.compile(r"(?:^|(?<=\n\n))>>> .*?(?=\n\n|\Z)", re.DOTALL)


class ExamplesOfDocstrings(griffe.Extension):
    """Puts every paragraph of a docstring that is a doctest under a heading "Examples:"."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of a module, class, function or attribute, once it is read."""
        if obj.docstring is not None and ">>> " in obj.docstring.value:
            obj.docstring.value = _DOCTEST.sub(
                lambda match: "Examples:\n" + textwrap.indent(match[0], "    "), obj.docstring.value
            )
