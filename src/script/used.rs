//! What a call has used of what it may use.

/// What one call has used; failed or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    pub operations: u64,
    /// The most that it held. Looked at where the clock is read anyway (each 16th operation in the pure tier, each 64th
    /// in the other, and before natives that work much) and when it ends: what lives shorter than that is not seen.
    pub bytes: u64,
    /// HTTP requests.
    pub requests: usize,
    /// Bytes of their answers together.
    pub response_bytes: usize,
}
