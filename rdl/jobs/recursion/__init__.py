"""The parts of a recursion: leaf runs, the label pool, the budget and the summary."""
