"""More out of the trials of a search: everything in `capacity.json` that needs no further load."""

from msgspec import structs

from relayload.core.capacity.advice import advise
from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.frontier import frontier
from relayload.core.capacity.model_use import model_uses
from relayload.core.price import Prices, price_of


def with_findings(capacity: Capacity, prices: Prices) -> Capacity:
    """Return the answer with what its trials tell besides; `prices` are those of the target."""
    models = model_uses(capacity.trials)
    return structs.replace(
        capacity,
        frontier=frontier(capacity.trials),
        advice=advise(capacity.proven_per_s, capacity.refuted_per_s, capacity.ceiling),
        models=models,
        prices={model: price for model in models if (price := price_of(model, prices))},
    )
