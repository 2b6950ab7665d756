//! One call: its attempts, their deadline, and what it logs.

use crate::access_token::AccessToken;
use crate::attempt::{Attempt, Generated, Success};
use crate::client::Client;
use crate::error::{Error, ErrorKind, FailedCall};
use crate::generated;
use crate::operation::{Documented, Operation};
use crate::outcome::Outcome;
use crate::request_body::Witness;
use crate::response::Response;
use crate::retry::{self, Next, Progress};
use crate::screen::Screen;
use crate::telemetry::{attempt_span, call_span, error_type, record_failure};
use http::StatusCode;
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span, debug, field::display, warn};

/// The `error.type` of a call that was dropped.
const CANCELLED: &str = "cancelled";

impl Client {
    /// Calls an operation: `send` is one attempt, made with the generated client.
    pub(crate) async fn call<T: DeserializeOwned + Documented, R: Future<Output = Generated>>(
        &self,
        operation: &Operation<T>,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<Response<T>, Error> {
        let mut call = Call::begin(self, operation);
        let span = call.span.clone();
        let result = call.run(send).instrument(span).await;
        call.end(&result);
        result
    }
}

/// A call in progress. If dropped before its end, it logs what is known about its outcome.
struct Call<'a, T> {
    client: &'a Client,
    operation: &'a Operation<T>,
    span: Span,
    started: Instant,
    deadline: Instant,
    attempts: u32,
    replayed: bool,
    last_attempt: Duration,
    /// The combined outcome of the attempts so far.
    outcome: Outcome,
    in_flight: Option<InFlight>,
    ended: bool,
}

/// The current attempt.
struct InFlight {
    witness: Arc<Witness>,
    span: Span,
}

impl<'a, T> Call<'a, T> {
    fn begin(client: &'a Client, operation: &'a Operation<T>) -> Self {
        let span = call_span(operation);
        let started = Instant::now();
        Self {
            client,
            operation,
            span,
            started,
            deadline: started + client.retry.total_timeout,
            attempts: 0,
            replayed: false,
            last_attempt: Duration::ZERO,
            outcome: Outcome::NotSent,
            in_flight: None,
            ended: false,
        }
    }

