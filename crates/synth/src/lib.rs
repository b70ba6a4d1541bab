//! Deterministic synthetic anomaly-detection datasets.
