"""What several tests of the capacity model ask about."""

from __future__ import annotations

import pytest

from helpers.capacity import Capacity
from tests.capacity import synthetic


@pytest.fixture(scope="session")
def capacity() -> Capacity:
    """Of the synthetic machine, as three rounds of the small design find it."""
    return synthetic.capacity()
