"""What a run can do: a search, the recursion, a ladder, a study; and the frame they share."""
