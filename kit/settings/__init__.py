"""Settings from the environment: one frozen dataclass per service, every fault named at once.

The only room that reads the environment. A field is declared with `setting(...)`; its variable is its name
in upper case. Not here: files, layers, reloading. A value is never guessed: what does not parse is a fault.
"""

from kit.settings.base import BaseSettings
from kit.settings.fields import IdentityMode, Profile, setting
from kit.settings.loading import SettingsError, describe, load

__all__ = ["BaseSettings", "IdentityMode", "Profile", "SettingsError", "describe", "load", "setting"]
