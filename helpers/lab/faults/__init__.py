"""What goes wrong with a Supabase, one by one, on a lab behind a network.

    async with Scene() as scene:
        async with ResilientClient(scene.target) as client:
            ...
            async with FAULTS["server restart"].strike(scene, seconds=1.0):
                ...

A fault is there while its block runs, and mended at its end: what the application sees of it afterwards is its own.
Faults of the application itself, such as a full disk, need `scene.application`.
"""

from __future__ import annotations

from helpers.lab.faults.application import Application
from helpers.lab.faults.catalogue import FAULTS, Fault
from helpers.lab.faults.scene import Scene

__all__ = ["FAULTS", "Application", "Fault", "Scene"]
