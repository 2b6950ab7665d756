//! What came of a call.

use serde_json::Value;

pub enum Called {
    /// The client has no way to say this: its types are closed to it.
    NotSendable(String),
    Failed(String),
    Decoded {
        value: Value,
        /// A value arrived that the client has no name for.
        unknown: bool,
    },
}

impl Called {
    pub fn decoded<T: serde::Serialize + std::fmt::Debug>(value: &T) -> Self {
        let unknown = format!("{value:?}").contains("Unknown(\"");
        Self::Decoded { value: serde_json::to_value(value).expect("what was JSON is JSON"), unknown }
    }
}
