"""How much of a catalogue one run takes.

Everything where RESNET_VERIFY_WHOLE is set, as it is every night; a part otherwise, so that a
change is judged in minutes.
"""

import os

WHOLE = bool(os.environ.get("RESNET_VERIFY_WHOLE"))


def sampled(entries, nth):
    """Every `nth` of the entries, or all of them."""
    return list(entries)[:: 1 if WHOLE else nth]
