"""What waiting costs: synchronous truncation selection against an asynchronous variant, simulated.

    python benchmarks/asynchronous.py [--members 56] [--workers 8] [--generations 20] [--seeds 20]

Nothing is trained: a member's generation takes a made-up time. Its mean is 1; it differs between members by
their batch size (small batches are slow) and between generations by noise. A worker takes one member at a time.

synchronous    exploit waits until all members of a generation are done (what rdl does).
asynchronous   a member that is done is compared with the latest scores of all others, takes over from one of the
               best if it is among the worst, and goes on at once (Jaderberg et al., arXiv 1711.09846, section 3).

Utilisation is the share of all workers' time that is spent on members, until the last member of the last
generation is done. Lag is how many generations a member's donor is behind it or ahead of it.
"""

import argparse
import heapq

import numpy as np

from rdl.seeds import generator


def durations(members: int, generations: int, spread: float, seed: int) -> np.ndarray:
    """[members, generations]: lognormal, mean 1; `spread` is the standard deviation of the logarithm.

    Half of the variance belongs to the member, half to the generation.
    """
    random = generator(seed, "durations")
    share = spread / np.sqrt(2)
    log = share * random.normal(size=(members, 1)) + share * random.normal(size=(members, generations))
    return np.exp(log - spread**2 / 2)


def list_schedule(times: np.ndarray, workers: int) -> float:
    """When the last of these jobs ends, each given to the first idle worker in their order."""
    free = [0.0] * workers
    for time in times:
        heapq.heappush(free, heapq.heappop(free) + time)
    return max(free)


def synchronous(times: np.ndarray, workers: int) -> float:
    """Utilisation with a barrier after every generation."""
    spent = sum(list_schedule(generation, workers) for generation in times.T)
    return float(times.sum() / (workers * spent))


def asynchronous(times: np.ndarray, workers: int, fraction: float, seed: int) -> tuple[float, float]:
    """Utilisation without a barrier, and the mean absolute lag of those that are taken over."""
    members, generations = times.shape
    random = generator(seed, "asynchronous")
    done = np.zeros(members, int)
    scores = np.full(members, -np.inf)
    waiting = list(range(members))  # first come, first served
    running: list[tuple[float, int]] = []
    now, lags = 0.0, []
    while waiting or running:
        while waiting and len(running) < workers:
            member = waiting.pop(0)
            heapq.heappush(running, (now + times[member, done[member]], member))
        now, member = heapq.heappop(running)
        done[member] += 1
        # A score that grows with training, as scores do, so that comparing across generations is biased.
        scores[member] = np.log1p(done[member]) + random.normal()
        order = np.argsort(-scores)
        number = max(1, int(np.ceil(fraction * members)))
        if member in order[-number:] and np.isfinite(scores).all():
            lags.append(abs(int(done[random.choice(order[:number])]) - int(done[member])))
        if done[member] < generations:
            waiting.append(member)
    return float(times.sum() / (workers * now)), float(np.mean(lags)) if lags else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=56)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--spread", type=float, nargs="+", default=[0.1, 0.5, 1.0])
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    print(f"{args.members} members, {args.generations} generations, mean of {args.seeds} seeds; simulated")
    print(f"{'workers':>8}{'spread':>8}{'synchronous':>13}{'asynchronous':>14}{'lag':>6}")
    for workers in args.workers:
        for spread in args.spread:
            rows = []
            for seed in range(args.seeds):
                times = durations(args.members, args.generations, spread, seed)
                rows.append((synchronous(times, workers), *asynchronous(times, workers, 0.2, seed)))
            sync, free, lag = np.mean(rows, axis=0)
            print(f"{workers:>8}{spread:>8}{sync:>13.2f}{free:>14.2f}{lag:>6.1f}")


if __name__ == "__main__":
    main()
