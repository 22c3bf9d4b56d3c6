"""Networks with a known verdict, in PyTorch."""
