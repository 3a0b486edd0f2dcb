"""A hook of mkdocs: docstrings mark YAML blocks as Sphinx does; the mark itself is not shown."""


def on_page_content(html: str, **_) -> str:
    """Drop the line that marks a code block."""
    return html.replace("<p>.. code-block:: yaml</p>\n", "")
