"""Networks that are right, written in the many ways people write them."""
