//! What a live reply held that the API description of this crate's version does not know.

use crate::{ClientBuilder, call::Operation, error::quoted, response::Reply};
use serde::de::DeserializeOwned;
use serde_ignored::Path;
use std::{cell::RefCell, fmt, sync::Arc};
use tracing::{Level, enabled, warn};

/// Findings of one kind in a report, at the most: enough to see what changed, and short whatever a server sends.
const MAX_FINDINGS: usize = 32;

/// What a reply held that the description does not know.
///
/// ```
/// use traxes_connect::{Client, DriftReport};
///
/// fn count(report: &DriftReport) {
///     let findings = report.unknown_fields.len() + report.unknown_values.len();
///     println!("{findings} findings, first field: {:?}", report.unknown_fields.first());
/// }
///
/// let client = Client::builder().token("an-access-token").on_drift(count).build()?;
/// # Ok::<(), traxes_connect::Error>(())
/// ```
///
/// It holds names of fields and values of enums, escaped and cut at 64 characters, and no other text of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriftReport {
    /// The operation, such as `create_collective_onboarding`.
    pub operation: &'static str,
    /// A 2xx status that is not documented.
    pub undocumented_status: Option<u16>,
    /// Where the unknown fields are, such as `data.collective.tenantId` or `errors[].hint`. Each once.
    pub unknown_fields: Vec<String>,
    /// The unknown values of enums. Each once.
    pub unknown_values: Vec<UnknownValue>,
    /// Whether there was more than the 32 of a kind that a report holds.
    pub cut: bool,
}

/// A value that an enum of the description does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownValue {
    /// The name of the enum, such as `OnboardingStatus`.
    pub of: &'static str,
    /// The value.
    pub value: String,
}

impl DriftReport {
    fn is_empty(&self) -> bool {
        self.undocumented_status.is_none() && self.unknown_fields.is_empty() && self.unknown_values.is_empty()
    }
}

/// One line, for people.
impl fmt::Display for DriftReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the reply has", self.operation)?;
        let mut separator = " ";
        if let Some(status) = self.undocumented_status {
            write!(f, "{separator}status {status}")?;
            separator = ", ";
        }
        for field in &self.unknown_fields {
            write!(f, "{separator}field {field}")?;
            separator = ", ";
        }
        for UnknownValue { of, value } in &self.unknown_values {
            write!(f, "{separator}{of} \"{value}\"")?;
            separator = ", ";
        }
        f.write_str(if self.cut { " and more, unknown to this version" } else { ", unknown to this version" })
    }
}

impl ClientBuilder {
    /// Calls back with each reply that holds what the API description does not know: unknown fields, unknown values of enums,
    /// an undocumented 2xx. The reply is returned all the same. The same report goes to the log as a warning.
    ///
    /// ```
    /// use traxes_connect::Client;
    ///
    /// let client = Client::builder().token("an-access-token").on_drift(|report| eprintln!("{report}")).build()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// It costs one more parse of each successful reply, and nothing where there is neither a callback nor a log that takes
    /// warnings. The callback runs within the call, after the request was applied: keep it short, and let it not panic.
    pub fn on_drift(mut self, callback: impl Fn(&DriftReport) + Send + Sync + 'static) -> Self {
        self.on_drift = Some(Arc::new(callback));
        self
    }
}

pub(crate) type OnDrift = Arc<dyn Fn(&DriftReport) + Send + Sync>;

thread_local! {
    /// Where enums leave the values that they do not know while a reply is observed on this thread.
    static VALUES: RefCell<Option<Findings<UnknownValue>>> = const { RefCell::new(None) };
}

/// Parses a reply once more for what its type does not know, if anyone listens.
pub(crate) fn observe<T: DeserializeOwned>(operation: &Operation, reply: &Reply, callback: Option<&OnDrift>) {
    if callback.is_none() && !enabled!(Level::WARN) {
        return;
    }
    let report = report::<T>(operation, reply);
    if report.is_empty() {
        return;
    }
    if let Some(callback) = callback {
        callback(&report);
    }
    warn!("drift: {report}");
}

fn report<T: DeserializeOwned>(operation: &Operation, reply: &Reply) -> DriftReport {
    let mut fields = Findings::default();
    VALUES.set(Some(Findings::default()));
    let mut json = serde_json::Deserializer::from_slice(&reply.body);
    // That it decodes is known by now.
    let _ = serde_ignored::deserialize::<_, _, T>(&mut json, |path| fields.add(|| place(&path)));
    let values = VALUES.take().unwrap_or_default();
    let status = reply.status.as_u16();
    DriftReport {
        operation: operation.name,
        undocumented_status: (!operation.success.iter().any(|documented| documented.contains(&status)))
            .then_some(status),
        unknown_fields: fields.found,
        unknown_values: values.found,
        cut: fields.cut || values.cut,
    }
}

/// Called by every open enum that decodes to `Unknown`.
pub(crate) fn unknown_value(of: &'static str, value: &str) {
    VALUES.with_borrow_mut(|values| {
        if let Some(values) = values {
            values.add(|| UnknownValue { of, value: quoted(value) });
        }
    });
}

/// Different findings, as many as a report holds.
struct Findings<F> {
    found: Vec<F>,
    cut: bool,
}

impl<F> Default for Findings<F> {
    fn default() -> Self {
        Self { found: Vec::new(), cut: false }
    }
}

impl<F: PartialEq> Findings<F> {
    fn add(&mut self, finding: impl FnOnce() -> F) {
        if self.cut {
            return;
        }
        let finding = finding();
        if !self.found.contains(&finding) {
            self.cut = self.found.len() == MAX_FINDINGS;
            if !self.cut {
                self.found.push(finding);
            }
        }
    }
}

/// A path with `[]` for any index.
fn place(path: &Path) -> String {
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, .. } => place(parent) + "[]",
        Path::Map { parent, key } => match place(parent) {
            parent if parent.is_empty() => quoted(key),
            parent => parent + "." + &quoted(key),
        },
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => place(parent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};
    use std::{
        io,
        sync::atomic::{AtomicUsize, Ordering::Relaxed},
    };

    static PARSES: AtomicUsize = AtomicUsize::new(0);

    struct Counted;

    impl<'de> serde::Deserialize<'de> for Counted {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            PARSES.fetch_add(1, Relaxed);
            serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
        }
    }

    #[test]
    fn a_reply_is_parsed_again_only_if_someone_listens() {
        // With one dispatcher alone, tracing keeps for all threads what the thread says that comes first.
        let _other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        let operation = Operation { name: "test", method: "POST", path: "/", success: &[201..=201] };
        let reply = Reply { status: StatusCode::CREATED, headers: HeaderMap::new(), body: "{}".into() };
        let parses = |callback: Option<&OnDrift>| {
            let before = PARSES.load(Relaxed);
            observe::<Counted>(&operation, &reply, callback);
            PARSES.load(Relaxed) - before
        };
        let listens_to = |level| tracing_subscriber::fmt().with_max_level(level).with_writer(io::sink).finish();
        assert_eq!(parses(None), 0);
        tracing::subscriber::with_default(listens_to(Level::ERROR), || assert_eq!(parses(None), 0));
        tracing::subscriber::with_default(listens_to(Level::WARN), || assert_eq!(parses(None), 1));
        let callback: OnDrift = Arc::new(|_| ());
        assert_eq!(parses(Some(&callback)), 1);
    }
}
