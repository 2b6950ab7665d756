//! What a live response contains that this crate version's API description does not know.

use crate::decode::Decoded;
use crate::operation::Operation;
use crate::raw_response::RawResponse;
use crate::screen::Screen;
use serde::de::DeserializeOwned;
use serde_ignored::Path;
use std::panic::{self, AssertUnwindSafe};
use std::{cell::RefCell, fmt, sync::Arc};
use tracing::{Level, enabled, error, warn};

/// The maximum number of findings of one kind in a report: enough to see what changed, and short whatever a server sends.
const MAX_FINDINGS: usize = 32;

/// What a response contains that the API description does not know.
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
/// It contains field names and enum values, escaped and cut at 64 characters, and no other text from the response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriftReport {
    /// The operation, such as `create_collective_onboarding`.
    pub operation: &'static str,
    /// A 2xx status that is not documented.
    pub undocumented_status: Option<u16>,
    /// The paths of unknown fields, such as `data.collective.tenantId` or `errors[].hint`. Each once.
    pub unknown_fields: Vec<String>,
    /// The unknown enum values. Each once.
    pub unknown_values: Vec<UnknownValue>,
    /// The fields that could not be read, such as `created`: see [`Response::unreadable_fields`](crate::Response). Each once.
    pub unreadable_fields: Vec<String>,
    /// Whether some findings are missing: a report has at most 32 of each kind.
    pub cut: bool,
}

/// A value that an enum in the description does not have.
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
        self.undocumented_status.is_none()
            && self.unknown_fields.is_empty()
            && self.unknown_values.is_empty()
            && self.unreadable_fields.is_empty()
    }
}

/// One line, for people.
impl fmt::Display for DriftReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.undocumented_status.iter().map(|status| format!("status {status}"));
        let fields = self.unknown_fields.iter().map(|field| format!("field {field}"));
        let values = self.unknown_values.iter().map(|UnknownValue { of, value }| format!("{of} \"{value}\""));
        let unknown: Vec<_> = status.chain(fields).chain(values).collect();
        let unreadable = self.unreadable_fields.join(", ");
        let parts = [
            (!unknown.is_empty()).then(|| format!("{}, unknown to this version", unknown.join(", "))),
            (!unreadable.is_empty()).then(|| format!("unreadable fields: {unreadable}")),
            self.cut.then(|| "and more".to_owned()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        write!(f, "{}: the response has {}", self.operation, parts.join("; "))
    }
}

pub(crate) type OnDrift = Arc<dyn Fn(&DriftReport) + Send + Sync>;

thread_local! {
    /// Where enums leave the values they do not know while a response is observed on this thread.
    static VALUES: RefCell<Option<UnknownValues>> = const { RefCell::new(None) };
}

struct UnknownValues {
    findings: Findings<UnknownValue>,
    screen: Screen,
}

/// Parses a response again for what its type does not know, if anyone listens.
pub(crate) fn observe<T: DeserializeOwned>(
    operation: &Operation<T>,
    raw: &RawResponse,
    decoded: &Decoded<T>,
    screen: &Screen,
    callback: Option<&OnDrift>,
) {
    if callback.is_none() && !enabled!(Level::WARN) {
        return;
    }
    let mut report = report(operation, raw, decoded, screen);
    if !report.is_empty() {
        warn!("drift: {report}");
    }
    // These are already logged, with or without this feature.
    report.unreadable_fields = decoded.unreadable_fields.iter().take(MAX_FINDINGS).cloned().collect();
    report.cut |= decoded.unreadable_fields.len() > MAX_FINDINGS;
    if let Some(callback) = callback.filter(|_| !report.is_empty()) {
        // The request was applied: its response is worth more than a report.
        if panic::catch_unwind(AssertUnwindSafe(|| callback(&report))).is_err() {
            error!("the on_drift callback panicked");
        }
    }
}

fn report<T: DeserializeOwned>(
    operation: &Operation<T>,
    raw: &RawResponse,
    decoded: &Decoded<T>,
    screen: &Screen,
) -> DriftReport {
    let mut fields = Findings::default();
    VALUES.set(Some(UnknownValues { findings: Findings::default(), screen: screen.clone() }));
    let mut found = |path: Path| fields.add(|| place(&path, screen));
    // It is known to decode by now.
    match &decoded.readable {
        Some(document) => drop(serde_ignored::deserialize::<_, _, T>(document, &mut found)),
        None => {
            let mut json = serde_json::Deserializer::from_slice(raw.json());
            drop(serde_ignored::deserialize::<_, _, T>(&mut json, &mut found));
        }
    }
    let values = VALUES.take().map(|values| values.findings).unwrap_or_default();
    DriftReport {
        operation: operation.name,
        undocumented_status: (!operation.documents(raw.status)).then_some(raw.status.as_u16()),
        unknown_fields: fields.found,
        unknown_values: values.found,
        unreadable_fields: Vec::new(),
        cut: fields.cut || values.cut,
    }
}

/// Called by every open enum that decodes to `Unknown`.
pub(crate) fn unknown_value(of: &'static str, value: &str) {
    VALUES.with_borrow_mut(|values| {
        if let Some(UnknownValues { findings, screen }) = values {
            findings.add(|| UnknownValue { of, value: screen.quoted(value) });
        }
    });
}

/// Distinct findings, as many as a report holds.
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
fn place(path: &Path, screen: &Screen) -> String {
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, .. } => place(parent, screen) + "[]",
        Path::Map { parent, key } => match place(parent, screen) {
            parent if parent.is_empty() => screen.quoted(key),
            parent => parent + "." + &screen.quoted(key),
        },
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            place(parent, screen)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;
    use std::{
        io,
        marker::PhantomData,
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
    fn a_response_is_parsed_again_only_if_someone_listens() {
        // With a single dispatcher, tracing keeps the first thread's answer for all threads.
        let _other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        let operation = Operation {
            name: "test",
            method: "POST",
            path: "/",
            success: &[201..=201],
            is_safe: false,
            response: PhantomData,
        };
        let decoded = Decoded { value: Counted, unreadable_fields: Vec::new(), readable: None };
        let raw = RawResponse { status: StatusCode::CREATED, headers: Default::default(), body: "{}".into() };
        let screen = Screen::new(crate::AccessToken::new("t").unwrap());
        let parses = |callback: Option<&OnDrift>| {
            let before = PARSES.load(Relaxed);
            observe(&operation, &raw, &decoded, &screen, callback);
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
