"""Simulates the cost of waiting: synchronous truncation selection against an asynchronous variant.

    python benchmarks/asynchronous.py [--members 56] [--workers 8] [--generations 20] [--seeds 20]

Nothing is trained: the time of a member's generation is random with mean 1. It varies between members, as small
batches are slow, and between generations. A worker trains one member at a time.

synchronous    exploit waits until all members of a generation are done, as in rdl.
asynchronous   a finished member is compared with the latest scores of all others, copies one of the best if it is
               among the worst, and continues at once (Jaderberg et al., arXiv 1711.09846, section 3).

Utilisation is the share of all workers' time that is spent on members, until the last member finishes its last
generation. Lag is the difference in generations between a member and the one that it copies.
"""

import argparse
import heapq

import numpy as np

from rdl.seeds import generator


def durations(members: int, generations: int, spread: float, seed: int) -> np.ndarray:
    """Draws lognormal times with mean 1, [members, generations]; `spread` is the standard deviation of the logarithm.

    Half of the variance is between members, half between generations.
    """
    random = generator(seed, "durations")
    share = spread / np.sqrt(2)
    log = share * random.normal(size=(members, 1)) + share * random.normal(size=(members, generations))
    return np.exp(log - spread**2 / 2)


def list_schedule(times: np.ndarray, workers: int) -> float:
    """The time at which the last job ends, if each job in turn goes to the first idle worker."""
    free = [0.0] * workers
    for time in times:
        heapq.heappush(free, heapq.heappop(free) + time)
    return max(free)


def synchronous(times: np.ndarray, workers: int) -> float:
    """Utilisation if exploit waits for every generation."""
    spent = sum(list_schedule(generation, workers) for generation in times.T)
    return float(times.sum() / (workers * spent))


def asynchronous(times: np.ndarray, workers: int, fraction: float, seed: int) -> tuple[float, float]:
    """Utilisation if no member waits, and the mean absolute lag."""
    members, generations = times.shape
    random = generator(seed, "asynchronous")
    done = np.zeros(members, int)
    scores = np.full(members, -np.inf)
    waiting = list(range(members))  # first in, first out
    running: list[tuple[float, int]] = []
    now, lags = 0.0, []
    while waiting or running:
        while waiting and len(running) < workers:
            member = waiting.pop(0)
            heapq.heappush(running, (now + times[member, done[member]], member))
        now, member = heapq.heappop(running)
        done[member] += 1
        # Scores grow with training, so that comparisons across generations are biased.
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
