"""What objectives may ask for: the catalog of metrics as the verdict's readers import it."""

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Metric, Unit

__all__ = ["METRICS", "Metric", "Unit"]
