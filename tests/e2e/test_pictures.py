"""The script that draws the pictures of the documentation runs, and draws what is on the screen."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
from e2e import pictures
from e2e.harness import ROOT

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.getuid() != 0, reason="the lab of the pictures is root's"),
]


def words_of(path: Path) -> str:
    """All that is written in a picture."""
    root = ElementTree.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own file
    assert root.tag.endswith("svg")
    return " ".join("".join(text.itertext()) for text in root.iter() if text.tag.endswith("text"))


def test_pictures_show_what_is_on_the_screen(tmp_path: Path) -> None:
    completion, mistake = pictures.draw(tmp_path, (pictures.completion, pictures.mistake))
    shown = words_of(completion)
    assert "cidr_netmask" in shown
    assert "required · " in shown
    assert "lab demo" in shown
    assert "did you mean cidr_netmask?" in words_of(mistake)


def test_the_documentation_has_a_picture_of_every_scene_and_no_other() -> None:
    wanted = {f"{scene.__name__}.svg" for scene in pictures.PICTURES}
    assert {path.name for path in pictures.FOLDER.glob("*.svg")} == wanted
    text = (ROOT / "docs" / "shell.md").read_text("utf-8")
    for name in wanted:
        assert f"(pictures/{name})" in text
        assert words_of(pictures.FOLDER / name)
