//! One call: its attempts, their deadline, what is repeated, and what the log says of it.

use crate::{
    auth::{AccessToken, why_no_token},
    client::{Client, Shared},
    error::{Error, ErrorKind, Outcome, quoted},
    generated,
    response::{Reply, Response},
    retry::{outcome_of, retry_after},
    transport::{End, Exchange},
};
use progenitor_client::ResponseValue;
use serde::de::DeserializeOwned;
use std::{
    error::Error as StdError,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, error::Elapsed, sleep, timeout_at};
use tracing::{Instrument, Span, debug, field::Empty, info_span, warn};

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
            server.address = self.shared.server_address,
            server.port = self.shared.server_port,
            http.response.status_code = Empty,
            http.request.resend_count = Empty,
            "error.type" = Empty,
            outcome = Empty,
        );
        let mut ending = Ending { span, recorded: false };
        let result = self.attempts(operation, send).instrument(ending.span.clone()).await;
        ending.record(&result);
        result
    }

    async fn attempts<T: DeserializeOwned, R: Future<Output = Generated<T>>>(
        &self,
        operation: &'static Operation,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<Response<T>, Error> {
        let started = Instant::now();
        let deadline = later(started, self.retry.call_deadline());
        let (mut attempts, mut replays, mut may_have_run) = (0, 0, false);
        let mut fresh = None;
        loop {
            let token = match fresh.take() {
                Some(token) => Ok(token),
                None => self.token(deadline).await,
            };
            let token = match token {
                Ok(token) => token,
                Err(error) => {
                    let error = error.of_call(operation.name, attempts, started.elapsed(), may_have_run);
                    warn!(
                        outcome = error.outcome().as_str(),
                        "error.type" = error_type(&error),
                        "call failed: {error}"
                    );
                    return Err(error);
                }
            };
            attempts += 1;
            let error = match self.attempt(&token, deadline, &send).await {
                Ok((value, reply)) => {
                    debug!(
                        http.response.status_code = reply.status.as_u16(),
                        http.request.resend_count = attempts - 1,
                        "attempt succeeded"
                    );
                    #[cfg(feature = "drift")]
                    crate::drift::observe::<T>(operation, &reply, self.shared.on_drift.as_ref());
                    return Ok(Response::new(value, reply, attempts));
                }
                Err(error) => error,
            };
            // What is repeated is decided by the attempt alone, before what an earlier one left open gets into its outcome.
            let wait = self.retry.wait(&error, attempts - replays);
            let error = error.of_call(operation.name, attempts, started.elapsed(), may_have_run);
            warn!(
                outcome = error.outcome().as_str(),
                "error.type" = error_type(&error),
                http.response.status_code = error.status().map(|status| status.as_u16()),
                http.request.resend_count = attempts - 1,
                "attempt failed: {error}"
            );
            may_have_run = error.outcome() == Outcome::Unknown;
            if error.status().is_some_and(|status| status == 401) {
                self.shared.credentials.rejected(&token);
                if replays > 0 {
                    return Err(error);
                }
                replays = 1;
                match timeout_at(deadline, self.shared.credentials.token(deadline)).await {
                    Ok(Ok(other)) if other != token => fresh = Some(other),
                    Ok(Err(source)) => return Err(error.with_source(source)),
                    _ => return Err(error),
                }
                continue;
            }
            match wait {
                Some(wait) if later(Instant::now(), wait) < deadline => sleep(wait).await,
                _ => return Err(error),
            }
        }
    }

    async fn token(&self, deadline: Instant) -> Result<AccessToken, Error> {
        let no_token = |problem: String| Error::new(ErrorKind::Auth, Outcome::NotSent, problem);
        match timeout_at(deadline, self.shared.credentials.token(deadline)).await {
            Ok(Ok(_)) if Instant::now() >= deadline => {
                let message = "the deadline of the call was over before an attempt began";
                Err(Error::new(ErrorKind::Timeout, Outcome::NotSent, message))
            }
            Ok(Ok(token)) => Ok(token),
            Ok(Err(source)) => Err(no_token(format!("no access token: {}", why_no_token(&source))).with_source(source)),
            Err(_) => Err(no_token("no access token: none came before the deadline of the call".to_owned())),
        }
    }

    async fn attempt<T: DeserializeOwned, R: Future<Output = Generated<T>>>(
        &self,
        token: &AccessToken,
        deadline: Instant,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<(T, Reply), Error> {
        let exchange = Arc::new(Exchange::new(token.clone(), Arc::clone(&self.shared)));
        let api = generated::Client {
            // Not used: the operations ask the exchange for their URL.
            baseurl: String::new(),
            client: self.shared.http.clone(),
            inner: Arc::clone(&exchange),
        };
        let until = later(Instant::now(), self.shared.attempt_timeout).min(deadline);
        let result = timeout_at(until, send(api)).await;
        let (mut reply, end) = exchange.record.take();
        if let Some(reply) = &mut reply {
            reply.hide(token);
        }
        match (result, reply) {
            (Ok(Ok(value)), Some(reply)) => Ok((value.into_inner(), reply)),
            (result, Some(reply)) if reply.status.is_success() => {
                Err(unreadable::<T>(result.is_err(), &reply, end).with_reply(reply, None, token))
            }
            (_, Some(reply)) => {
                let wait = retry_after(&reply.headers, SystemTime::now());
                let outcome = outcome_of(reply.status, wait);
                let message = format!("the server answered {}", reply.status);
                Err(Error::new(ErrorKind::Status, outcome, message).with_reply(reply, wait, token))
            }
            (result, None) => Err(self.no_reply(result.map(Result::err), until == deadline)),
        }
    }

    fn no_reply(&self, failure: Result<Option<generated::Error>, Elapsed>, last: bool) -> Error {
        let Shared { attempt_timeout, server_address, server_port, .. } = &*self.shared;
        let error = match failure {
            Ok(Some(generated::Error::CommunicationError(error))) => error,
            // What a generated method does before it sends: an argument that makes no header or body.
            Ok(_) => return Error::new(ErrorKind::Config, Outcome::NotSent, "the request could not be built"),
            Err(_) => {
                let time = match last {
                    true => "before the deadline of the call".to_owned(),
                    false => format!("within the attempt timeout of {attempt_timeout:?}"),
                };
                return Error::new(ErrorKind::Timeout, Outcome::Unknown, format!("no reply came {time}"));
            }
        };
        let cause = root_cause(&error);
        let (kind, outcome, problem) = if error.is_connect() {
            (ErrorKind::Connect, Outcome::NotSent, format!("no connection to {server_address}:{server_port}: {cause}"))
        } else if error.is_builder() {
            (ErrorKind::Config, Outcome::NotSent, format!("the request could not be built: {cause}"))
        } else if error.is_timeout() {
            (ErrorKind::Timeout, Outcome::Unknown, "no reply came in time".to_owned())
        } else {
            (ErrorKind::Transport, Outcome::Unknown, format!("the connection broke before a reply came: {cause}"))
        };
        Error::new(kind, outcome, problem).with_source(error)
    }
}

