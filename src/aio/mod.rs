//! The AIO engine.