    async fn run<R: Future<Output = Generated>>(
        &mut self,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<Response<T>, Error>
    where
        T: DeserializeOwned + Documented,
    {
        let mut screen = Screen::new(self.token().await.map_err(|error| self.failed("call", error))?);
        loop {
            let error = match self.attempt(&screen, &send).await {
                Ok(success) => return Ok(self.succeeded(success)),
                Err(error) => error,
            };
            if error.status() == Some(StatusCode::UNAUTHORIZED) {
                self.client.shared.tokens.rejected(screen.token());
            }
            // Decided by this attempt alone, before an earlier unknown outcome is added to it.
            let next = self.client.retry.next(&error, &self.progress(), retry::random());
            let error = self.failed("attempt", error);
            match next {
                Next::Stop => return Err(error),
                Next::Retry(delay) => {
                    sleep(delay).await;
                    screen.continue_with(self.token().await.map_err(|error| self.failed("call", error))?);
                }
                Next::ReplayWithNewToken => {
                    self.replayed = true;
                    match self.token().await {
                        Ok(other) if other != *screen.token() => screen.continue_with(other),
                        Ok(_) => return Err(error),
                        Err(source) => return Err(error.with_source(source)),
                    }
                }
            }
            // Getting the token may have used up the time.
            if !self.progress().has_time_after(Duration::ZERO) {
                return Err(error);
            }
        }
    }

    /// A token for the next attempt. A failed connection to the token endpoint is retried like one to the API.
    async fn token(&mut self) -> Result<AccessToken, Error> {
        let shared = &self.client.shared;
        let mut requests = 0;
        loop {
            let started = Instant::now();
            let no_token = match timeout_at(self.deadline, shared.tokens.token(self.deadline)).await {
                Ok(Ok(_)) if self.progress().remaining.is_zero() => {
                    let message = "the call's deadline passed before an attempt began";
                    return Err(Error::new(ErrorKind::Timeout, Outcome::NotSent, message));
                }
                Ok(Ok(token)) => return Ok(token),
                Ok(Err(no_token)) => no_token,
                Err(_) => {
                    let origin = shared.tokens.origin();
                    let message = format!("no access token: {origin} did not answer before the call's deadline");
                    return Err(Error::auth(message));
                }
            };
            requests += 1;
            let progress =
                Progress { attempts: requests, replayed: false, last_attempt: started.elapsed(), ..self.progress() };
            let next = no_token.at_endpoint().map(|error| self.client.retry.next(error, &progress, retry::random()));
            let error = no_token.into_error();
            let Some(Next::Retry(delay)) = next else { return Err(error) };
            self.failed("token request", error);
            sleep(delay).await;
        }
    }

    async fn attempt<R: Future<Output = Generated>>(
        &mut self,
        screen: &Screen,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<Success<T>, Error>
    where
        T: DeserializeOwned + Documented,
    {
        let shared = &self.client.shared;
        let started = Instant::now();
        let timeout = started + shared.attempt_timeout;
        let (deadline, limit) = match timeout < self.deadline {
            true => (timeout, "attempt timeout"),
            false => (self.deadline, "call's deadline"),
        };
        let witness = Arc::<Witness>::default();
        self.attempts += 1;
        let span = attempt_span(self.operation, &shared.base_url, self.attempts);
        self.in_flight = Some(InFlight { witness: Arc::clone(&witness), span: span.clone() });
        let attempt = Attempt { shared, operation: self.operation, screen, deadline, limit, witness, span };
        let result = attempt.run(send).await;
        self.in_flight = None;
        self.last_attempt = started.elapsed();
        result
    }

    fn progress(&self) -> Progress {
        Progress {
            attempts: self.attempts,
            is_safe: self.operation.is_safe,
            replayed: self.replayed,
            last_attempt: self.last_attempt,
            remaining: self.deadline.saturating_duration_since(Instant::now()),
        }
    }

    fn succeeded(&self, success: Success<T>) -> Response<T>
    where
        T: DeserializeOwned,
    {
        let Success { decoded, screen, raw } = success;
        debug!(
            http.response.status_code = raw.status.as_u16(),
            http.request.resend_count = self.attempts - 1,
            "attempt succeeded"
        );
        if !decoded.unreadable_fields.is_empty() {
            let fields = decoded.unreadable_fields.join(", ");
            warn!("{}: the response has unreadable fields: {fields}", self.operation.name);
        }
        #[cfg(feature = "drift")]
        crate::drift::observe(self.operation, &raw, &decoded, &screen, self.client.shared.on_drift.as_ref());
        Response {
            value: decoded.value,
            raw,
            unreadable_fields: decoded.unreadable_fields,
            attempts: self.attempts,
            screen,
        }
    }

    /// Turns a failure into the call's error, and logs it.
    fn failed(&mut self, what: &str, error: Error) -> Error {
        let may_have_run = self.outcome == Outcome::Unknown;
        let error = error.of_call(FailedCall {
            operation: self.operation.name,
            is_safe: self.operation.is_safe,
            attempts: self.attempts,
            elapsed: self.started.elapsed(),
            may_have_run,
        });
        self.outcome = error.outcome();
        warn!(
            outcome = %error.outcome(),
            "error.type" = error_type(&error),
            http.response.status_code = error.status().map(|status| status.as_u16()),
            http.request.resend_count = self.attempts.checked_sub(1),
            "{what} failed: {error}"
        );
        error
    }

    /// Records in the span how the call ended.
    fn end(&mut self, result: &Result<Response<T>, Error>) {
        self.ended = true;
        self.span.record("attempts", self.attempts);
        if let Err(error) = result {
            record_failure(&self.span, &error_type(error));
            self.span.record("outcome", display(error.outcome()));
        }
    }
}

impl<T> Drop for Call<'_, T> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let sent = self.in_flight.as_ref().is_some_and(|attempt| attempt.witness.was_sent());
        let outcome = if sent { Outcome::Unknown } else { self.outcome };
        for span in self.in_flight.iter().map(|attempt| &attempt.span).chain([&self.span]) {
            record_failure(span, CANCELLED);
        }
        self.span.record("outcome", display(outcome));
        self.span.in_scope(|| {
            warn!(
                %outcome,
                "error.type" = CANCELLED,
                http.request.resend_count = self.attempts.checked_sub(1),
                "call dropped: {}",
                outcome.sentence(self.operation.name, self.operation.is_safe)
            );
        });
    }
}

#[cfg(test)]
mod tests;
