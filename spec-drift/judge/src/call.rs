//! The result of a call.

use serde_json::Value;

pub enum Called {
    /// The client's types cannot express this.
    NotSendable(String),
    Failed(String),
    Decoded {
        value: Value,
        /// The response has a value that the client does not know.
        unknown: bool,
    },
}

impl Called {
    pub fn decoded<T: serde::Serialize + std::fmt::Debug>(value: &T) -> Self {
        let unknown = format!("{value:?}").contains("Unknown(\"");
        Self::Decoded { value: serde_json::to_value(value).expect("what was JSON is JSON"), unknown }
    }
}
