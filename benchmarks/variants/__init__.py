"""One module a library: `run(spec, probe)` trains the workload with it."""
