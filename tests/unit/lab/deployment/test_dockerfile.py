"""What the Dockerfile promises, where no engine is needed to look."""

from pathlib import Path

DOCKERFILE = Path(__file__).parents[4] / "deploy" / "Dockerfile"


def test_what_user_10001_runs_is_made_readable_before_it_is_compiled():
    text = DOCKERFILE.read_text(encoding="utf-8")
    filled = text.partition("AS filled\n")[2].partition("\nFROM ")[0]
    assert 0 < filled.index("chmod -R a+rX /opt/vitrine/app") < filled.index("-m compileall")
    assert "USER 10001" in text
