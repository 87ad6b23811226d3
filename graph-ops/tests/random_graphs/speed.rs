//! Large graphs through the whole pipeline.
