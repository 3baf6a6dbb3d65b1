import io

import pytest

from ingest.report import Progress


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def show(progress: Progress) -> None:
    with progress.bar("read", total=10, unit="file") as advance:
        advance(4)
        advance(6)
    with progress.step("publish"):
        pass


def test_steps_are_named_with_their_time_when_they_are_done() -> None:
    """Outside of a terminal each step is one line, and no bar is drawn."""
    out = io.StringIO()
    show(Progress(out))
    assert out.getvalue().splitlines() == ["read: 0.0 s", "publish: 0.0 s"]


def test_a_terminal_is_shown_a_bar() -> None:
    """On a terminal the bar counts to the total."""
    out = Terminal()
    show(Progress(out))
    assert "0.00/10.0" in out.getvalue()
    assert "publish: 0.0 s" in out.getvalue()


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """A quiet progress writes nothing, even to a terminal."""
    out = Terminal()
    show(Progress(out, quiet=True))
    show(Progress(quiet=True))
    assert (out.getvalue(), capsys.readouterr()) == ("", ("", ""))


def test_what_fails_is_not_done() -> None:
    """A step that fails is not reported as complete, and raises its error."""
    out = io.StringIO()
    progress = Progress(out)
    with pytest.raises(ZeroDivisionError), progress.step("verify"):
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), progress.bar("read", total=1, unit="file"):
        raise ZeroDivisionError
    assert out.getvalue() == ""
