"""A small stock list kept in a JSON file."""

import json
import os
from dataclasses import dataclass


@dataclass
class Item:
    """One kind of thing on the shelf."""

    name: str
    count: int
    price: float


def load_items(path: str) -> list[Item]:
    """Read the items from a JSON file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [Item(**row) for row in json.load(file)]


def save_items(path: str, items: list[Item]) -> None:
    """Write the items to a JSON file."""
    rows = [vars(item) for item in items]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file)


def total_value(items: list[Item]) -> float:
    """Return the value of everything on the shelf."""
    return sum(item.count * item.price for item in items)


def find_item(items: list[Item], name: str) -> Item | None:
    """Return the item with the given name, or None if there is no such item."""
    for item in items:
        if item.name == name:
            return item
    return None
