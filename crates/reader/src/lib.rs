//! Anomaly maps, ground-truth masks and dataset layouts.
