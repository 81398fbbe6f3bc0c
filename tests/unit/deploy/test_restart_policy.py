"""How long a crashed process waits."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.restart_policy import RestartPolicy

POLICY = RestartPolicy(first=0.5, ceiling=10.0, healthy_after=30.0)


def test_delays_double_up_to_the_ceiling() -> None:
    assert [POLICY.delay(n) for n in range(1, 7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]


@given(st.integers(min_value=1, max_value=10**9))
def test_no_delay_is_above_the_ceiling(crashes: int) -> None:
    assert 0.5 <= POLICY.delay(crashes) <= 10.0


def test_a_process_that_lived_long_enough_starts_over() -> None:
    assert POLICY.crashes_in_a_row(7, lived=29.9) == 8
    assert POLICY.crashes_in_a_row(7, lived=30.0) == 1
