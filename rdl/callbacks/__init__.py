"""Callbacks that follow a run: the terminal, TensorBoard, the session log and the pictures of a ladder."""
