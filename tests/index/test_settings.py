from pathlib import Path

import pytest
from pydantic import ValidationError

from index.settings import IndexSettings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATA", "MODELS", "EMBEDDING_MODEL", "EMBEDDING_OPTIONS", "LANGUAGE"):
        monkeypatch.delenv(f"DATELINE_{name}", raising=False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_the_index_is_local() -> None:
    """The defaults are the local model, English, and an index and models in ./data."""
    settings = IndexSettings()
    assert (settings.data, settings.embedding_model, settings.language) == (Path("data"), "local", "english")
    assert settings.models_folder == Path("data/models")
    assert settings.embedding_options == {}
    assert settings.openai_api_key is None


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is read from its variable; those of OpenAI have no prefix."""
    monkeypatch.setenv("DATELINE_DATA", "/srv/index")
    monkeypatch.setenv("DATELINE_MODELS", "/srv/models")
    monkeypatch.setenv("DATELINE_EMBEDDING_OPTIONS", '{"embed_batch_size": 32}')
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
    settings = IndexSettings()
    assert settings.data == Path("/srv/index")
    assert settings.models_folder == Path("/srv/models")
    assert settings.embedding_options == {"embed_batch_size": 32}
    assert settings.openai_base_url == "http://127.0.0.1:8080/v1"


def test_settings_come_from_a_file_and_the_environment_outweighs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`.env` in the working folder is read; the environment has precedence; unknown names are ignored."""
    (tmp_path / ".env").write_text("DATELINE_LANGUAGE=german\nDATELINE_DATA=from-file\nDATELINE_PORT=8000\n")
    monkeypatch.setenv("DATELINE_DATA", "from-environment")
    settings = IndexSettings()
    assert (settings.language, settings.data) == ("german", Path("from-environment"))


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is the default."""
    monkeypatch.setenv("DATELINE_LANGUAGE", "")
    monkeypatch.setenv("DATELINE_EMBEDDING_OPTIONS", "")
    assert (IndexSettings().language, IndexSettings().embedding_options) == ("english", {})


@pytest.mark.parametrize("given", ["klingon", "English", "en"])
def test_an_unknown_language_is_refused_with_those_that_are_known(given: str) -> None:
    """The message has the value found and the known languages."""
    with pytest.raises(ValidationError, match=rf"found '{given}', expected one of .*english.*german"):
        IndexSettings(language=given)


@pytest.mark.parametrize("given", ["{", "embed_batch_size=32"])
def test_options_that_are_no_json_are_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """The message has the value found and the value expected."""
    monkeypatch.setenv("DATELINE_EMBEDDING_OPTIONS", given)
    with pytest.raises(ValidationError, match="expected a JSON object such as"):
        IndexSettings()


@pytest.mark.parametrize("given", ["[1]", "32", '"x"', "null"])
def test_options_that_are_no_object_are_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """JSON that is not an object is an error that names the setting."""
    monkeypatch.setenv("DATELINE_EMBEDDING_OPTIONS", given)
    with pytest.raises(ValidationError, match="embedding_options"):
        IndexSettings()


def test_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is hidden when the settings are printed."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-harbour")
    settings = IndexSettings()
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-harbour"
    assert "harbour" not in f"{settings} {settings!r} {settings.model_dump_json()}"
