//! One call: its attempts, their deadline, what is repeated, and what the log says of it.

use crate::auth::{AccessToken, why_no_token};
use crate::client::{Client, bare_host};
use crate::error::{Error, ErrorKind, Outcome, quoted};
use crate::generated;
use crate::response::{Reply, Response};
use crate::retry::{outcome_of, retry_after};
use crate::transport::{End, Exchange, Record};
use progenitor_client::ResponseValue;
use reqwest::Url;
use serde::de::DeserializeOwned;
use std::time::{Duration, SystemTime};
use std::{error::Error as StdError, iter, mem, ops::RangeInclusive, sync::Arc};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{Instrument, Span, debug, field::Empty, field::display, info_span, warn};

/// What logs and errors say of an operation. `build.rs` writes one for each.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The documented statuses of success.
    #[cfg_attr(not(feature = "drift"), allow(dead_code))]
    pub(crate) success: &'static [RangeInclusive<u16>],
}

type Generated<T> = Result<ResponseValue<T>, generated::Error>;

impl Client {
    /// Calls an operation: `send` is one attempt, made with the generated client.
    pub(crate) async fn call<T: DeserializeOwned, R: Future<Output = Generated<T>>>(
        &self,
        operation: &'static Operation,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<Response<T>, Error> {
        let span = info_span!(
            "traxes_connect.call",
            otel.name = operation.name,
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = operation.method,
            url.template = operation.path,
            server.address = bare_host(&self.shared.base_url),
            server.port = self.shared.base_url.port_or_known_default(),
            http.response.status_code = Empty,
            http.request.resend_count = Empty,
            "error.type" = Empty,
            outcome = Empty,
        );
        let mut dropped = Dropped(Some(&span));
        let result = self.attempts(operation, send).instrument(span.clone()).await;
        dropped.0 = None;
        let of_error = |error: &Error| (error.status(), error.attempts());
        let (status, attempts) = result.as_ref().map_or_else(of_error, |reply| (Some(reply.status), reply.attempts));
        span.record("http.response.status_code", status.map(|status| status.as_u16()));
        span.record("http.request.resend_count", attempts.saturating_sub(1));
        result.inspect_err(|error| fail(&span, error.outcome(), &error_type(error)))
    }

    async fn attempts<T: DeserializeOwned, R: Future<Output = Generated<T>>>(
        &self,
        operation: &'static Operation,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<Response<T>, Error> {
        let started = Instant::now();
        let deadline = started + self.retry.deadline;
        let (mut attempts, mut replays, mut may_have_run) = (0, 0, false);
        let told = |what: &str, error: Error, attempts: u32, may_have_run| {
            let error = error.of_call(operation.name, attempts, started.elapsed(), may_have_run);
            warn!(
                outcome = %error.outcome(),
                "error.type" = error_type(&error),
                http.response.status_code = error.status().map(|status| status.as_u16()),
                http.request.resend_count = attempts.checked_sub(1),
                "{what} failed: {error}"
            );
            error
        };
        let mut token = self.token(deadline).await.map_err(|error| told("call", error, attempts, may_have_run))?;
        loop {
            attempts += 1;
            let error = match self.attempt(&token, deadline, &send).await {
                Ok((value, reply)) => {
                    let (status, resent) = (reply.status.as_u16(), attempts - 1);
                    debug!(http.response.status_code = status, http.request.resend_count = resent, "attempt succeeded");
                    #[cfg(feature = "drift")]
                    crate::drift::observe::<T>(operation, &reply, self.shared.on_drift.as_ref());
                    return Ok(Response { value, status: reply.status, headers: reply.headers, attempts });
                }
                Err(error) => error,
            };
            // What is repeated is decided by the attempt alone, before what an earlier one left open gets into its outcome.
            let wait = self.retry.wait(&error, attempts - replays);
            let error = told("attempt", error, attempts, may_have_run);
            may_have_run = error.outcome() == Outcome::Unknown;
            if error.status().is_some_and(|status| status == 401) {
                self.shared.credentials.rejected(&token);
                if mem::replace(&mut replays, 1) > 0 {
                    return Err(error);
                }
                token = match self.token(deadline).await {
                    Ok(other) if other != token => other,
                    Ok(_) => return Err(error),
                    Err(source) => return Err(error.with_source(source)),
                };
                continue;
            }
            let Some(wait) = wait.filter(|wait| *wait < left(deadline)) else { return Err(error) };
            sleep(wait).await;
            token = self.token(deadline).await.map_err(|error| told("call", error, attempts, may_have_run))?;
        }
    }

    async fn token(&self, deadline: Instant) -> Result<AccessToken, Error> {
        match timeout_at(deadline, self.shared.credentials.token(&self.shared.http, deadline)).await {
            Ok(Ok(_)) if left(deadline).is_zero() => {
                let message = "the deadline of the call was over before an attempt began";
                Err(Error::new(ErrorKind::Timeout, Outcome::NotSent, message))
            }
            Ok(Ok(token)) => Ok(token),
            Ok(Err(source)) => {
                Err(Error::auth(format!("no access token: {}", why_no_token(&source))).with_source(source))
            }
            Err(_) => Err(Error::auth("no access token: none came before the deadline of the call")),
        }
    }

