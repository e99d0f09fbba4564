"""What the tap and the target share of Singer."""

from crm_singer.configuration import Configured

__all__ = ["Configured"]
