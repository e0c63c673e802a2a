"""How sentences say days, figures and lists."""

from collections.abc import Sequence
from datetime import date


def day(moment: date) -> str:
    """`31 Jul 2013`, as sentences say a day."""
    return f"{moment:%-d %b %Y}"


def amount(value: float, unit: str) -> str:
    return f"{figure(value)} {unit}" if unit else figure(value)


def figure(value: float) -> str:
    """Three digits are what an interval can carry, and whole numbers stay whole; a minus sign as people write it."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "−")


def interval(lower: float, upper: float, unit: str) -> str:
    return f"90 % interval {figure(lower)} to {amount(upper, unit)}"


def better_or_worse(difference: float) -> str:
    return "better" if difference >= 0 else "worse"


def listed(names: Sequence[str], most: int = 5) -> str:
    """`a, b and c`; of a long list the first ones."""
    shown, more = list(names[:most]), len(names) - most
    if more > 0:
        shown.append(f"{more} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
