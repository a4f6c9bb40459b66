"""Settings: the one door to the environment and the configuration file.

``read.py`` reads and refuses, ``model.py`` holds the values, ``groups.py`` the nested ones and
``values.py`` the readers of single values. Others import from here alone.
"""

from app.settings.model import Settings, group_names, is_live
from app.settings.read import PREFIX, SettingsError, load_settings, setting_names
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
