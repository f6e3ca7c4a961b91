"""One file a metric; each returns `Statistic` objects and needs nothing from the network."""
