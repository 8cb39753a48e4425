//! What the reader of scripts finds, and what it does not.