/// Why a 2xx is none: its body stalled, was cut or too large, or is not what the description says.
fn unreadable<T: DeserializeOwned>(timed_out: bool, reply: &Reply, end: End) -> Error {
    let status = reply.status;
    let (kind, problem) = match &end {
        End::Open if timed_out => (ErrorKind::Timeout, "stalled".to_owned()),
        End::Cut(error) if error.is_timeout() => (ErrorKind::Timeout, "stalled".to_owned()),
        End::Cut(error) => (ErrorKind::Decode, format!("was cut: {}", root_cause(error))),
        End::TooLarge => (ErrorKind::Decode, "is larger than the body limit".to_owned()),
        End::Open | End::Complete => (ErrorKind::Decode, undecodable::<T>(&reply.body)),
    };
    let message = format!("the server answered {status}, and its body {problem} (after {} bytes)", reply.body.len());
    let error = Error::new(kind, Outcome::Applied, message);
    match end {
        End::Cut(source) => error.with_source(source),
        _ => error,
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
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    quoted(&cause.to_string())
}

/// `error.type` of OpenTelemetry: the status where one came, else what kind of failure it was.
fn error_type(error: &Error) -> String {
    error.status().map_or_else(|| error.kind().to_string(), |status| status.as_u16().to_string())
}

/// About 30 years, as tokio itself has it, where the sum is past the end of time.
fn later(instant: Instant, by: Duration) -> Instant {
    instant.checked_add(by).unwrap_or_else(|| instant + Duration::from_secs(86_400 * 365 * 30))
}

/// Closes the span of a call, also of one that is dropped before it ends.
struct Ending {
    span: Span,
    recorded: bool,
}

impl Ending {
    fn record<T>(&mut self, result: &Result<Response<T>, Error>) {
        self.recorded = true;
        if self.span.is_disabled() {
            return;
        }
        let (status, attempts) = match result {
            Ok(response) => (Some(response.status()), response.attempts()),
            Err(error) => (error.status(), error.attempts()),
        };
        self.span.record("http.response.status_code", status.map(|status| status.as_u16()));
        self.span.record("http.request.resend_count", attempts.saturating_sub(1));
        if let Err(error) = result {
            self.fail(error.outcome(), &error_type(error));
        }
    }

    fn fail(&self, outcome: Outcome, error_type: &str) {
        self.span
            .record("otel.status_code", "ERROR")
            .record("error.type", error_type)
            .record("outcome", outcome.as_str());
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.recorded {
            self.fail(Outcome::Unknown, "cancelled");
        }
    }
}

#[cfg(test)]
mod tests;
