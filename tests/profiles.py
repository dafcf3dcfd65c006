"""How many examples hypothesis draws: a quarter of what a test names in ``quick``, as many in ``usual``, three times as many
in ``thorough``.

No deadline in any: a busy machine is not a failure. Both draw the same examples at every run, so that a test that fails
does so for what was changed.
"""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, settings

USUAL: Final = 100
PROFILES: Final = {"quick": USUAL // 4, "usual": USUAL, "thorough": USUAL * 3}
LEAST: Final = 4
UNHURRIED: Final = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


def register() -> None:
    """Make the profiles known; ``quick`` holds until ``--hypothesis-profile`` says otherwise."""
    for name, most in PROFILES.items():
        settings.register_profile(
            name,
            max_examples=most,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=UNHURRIED,
        )
    settings.load_profile("quick")


def examples(usual: int) -> settings:
    """So many examples, as the profile in force scales them. For tests that are dearer, or cheaper, than most."""
    chosen = settings.get_current_profile_name()
    return settings(max_examples=max(LEAST, usual * PROFILES[chosen] // USUAL))
