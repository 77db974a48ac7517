from ingest.http.rates import A_SECOND, BURST, Rates


def test_a_burst_passes_and_then_so_many_a_second() -> None:
    now = [0.0]
    rates = Rates(lambda: now[0])
    assert all(rates.allows("d") for _ in range(BURST))
    assert not rates.allows("d")
    assert rates.allows("e")
    now[0] += 2.0
    assert [rates.allows("d") for _ in range(int(2 * A_SECOND) + 1)] == [True] * 10 + [False]
    now[0] += 10_000.0
    assert sum(rates.allows("d") for _ in range(BURST + 5)) == BURST


def test_who_asks_on_while_it_must_wait_does_not_wait_longer() -> None:
    now = [0.0]
    rates = Rates(lambda: now[0])
    for _ in range(5 * BURST):
        rates.allows("d")
    now[0] += 1.0
    assert rates.allows("d")
