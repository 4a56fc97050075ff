"""What ECR charges for storage, by Region and storage class: data with its date and source, in `prices.json`.

AWS publishes the prices on https://aws.amazon.com/ecr/pricing/. That page was not read itself: `readFrom` says who read
it, and `checked` when. A Region that is not in the data is taken to cost what us-east-1 costs, and answers say so. The
archive costs what standard storage costs up to 150 TB (153,600 GB) a month, and less only for what is beyond.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from ecr_stack.aws.names import partition_of
from ecr_stack.errors import InvalidInput, NotFound, Problem

__all__ = ["GB", "Prices", "Tier", "overridden", "prices_of"]

GB = 10**9
"""Bytes. AWS does not say whether a GB of ECR is this or 2^30 bytes; this gives the higher cost, by 7%."""

_REMEDY = "write e.g. `--price 0.10`, or `--price standard=0.10,archive=0.07`, in US dollars per GB and month"


@dataclass(frozen=True)
class Tier:
    """A price that holds up to an amount."""

    price: float
    """US dollars for a GB and a month."""
    up_to: float = math.inf
    """GB, counted from nothing."""


@dataclass(frozen=True)
class Prices:
    """The prices of storage in one Region."""

    standard: tuple[Tier, ...]
    archive: tuple[Tier, ...]
    place: str
    """Of where and when they are, in words."""
    origin: str
    """Where they come from, in words."""

    @property
    def summary(self) -> str:
        """The prices in one line."""
        classes = (
            f"{name} {_shown(tiers)}" for name, tiers in (("standard", self.standard), ("archive", self.archive))
        )
        return f"{', '.join(classes)} a GB and month ({self.place})"

    def monthly(self, standard: float, archived: float) -> float:
        """What storing so many bytes costs a month, in US dollars."""
        return _cost(self.standard, standard / GB) + _cost(self.archive, archived / GB)


def _cost(tiers: tuple[Tier, ...], amount: float) -> float:
    cost = below = 0.0
    for tier in tiers:
        cost += max(0.0, min(amount, tier.up_to) - below) * tier.price
        below = tier.up_to
    return cost


def _shown(tiers: tuple[Tier, ...]) -> str:
    first, *rest = tiers
    text = f"${first.price:.2f}" if round(first.price, 2) == first.price else f"${first.price:g}"
    return f"{text} up to {first.up_to:,.0f} GB, then {_shown(tuple(rest))}" if rest else text


def prices_of(region: str) -> Prices:
    """Look up the prices of a Region.

    Raises:
        NotFound: there is no price for it, and none to take instead.
    """
    data = json.loads(files(__package__).joinpath("prices.json").read_text(encoding="utf-8"))
    known, elsewhere = data["regions"], data["elsewhere"]
    if region not in known and partition_of(region) not in elsewhere["partitions"]:
        raise NotFound(f"no prices in US dollars are known for {region}: give them with --price")
    entry = known.get(region) or known[elsewhere["like"]]
    place = f"{region}, {entry['checked']}"
    if region not in known:
        place = f"{elsewhere['like']}, {entry['checked']}; not checked for {region}"
    origin = f"{data['source']}, as read by {entry['readFrom']}"
    return Prices(_tiers(entry["standard"]), _tiers(entry["archive"]), place, origin)


def _tiers(entries: list[dict[str, Any]]) -> tuple[Tier, ...]:
    return tuple(Tier(entry["price"], entry.get("upTo", math.inf)) for entry in entries)


def overridden(text: str, region: str) -> Prices:
    """Read prices as someone gives them: one number for both classes, or `standard=…,archive=…`.

    A class that is not given has the price of the Region.

    Raises:
        InvalidInput: it is neither.
        NotFound: a class is not given and there is no price for the Region.
    """
    entries = dict(entry.partition("=")[::2] for entry in text.split(","))
    if len(entries) == 1 and not next(iter(entries.values())):
        flat = (Tier(_price(text)),)
        return Prices(flat, flat, "as given", "--price")
    given = {name.strip(): (Tier(_price(value)),) for name, value in entries.items()}
    strange = [name for name in given if name not in ("standard", "archive")]
    if strange or len(given) != len(text.split(",")):
        rule = f"`{strange[0]}` is not a storage class" if strange else "a storage class is repeated"
        raise InvalidInput("the command line", [Problem("--price", text, rule, _REMEDY)])
    if len(given) == 2:
        return Prices(given["standard"], given["archive"], "as given", "--price")
    base = prices_of(region)
    (name,) = given
    place = f"{name} as given, else {base.place}"
    return replace(base, **given, place=place, origin=f"{name}: --price; else {base.origin}")


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not (math.isfinite(price) and price >= 0):
        raise InvalidInput(
            "the command line", [Problem("--price", text, "a price must be a number, 0 or more", _REMEDY)]
        )
    return price
