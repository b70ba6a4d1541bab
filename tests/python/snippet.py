#!/usr/bin/env python3
"""Prints the code block of a Markdown file that follows the line `<!-- check: NAME -->`.

    snippet.py README.md NAME
"""
import re
import sys
from pathlib import Path


def snippets(file, name):
    """All blocks of this name, in order."""
    text = Path(file).read_text(encoding="utf-8")
    return re.findall(rf"^<!-- check: {re.escape(name)} -->\n```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def snippet(file, name):
    """The one block of this name."""
    found = snippets(file, name)
    if len(found) != 1:
        sys.exit(f"{file}: expected one code block marked `{name}`, found {len(found)}")
    return found[0]


if __name__ == "__main__":
    print(snippet(sys.argv[1], sys.argv[2]), end="")
