"""The command `dead-letters` of every service: what its groups gave up, and how to hand it to them again."""

import sys
from collections.abc import Sequence

from kit.errors import SoukError
from kit.events import replay, waiting
from kit.service.service import Service

_USAGE = """usage: python -m {service} dead-letters [replay [TOPIC]]

Lists what the service's groups could not handle. `replay` puts it back onto the topics it came from, all of it or one topic's: every group
hears it again, and has an effect only where it had none.
"""


async def dead_letters(service: Service, words: Sequence[str]) -> int:
    """0: done; 1: Kafka is away; 2: told nonsense."""
    bootstrap = service.settings.kafka_bootstrap
    topics = [name for name in service.topics() if ".dlq." in name]
    try:
        match words:
            case []:
                for topic in topics:
                    letters = await waiting(bootstrap, topic)
                    print(f"{topic}: {len(letters)}")
                    for letter in letters:
                        print(
                            f"  {letter.time} {letter.record} {letter.type} {letter.key} after {letter.tries} tries"
                        )
                        print(f"    {letter.error}: {letter.message}")
            case ["replay"]:
                for topic in topics:
                    print(f"{topic}: {await replay(bootstrap, topic)} replayed")
            case ["replay", topic] if topic in topics:
                print(f"{topic}: {await replay(bootstrap, topic)} replayed")
            case _:
                print(_USAGE.format(service=service.name), file=sys.stderr)
                print("topics: " + (", ".join(topics) or "none, it listens to nothing"), file=sys.stderr)
                return 2
    except SoukError as error:
        print(f"dead-letters: {error.message}", file=sys.stderr)
        return 1
    return 0
