import pytest

from rdl.time_left import TimeLeft, format_duration


def test_remaining_seconds_follow_the_rate_so_far(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    unknown, assumed = TimeLeft(), TimeLeft(rate=1.0)
    assert (unknown.rate, unknown.seconds(100), assumed.seconds(100)) == (None, None, 100)
    now[0] = 20.0
    for time_left in (unknown, assumed):
        time_left.advance(10)
        assert (time_left.rate, time_left.seconds(90)) == (0.5, 180)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (89.4, "89 s"), (90, "2 min"), (600, "10 min"), (5400, "1.5 h"), (86_400, "24.0 h")],
)
def test_durations_have_one_unit(seconds, text):
    assert format_duration(seconds) == text
