"""Counters of the workers, carried to the one place that Prometheus asks: the API's `/metrics`.

A worker listens on no port, so its counters travel with its signs of life. What they count it refuses to know.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric

_OURS: Final = "dunghen_"
_WORKER: Final = "worker"


class Count(NamedTuple):
    """One counter with its labels, as it stood."""

    name: str
    help: str
    labels: dict[str, str]
    value: float


def taken() -> list[Count]:
    """This process's own counters, as they stand."""
    return [
        Count(family.name, family.documentation, sample.labels, sample.value)
        for family in REGISTRY.collect()
        if family.type == "counter" and family.name.startswith(_OURS)
        for sample in family.samples
        if sample.name.endswith("_total")
    ]


def exposed(workers: Mapping[str, Sequence[Count]]) -> bytes:
    """This process's series and the workers' counters in Prometheus' text format, each series' head once."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything(workers))
    return generate_latest(registry)


class _Everything:
    """A collector of Prometheus' client over this process and the workers."""

    def __init__(self, workers: Mapping[str, Sequence[Count]]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        families = {family.name: family for family in REGISTRY.collect()}
        for worker, counts in self._workers.items():
            for count in counts:
                family = families.setdefault(count.name, CounterMetricFamily(count.name, count.help))
                family.add_sample(f"{count.name}_total", {_WORKER: worker, **count.labels}, count.value)
        yield from families.values()
