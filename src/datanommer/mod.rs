//! datanommer
