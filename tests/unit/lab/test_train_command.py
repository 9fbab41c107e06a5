"""What the command line of `vitrine train` says about the fusion model reaches training."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.commands import application, train
from lab.commands.train import FusionChoices


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["train", *arguments])


class Stopped(Exception):  # noqa: N818 - it stops, nothing failed
    """Training was about to begin."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[FusionChoices]:
    """What training is asked for; it never begins."""
    heard: list[FusionChoices] = []

    def hear(shop: str, work: Path, progress: object, choices: FusionChoices) -> None:
        heard.append(choices)
        raise Stopped

    monkeypatch.setattr(train, "run_training", hear)
    return heard


def test_the_default_is_the_models_as_they_are(asked: list[FusionChoices], tmp_path: Path) -> None:
    assert isinstance(run("--work", str(tmp_path)).exception, Stopped)
    assert asked == [FusionChoices("transformer", "none", 1)]


@pytest.mark.parametrize("encoder", ["gru", "lstm", "transformer"])
@pytest.mark.parametrize("compression", ["float16", "int8", "distilled"])
def test_encoder_and_compression_are_chosen_by_name(
    asked: list[FusionChoices], encoder: str, compression: str, tmp_path: Path
) -> None:
    run("--history-encoder", encoder, "--compress", compression, "--workers", "2", "--work", str(tmp_path))
    assert asked == [FusionChoices(encoder, compression, 2)]  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [("--history-encoder", "rnn"), ("--compress", "zip"), ("--workers", "0")])
def test_what_there_is_no_choice_of_is_refused(asked: list[FusionChoices], wrong: tuple[str, str]) -> None:
    told = run(*wrong)
    assert told.exit_code == 2
    assert not asked
