"""Spark is offered only with a Java that it can run with."""

from pathlib import Path

import pytest

from lab.preparation.engines.java import java_found, java_version


def java_home(folder: Path, *, release: str = "", says: str = "") -> Path:
    (folder / "bin").mkdir(parents=True)
    java = folder / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    java.chmod(0o755)
    if release:
        (folder / "release").write_text(release)
    return folder


@pytest.mark.parametrize(
    ("release", "says", "version"),
    [
        ('IMPLEMENTOR="Somebody"\nJAVA_VERSION="17.0.15"\n', "", 17),
        ('JAVA_VERSION="1.8.0_412"\n', "", 8),
        ("", 'openjdk version "21.0.7" 2026-04-15', 21),
        ("", 'openjdk version "11.0.27" 2026-04-15', 11),
        ("", 'java version "1.8.0_202"', 8),
        ("", 'openjdk version "25" 2026-09-16', 25),
        ("", "no such thing", None),
    ],
)
def test_the_version_is_read_from_the_release_file_or_asked_for(tmp_path, monkeypatch, release, says, version):
    home = java_home(tmp_path / "jdk", release=release, says=says)
    assert java_version(home / "bin" / "java") == version
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java_found() is ((version or 0) >= 17)


def test_no_java_is_no_java(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not java_found()
    assert java_version(tmp_path / "java") is None
