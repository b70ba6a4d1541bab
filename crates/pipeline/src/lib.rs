//! The stages of a pimo run joined by bounded channels.
