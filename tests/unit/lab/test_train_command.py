"""What the command line of `vitrine train` says about how a release is made reaches training."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.commands import application, train
from lab.commands.train import TrainingChoices


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["train", *arguments])


class Stopped(Exception):  # noqa: N818 - it stops, nothing failed
    """Training was about to begin."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[TrainingChoices]:
    """What training is asked for; it never begins."""
    heard: list[TrainingChoices] = []

    def hear(shop: str, work: Path, progress: object, choices: TrainingChoices) -> None:
        heard.append(choices)
        raise Stopped

    monkeypatch.setattr(train, "run_training", hear)
    return heard


def test_the_default_is_the_models_as_they_are(asked: list[TrainingChoices], tmp_path: Path) -> None:
    assert isinstance(run("--work", str(tmp_path)).exception, Stopped)
    assert asked == [TrainingChoices("transformer", "none", 1, ())]


@pytest.mark.parametrize("encoder", ["gru", "lstm", "transformer"])
@pytest.mark.parametrize("compression", ["float16", "int8", "distilled"])
def test_encoder_and_compression_are_chosen_by_name(
    asked: list[TrainingChoices], encoder: str, compression: str, tmp_path: Path
) -> None:
    run("--history-encoder", encoder, "--compress", compression, "--workers", "2", "--work", str(tmp_path))
    assert asked == [TrainingChoices(encoder, compression, 2, ())]  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [("--history-encoder", "rnn"), ("--compress", "zip"), ("--workers", "0")])
def test_what_there_is_no_choice_of_is_refused(asked: list[TrainingChoices], wrong: tuple[str, str]) -> None:
    told = run(*wrong)
    assert told.exit_code == 2
    assert not asked


def test_sources_are_chosen_by_name(asked: list[TrainingChoices], tmp_path: Path) -> None:
    run("--sources", "two_tower, item_cf,", "--work", str(tmp_path))
    assert asked[0].sources == ("two_tower", "item_cf")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("item_cf,typo", "there is no candidate source 'typo'"),
        ("sasrec", "the model sasrec is on the leaderboard only"),
    ],
)
def test_a_source_that_there_is_not_is_refused_with_those_there_are(named: str, told: str, tmp_path: Path) -> None:
    answer = run("--sources", named, "--work", str(tmp_path))
    assert answer.exit_code == 1
    assert told in str(answer.exception)
    assert "item_cf, user_cf, als" in str(answer.exception)
