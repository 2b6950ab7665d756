//! Headers that the user adds to each attempt: any but those that the client sets itself.

use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName};
use std::sync::Arc;
use tracing::warn;

/// Called for each attempt, to fill an empty map.
pub(crate) type OnAttempt = Arc<dyn Fn(&mut HeaderMap) + Send + Sync>;

/// What the HTTP client sets after this, or leaves out on purpose. All but the user agent say where a message ends, or how it is
/// encoded.
const SET_LATER: [HeaderName; 13] = [
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    USER_AGENT,
];

/// Adds to a request's headers what `on_attempt` asks for.
pub(crate) fn add(headers: &mut HeaderMap, on_attempt: &OnAttempt) {
    let mut added = HeaderMap::new();
    on_attempt(&mut added);
    for name in added.keys() {
        if headers.contains_key(name) || SET_LATER.contains(name) {
            warn!("{name} from on_attempt is not sent: the client sets it itself");
            continue;
        }
        for value in added.get_all(name) {
            headers.append(name, value.clone());
        }
    }
}
