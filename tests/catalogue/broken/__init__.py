"""Networks with one mistake each."""
