"""Events of a run, and who listens: the terminal, TensorBoard, the session's log, pictures."""
