//! What tracing sees of a call: its span, and in that a span for each attempt.

use crate::address::bare_host;
use crate::error::Error;
use crate::operation::Operation;
use reqwest::Url;
use tracing::{Span, field::Empty, info_span};

/// The span of a call, which has its outcome.
pub(crate) fn call_span<T>(operation: &Operation<T>) -> Span {
    info_span!(
        "traxes_connect.call",
        otel.name = operation.name,
        otel.kind = "internal",
        otel.status_code = Empty,
        attempts = Empty,
        "error.type" = Empty,
        outcome = Empty,
    )
}

/// The span of an attempt, as OpenTelemetry describes that of an HTTP client:
/// <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span>.
pub(crate) fn attempt_span<T>(operation: &Operation<T>, base_url: &Url, attempt: u32) -> Span {
    info_span!(
        "traxes_connect.attempt",
        otel.name = format_args!("{} {}", operation.method, operation.path),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = operation.method,
        // Only on a resend.
        http.request.resend_count = (attempt > 1).then(|| attempt - 1),
        http.response.status_code = Empty,
        server.address = bare_host(base_url),
        server.port = base_url.port_or_known_default(),
        url.full = Empty,
        url.template = operation.path,
        "error.type" = Empty,
    )
}

/// Marks a span as failed.
pub(crate) fn record_failure(span: &Span, error_type: &str) {
    span.record("otel.status_code", "ERROR").record("error.type", error_type);
}

/// OpenTelemetry's `error.type`: the status if that is the failure, otherwise the kind of failure.
pub(crate) fn error_type(error: &Error) -> String {
    match error.status() {
        Some(status) if !status.is_success() => status.as_u16().to_string(),
        _ => error.kind().to_string(),
    }
}
