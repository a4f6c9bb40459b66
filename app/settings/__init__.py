"""Settings: the one door to the environment and the configuration file.

``read.py`` reads and refuses; ``model.py`` holds all settings together. They are declared with
default, meaning, unit and reason in ``engine.py`` (with the groups of ``stages.py`` and
``portfolio.py``), ``policy.py`` and ``server.py`` (with ``notify.py``); ``setting.py`` says what a
setting is, ``values.py`` reads single values. A default that the core's params have is taken from
them. Others import from here alone.

Two more places look at the environment, to hand it on to a process that they start:
``app/processes/service.py`` and ``app/commands/launch.py``.
"""

from app.settings.model import Settings, group_names, is_live
from app.settings.read import (
    INFERENCE_MODEL_DIR,
    SettingsError,
    inference_model_dir,
    load_settings,
    setting_names,
)
from app.settings.setting import PREFIX
from app.settings.values import certificate_problem, without_password

__all__ = [
    "INFERENCE_MODEL_DIR",
    "PREFIX",
    "Settings",
    "SettingsError",
    "certificate_problem",
    "group_names",
    "inference_model_dir",
    "is_live",
    "load_settings",
    "setting_names",
    "without_password",
]
