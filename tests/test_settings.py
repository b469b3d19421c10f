"""Settings as they are copied and told on."""

from app.settings import Settings


def test_a_copy_with_another_time_zone_has_that_zone() -> None:
    settings = Settings(_env_file=None)
    assert settings.zone.key == "Asia/Ho_Chi_Minh"
    assert settings.model_copy(update={"timezone": "Europe/Amsterdam"}).zone.key == "Europe/Amsterdam"
