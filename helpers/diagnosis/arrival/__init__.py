"""Would it arrive? Whether a subscriber would be told of a change, how it would look, and what would withhold it.

The map, from the question to the answer:

    ask         gathers the facts in one transaction that is rolled back
    catalog     what the catalogs say about table, publications, policies and role
    admission   whether the server takes the subscription
    rows        the row, given or stored, and its values as the server reads them
    log         what of it the log carries: replica identity, unchanged large values, size
    conditions  what each condition of the filter gives
    policies    what each policy gives, asked about the row under role and claims without writing it
    decision    the reasons, in the order in which the server comes to them
    payload     what the subscriber is told
    results     the answer, and how it shows itself

The behaviour is that of supabase/realtime (`apply_rls`, `is_visible_through_filters`, `subscription_check_filters`).
"""

from __future__ import annotations

from helpers.diagnosis.arrival.ask import would_arrive
from helpers.diagnosis.arrival.results import Arrival, Cause, Effect, Reason

__all__ = ["Arrival", "Cause", "Effect", "Reason", "would_arrive"]
