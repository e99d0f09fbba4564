"""The target's own settings, and what they mean for one stream."""

from target_crm.options.declared import OWN_SETTINGS
from target_crm.options.of_stream import StreamOptions, options_of, problems, put_together

__all__ = ["OWN_SETTINGS", "StreamOptions", "options_of", "problems", "put_together"]
