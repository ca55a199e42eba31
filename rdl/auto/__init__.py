"""The automatic run: inspects the images, measures the speed, plans the training for a time, and writes a gin file."""
