"""Facts that scripts write."""
