"""The address of a CRM, which people spell in many ways."""

from __future__ import annotations

import re
from contextlib import suppress


def place_of(address: str, interface: str) -> str:
    """The one spelling of a CRM's address: host, port and path, such as ``crm.example.com/sales``.

    Whether it is asked by http or https, the port that this implies, letter case and a dot at the end of the host,
    slashes at the end and the path of the ``interface`` below the CRM's own make no difference.
    """
    host, _, path = re.sub(r"^https?://", "", address.strip(), flags=re.IGNORECASE).partition("/")
    host = re.sub(r"\.?(:80|:443)?$", "", host.lower())
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    path = re.sub(r"/+", "/", f"/{path}").rstrip("/")
    return host + path.removesuffix(interface).rstrip("/")
