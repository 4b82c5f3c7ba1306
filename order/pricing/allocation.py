"""Splitting an amount into whole parts that add up to it."""

from collections.abc import Sequence


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Splits `amount` in proportion to `weights` by the largest remainder; of equal remainders, the lower position gets the unit.

    The parts add up to `amount`. A weight of 0 gets 0, and no part exceeds its weight while `amount` is at most the sum of the weights.
    The weights must not be negative; their sum may only be 0 when `amount` is.
    """
    whole = sum(weights)
    if not whole:
        if amount:
            raise ValueError("an amount needs a weight above 0")
        return [0] * len(weights)
    parts, remainders = map(list, zip(*[divmod(amount * weight, whole) for weight in weights], strict=True))
    by_remainder = sorted(range(len(weights)), key=lambda position: -remainders[position])
    for position in by_remainder[: amount - sum(parts)]:
        parts[position] += 1
    return parts
