"""Settings from the environment: one frozen dataclass per service; all errors are reported at once.

Only this package reads the environment. A field is declared with `setting(...)`; its variable is the field's name in upper case. Not
here: files, layers, reloading. A value that does not parse is an error.
"""

from kit.settings.base import BaseSettings
from kit.settings.fields import IdentityMode, Profile, setting
from kit.settings.loading import SettingsError, describe, load

__all__ = ["BaseSettings", "IdentityMode", "Profile", "SettingsError", "describe", "load", "setting"]
