"""Networks with a known verdict: broken ones, and unusual ones that are right all the same."""
