"""After everything: all work is done, and the data of the cluster is consistent."""

from tests.cluster.deployment import Deployment
from tests.invariants.audit import check_sources
from tests.invariants.sources import DATABASES, DataSources

_SETTLE_SECONDS = 120


async def test_every_invariant_holds(souk: Deployment) -> None:
    password = souk.secret("postgresql", "POSTGRES_PASSWORD")
    server = f"postgresql://souk:{password}@{souk.address('postgresql')}:5432"
    # Kafka's broker names itself `kafka`, as the pods do.
    souk.node.name("kafka", souk.address("kafka"))
    sources = await DataSources.open(
        {name: f"{server}/{name}" for name in DATABASES},
        index_url=f"http://{souk.address('elasticsearch')}:9200",
        bootstrap="kafka:9092",
        provider_url=f"http://{souk.address('stripe-mock')}:8010",
        mails_url=f"http://{souk.address('mail')}:1080",
    )
    try:
        [orders] = await sources.rows("order", "SELECT count(*) FROM orders")
        print(f"\n{orders['count']} orders")
        assert orders["count"]
        results = await check_sources(sources, _SETTLE_SECONDS)
    finally:
        await sources.close()
    assert [str(result) for result in results if result.violations] == []
