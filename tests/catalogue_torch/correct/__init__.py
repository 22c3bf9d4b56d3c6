"""Right networks, one file per coding style; also the bases of the broken ones."""
