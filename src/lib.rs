//! Grafito.
