//! What a document may be at most.

/// Room for the largest public descriptions, with some to spare. Anything larger is a mistake or an attack.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// The depth that serde_json reads. No description written by people comes close.
pub const MAX_DEPTH: usize = 128;
/// Values after alias expansion: roughly the most that MAX_BYTES of honest YAML can contain.
pub const MAX_NODES: usize = 3_000_000;
