//! Counts of anomaly scores on threshold axes, mergeable across machines.
