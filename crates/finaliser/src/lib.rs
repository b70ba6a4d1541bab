//! Curves, areas and certified intervals from counts on a threshold axis.
