"""Jobs of a run: a search, the recursion, a ladder or a study; and the code that they share."""