    async fn attempt<T: DeserializeOwned, R: Future<Output = Generated<T>>>(
        &self,
        token: &AccessToken,
        deadline: Instant,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<(T, Reply), Error> {
        let shared = &self.shared;
        let exchange = Exchange { token: token.clone(), shared: Arc::clone(shared), record: Record::default() };
        let exchange = Arc::new(exchange);
        // Its base URL is not used: the operations ask the exchange for theirs.
        let api =
            generated::Client { baseurl: String::new(), client: shared.http.clone(), inner: Arc::clone(&exchange) };
        let left = left(deadline);
        let result = timeout(left.min(shared.attempt_timeout), send(api)).await;
        match (result, exchange.record.take()) {
            (Ok(Ok(value)), (Some(reply), _)) => Ok((value.into_inner(), reply)),
            (_, (Some(reply), end)) if reply.status.is_success() => {
                Err(unreadable::<T>(&reply, end).with_reply(reply, None, token))
            }
            (_, (Some(reply), _)) => {
                let wait = retry_after(&reply.headers, SystemTime::now());
                let outcome = outcome_of(reply.status, wait);
                let message = format!("the server answered {}", reply.status);
                Err(Error::new(ErrorKind::Status, outcome, message).with_reply(reply, wait, token))
            }
            (Ok(Err(generated::Error::CommunicationError(error))), _) => Err(unanswered(error, &shared.base_url)),
            // What a generated method does before it sends: an argument that makes no header or body.
            (Ok(_), _) => Err(Error::new(ErrorKind::Config, Outcome::NotSent, "the request could not be built")),
            (Err(_), _) => {
                let limit = if left < shared.attempt_timeout { "deadline of the call" } else { "attempt timeout" };
                Err(Error::new(ErrorKind::Timeout, Outcome::Unknown, format!("no reply came before the {limit}")))
            }
        }
    }
}

/// Why no reply came.
fn unanswered(error: reqwest::Error, url: &Url) -> Error {
    let cause = root_cause(&error);
    let server = format!("{}:{}", bare_host(url), url.port_or_known_default().unwrap_or_default());
    let (kind, outcome, problem) = match &error {
        e if e.is_connect() => (ErrorKind::Connect, Outcome::NotSent, format!("no connection to {server}: {cause}")),
        e if e.is_builder() => {
            (ErrorKind::Config, Outcome::NotSent, format!("the request could not be built: {cause}"))
        }
        e if e.is_timeout() => (ErrorKind::Timeout, Outcome::Unknown, "no reply came in time".to_owned()),
        _ => (ErrorKind::Transport, Outcome::Unknown, format!("the connection broke before a reply came: {cause}")),
    };
    Error::new(kind, outcome, problem).with_source(error)
}

/// Why a 2xx is none: its body stalled, was cut or too large, or is not what the description says.
fn unreadable<T: DeserializeOwned>(reply: &Reply, end: End) -> Error {
    let (status, bytes) = (reply.status, reply.body.len());
    let error = |kind, problem: &str| {
        let message = format!("the server answered {status}, and its body {problem} (after {bytes} bytes)");
        Error::new(kind, Outcome::Applied, message)
    };
    match end {
        End::Open => error(ErrorKind::Timeout, "stalled"),
        End::Cut(source) if source.is_timeout() => error(ErrorKind::Timeout, "stalled").with_source(source),
        End::Cut(source) => error(ErrorKind::Decode, &format!("was cut: {}", root_cause(&source))).with_source(source),
        End::TooLarge => error(ErrorKind::Decode, "is larger than the body limit"),
        End::Complete => error(ErrorKind::Decode, &undecodable::<T>(&reply.body)),
    }
}

/// Where a body differs from its description: the place, and never the value that serde's own text quotes. A path is that of
/// documented names. Where the body is no JSON at all it might be one of the server's, and is left out.
fn undecodable<T: DeserializeOwned>(body: &[u8]) -> String {
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(body)) else {
        return "has more than one JSON value".to_owned();
    };
    let (line, column) = (error.inner().line(), error.inner().column());
    if error.inner().is_data() {
        let path = quoted(&error.path().to_string());
        return format!("is not of the documented shape at {path}, line {line} column {column}");
    }
    format!("is not JSON at line {line} column {column}")
}

/// The innermost reason of a connection's failure: the words of the operating system or of TLS.
fn root_cause(error: &reqwest::Error) -> String {
    let chain = iter::successors(Some(error as &dyn StdError), |error| (*error).source());
    quoted(&chain.last().map(ToString::to_string).unwrap_or_default())
}

/// `error.type` of OpenTelemetry: the status where one came, else what kind of failure it was.
fn error_type(error: &Error) -> String {
    error.status().map_or_else(|| error.kind().to_string(), |status| status.as_u16().to_string())
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// Ends the span of a call that is dropped before it ends.
struct Dropped<'a>(Option<&'a Span>);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        if let Some(span) = self.0 {
            fail(span, Outcome::Unknown, "cancelled");
        }
    }
}

fn fail(span: &Span, outcome: Outcome, error_type: &str) {
    span.record("otel.status_code", "ERROR").record("error.type", error_type).record("outcome", display(outcome));
}

#[cfg(test)]
mod tests;
