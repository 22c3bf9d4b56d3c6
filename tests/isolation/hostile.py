"""The misdeeds as targets: `hostile:misdeeds.NAME`; the checks are stand-ins."""

from tests.fake import install_where_apart
from tests.isolation import misdeeds

__all__ = ["misdeeds"]

install_where_apart()
