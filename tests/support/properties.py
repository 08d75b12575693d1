"""Settings of the tests that make their own examples."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""How fast a machine is says nothing about the code."""
