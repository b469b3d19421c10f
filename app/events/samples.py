"""The one source that sends generated facts, so that whoever shows them can say that they are samples.

It knows the source's name; what it sends, the sample city knows.
"""

from typing import Final

SOURCE: Final = "urn:dunghen:sample-city"
