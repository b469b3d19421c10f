"""What is measured: every metric by its key.

Pure: it lists; each metric is declared once, with its names, definition, version and legal basis, in the file of its
subject. The definitions are those of the domain, told in words in docs/figures.md.
"""

from collections.abc import Mapping
from typing import Final

from app.metrics.counts import COUNTS
from app.metrics.durations import STATISTICS
from app.metrics.metric import Balance, Rate, Statistic
from app.metrics.online import ONLINE_RATES
from app.metrics.timeliness import DUTIES, TIMELINESS

__all__ = ["CATALOGUE", "COUNTS", "RATES", "STATISTICS"]

RATES: Final = (*TIMELINESS, *ONLINE_RATES, *DUTIES)

CATALOGUE: Final[Mapping[str, Rate | Balance | Statistic]] = {
    metric.key: metric for metric in (COUNTS, *RATES, *STATISTICS)
}
"""Every metric by its key, in the order in which it is listed."""
