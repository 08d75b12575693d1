"""What `make soak` runs: long and hostile, with fixed seeds; it fails if it finds anything."""
