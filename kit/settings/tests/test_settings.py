"""Rules of reading settings."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from kit.settings import BaseSettings, Profile, SettingsError, describe, load, setting

KEYS = Path("keys.json")
TEN_MINUTES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """A service's settings."""

    http_port: int = setting("HTTP", development=8003)
    database_url: str = setting(
        "PostgreSQL", development="postgresql://souk:souk@localhost/order", secret=True
    )
    origins: tuple[str, ...] = setting("Origins", default=())
    fast: bool = setting("Fast", default=False)
    keys_file: Path = setting("Keys", development=KEYS)
    pay_within: timedelta = setting("Seconds", default=TEN_MINUTES, minimum=1)


DEVELOPMENT = {"PROFILE": "development"}


def test_development_has_working_defaults() -> None:
    settings = load(Settings, DEVELOPMENT)
    assert settings.is_development
    assert (settings.http_port, settings.http_host, settings.keys_file) == (8003, "127.0.0.1", KEYS)


def test_a_relative_path_means_the_checkout_under_bazel_run() -> None:
    environment = DEVELOPMENT | {"BUILD_WORKSPACE_DIRECTORY": "/checkout"}
    assert load(Settings, environment).keys_file == Path("/checkout/keys.json")
    absolute = environment | {"KEYS_FILE": "/elsewhere/keys.json"}
    assert load(Settings, absolute).keys_file == Path("/elsewhere/keys.json")


def test_values_are_read_as_their_types() -> None:
    environment = DEVELOPMENT | {
        "ORIGINS": "https://a.test, https://b.test",
        "FAST": "yes",
        "PAY_WITHIN": "90",
        "HTTP_PORT": "1",
    }
    settings = load(Settings, environment)
    assert settings.origins == ("https://a.test", "https://b.test")
    assert (settings.fast, settings.pay_within, settings.http_port) == (True, timedelta(seconds=90), 1)


def test_outside_development_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(Settings, {"FAST": "perhaps", "PAY_WITHIN": "0"})
    named = {fault.split()[0] for fault in caught.value.errors}
    assert {"HTTP_PORT", "DATABASE_URL", "KEYS_FILE", "JWKS_URL", "FAST", "PAY_WITHIN"} <= named


def test_the_profile_defaults_to_production() -> None:
    with pytest.raises(SettingsError):
        load(Settings, {})


def test_an_unknown_profile_is_a_fault() -> None:
    with pytest.raises(SettingsError, match="PROFILE is neither"):
        load(Settings, {"PROFILE": "dev"})


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(Settings, DEVELOPMENT | {"HTTP_PORT": ""}).http_port == 8003


def test_a_secret_stays_out_of_the_representation() -> None:
    assert "souk:souk" not in repr(load(Settings, DEVELOPMENT))


def test_the_table_shows_every_setting_and_no_secret() -> None:
    table = describe(Settings)
    assert "DATABASE_URL" in table
    assert "souk:souk" not in table
    assert Profile.PRODUCTION.value in table
