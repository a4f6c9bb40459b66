"""Settings: the one door to the environment and the configuration file.

``read.py`` reads and refuses; ``model.py`` holds all settings together. They are declared with
default, meaning, unit and reason in ``engine.py`` (with the groups of ``stages.py`` and
``portfolio.py``), ``policy.py`` and ``server.py`` (with ``notify.py``); ``setting.py`` says what a
setting is, ``values.py`` reads single values. A default that the core's params have is taken from
them. Others import from here alone.
"""

from app.settings.model import Settings, group_names, is_live
from app.settings.read import (
    SettingsError,
    load_settings,
    setting_names,
)
from app.settings.setting import PREFIX
from app.settings.values import certificate_problem, without_password

__all__ = [
    "PREFIX",
    "Settings",
    "SettingsError",
    "certificate_problem",
    "group_names",
    "is_live",
    "load_settings",
    "setting_names",
    "without_password",
]
