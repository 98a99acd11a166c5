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


def load_items(path):
    """Read the items from a JSON file."""
    if not os.path.exists(path):
        return []
    with open(path


def save_items(path, items):
    """Write the items to a JSON file."""
    rows = [vars(item) for item in items]
    with open(path, "w") as f:
        json.


def total_value(items):
    """Return the value of everything on the shelf."""
    total = 0
    for item in items:
        total +=
    return total


def find_item(items, name):
    """Return the item with the given name, or None if there is no such item."""
    for item in items:
        if item.name == name:
            return item
    return None
