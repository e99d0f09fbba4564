"""What the tap and the target share of Singer."""

from crm_singer.configuration import Configured
from crm_singer.stream_maps import applying, in_words

__all__ = ["Configured", "applying", "in_words"]
