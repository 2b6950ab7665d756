//! Onboards the households of a CSV file, a few at a time. It may be killed at any moment and restarted: no household is
//! created twice, and none is lost.
//!
//! The CSV has the columns `collective_id` and `name`, and may have `owner` and `properties`, in any order and case, separated
//! by commas, semicolons or tabs, in UTF-8. From Excel, save it as "CSV UTF-8". Results are written in the same form, so that
//! the same program opens them.
//!
//! A row is identified by its `collective_id`, a UUID of your choice that the collective gets too. Take the ids from your own
//! system if it has any. If not, `--assign-ids` makes them up, once: it writes `households.with-ids.csv` with the rows that
//! have none. An id must stay with its household, because changes made to a row after it was sent are not sent, and a row with a
//! new id is a new household. Next to `households.csv`, a run leaves three files:
//!
//! - `households.journal`: each step, written to disk before the next one is taken. Keep it next to its CSV: a later run relies
//!   on it alone, and under another name every household would be sent again. A response that could not be read is in it, byte
//!   for byte.
//! - `households.created.csv`: what was created, with the link to send each user to.
//! - `households.unknown.csv`: what may or may not have been created. It is never sent again. A person has to find out, and put
//!   those that were not created into a separate file.
//!
//! `cargo run --example bulk --features sandbox -- --sandbox households.csv` tries it on a sandbox.

mod assign_ids;
mod households;
mod journal;
mod report;
mod table;

use clap::Parser;
use futures_util::{StreamExt, stream};
use households::{Household, Households};
use indicatif::{ProgressBar, ProgressStyle};
use journal::{Body, Event, Journal, SANDBOX};
use std::{
    cell::{Cell, RefCell},
    env,
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    time::Duration,
};
use table::Table;
use tokio::{
    runtime::Builder,
    time::{Instant, interval_at},
};
use traxes_connect::{Client, Error, ErrorKind, OnboardingRequest, Outcome, Response, RetryPolicy, Sandbox};

/// More than a web page makes: nobody waits for one household.
const ATTEMPTS: u32 = 5;
/// Room for a server that asks to wait for minutes.
const DEADLINE: Duration = Duration::from_secs(600);
/// After this many unknown outcomes or unreadable responses in a row, the rest would only be set aside too.
const SET_ASIDE_IN_A_ROW: u32 = 5;
/// Without a terminal to draw a bar on: often enough to see that it runs, and rare enough for a log.
const PROGRESS_LINE: Duration = Duration::from_secs(5);
/// A refusal with one of these statuses is about the household. Others are about all of them: credentials, address, or load.
const ABOUT_THE_HOUSEHOLD: [u16; 4] = [400, 409, 413, 422];

const EXAMPLE: &str = "\
Example, from a list of names to created households:
  bulk --assign-ids households.csv
  bulk households.with-ids.csv

In a clone, replace bulk with: cargo run --example bulk --features sandbox --";

/// Onboard the households of a CSV file.
#[derive(Parser)]
#[command(name = "bulk", after_help = EXAMPLE)]
struct Arguments {
    /// With the columns collective_id (a UUID of your choice) and name, and optionally owner (a UUID) and properties (JSON).
    csv: PathBuf,
    /// Only write a new CSV, with an id for each row that has none.
    #[arg(long, conflicts_with_all = ["sandbox", "in_flight"])]
    assign_ids: bool,
    /// How many requests may be in flight at once: the most that a kill sets aside.
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u16).range(1..=512))]
    in_flight: u16,
    /// Talk to a sandbox on this machine instead of TRAXES_BASE_URL or production.
    #[arg(long)]
    sandbox: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One thread, so that nothing is shared between threads and the journal needs no lock.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let result = runtime.block_on(run(&arguments));
    // Do not wait for the system's resolver, which may hang past any deadline.
    runtime.shutdown_background();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Whether nothing is left to do, for a later run or for a person.
async fn run(arguments: &Arguments) -> Result<bool, String> {
    let table = Table::read(&arguments.csv)?;
    if arguments.assign_ids {
        println!("{}", assign_ids::assign_ids(&arguments.csv, &table)?);
        return Ok(true);
    }
    let households = Households::of(&table, &arguments.csv)?;
    let sandbox;
    let (client, server) = if arguments.sandbox {
        sandbox = Sandbox::start();
        (sandbox.client(), SANDBOX.to_owned())
    } else {
        let client = Client::from_env().map_err(|error| error.to_string())?;
        (client, base_url())
    };
    let journal = Journal::open(&arguments.csv.with_extension("journal"), &server)?;

    let todo: Vec<_> = households.good.iter().filter(|household| journal.may_be_sent(household.id)).collect();
    let progress = ProgressBar::new(todo.len() as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len}, {eta} left").expect("a template"));
    for problem in &households.bad {
        progress.suspend(|| eprintln!("{problem}"));
    }
    let client = client.with_retry(RetryPolicy::new().max_attempts(ATTEMPTS).total_timeout(DEADLINE));
    let run = Run {
        client,
        progress,
        journal: RefCell::new(journal),
        refused: Cell::new(0),
        set_aside_in_a_row: Cell::new(0),
        stopped: RefCell::default(),
    };
    let mut calls =
        pin!(stream::iter(todo).map(|household| run.onboard(household)).buffer_unordered(arguments.in_flight.into()));
    // One listener for the whole loop: a signal between two listeners would reach neither.
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut interrupted = false;
    let mut progress_line = interval_at(Instant::now() + PROGRESS_LINE, PROGRESS_LINE);
    loop {
        tokio::select! {
            call = calls.next() => if call.is_none() { break },
            _ = progress_line.tick(), if run.progress.is_hidden() => {
                eprintln!("{} of {} households", run.progress.position(), run.progress.length().unwrap_or_default());
            }
            _ = &mut interrupt => {
                if interrupted {
                    break;
                }
                interrupted = true;
                interrupt.set(tokio::signal::ctrl_c());
                run.stop("interrupted: run it again");
                run.progress.suspend(|| eprintln!("waiting for requests in flight; interrupt again to set them aside as unknown"));
            }
        }
    }
    run.progress.finish_and_clear();
    if let Some(why) = run.stopped.take() {
        println!("stopped: {why}");
    }
    report::report(&arguments.csv, &table.dialect, &households, &run.journal.borrow(), run.refused.get())
}

/// As the journal records it.
fn base_url() -> String {
    env::var("TRAXES_BASE_URL").map_or_else(|_| "production".to_owned(), |url| url.trim_end_matches('/').to_owned())
}

struct Run {
    client: Client,
    progress: ProgressBar,
    journal: RefCell<Journal>,
    refused: Cell<u32>,
    set_aside_in_a_row: Cell<u32>,
    /// Why no more is sent. Requests in flight are awaited.
    stopped: RefCell<Option<String>>,
}

impl Run {
    async fn onboard(&self, household: &Household) {
        if self.stopped.borrow().is_some() {
            return;
        }
        if let Err(problem) = self.journal.borrow_mut().record(household, Event::Sending) {
            return self.stop(problem);
        }
        let result = self.client.create_collective_onboarding(&household.request).await;
        if let Err(error) = &result {
            self.progress.suspend(|| eprintln!("line {}: {error}", household.line));
            self.stop_after(error);
        } else {
            self.set_aside_in_a_row.set(0);
        }
        if let Err(problem) = self.journal.borrow_mut().record(household, event(result)) {
            self.stop(problem);
        }
        self.progress.inc(1);
    }

    /// Stops if the remaining rows would fail the same way.
    fn stop_after(&self, error: &Error) {
        let about_the_household = || error.status().is_some_and(|s| ABOUT_THE_HOUSEHOLD.contains(&s.as_u16()));
        match error.outcome() {
            Outcome::Rejected if about_the_household() => {
                self.set_aside_in_a_row.set(0);
                self.refused.set(self.refused.get() + 1);
            }
            Outcome::NotSent | Outcome::Rejected => {
                self.stop("the remaining rows would fail the same way: see above, fix it, and run it again")
            }
            _ => {
                self.set_aside_in_a_row.set(self.set_aside_in_a_row.get() + 1);
                if self.set_aside_in_a_row.get() >= SET_ASIDE_IN_A_ROW {
                    self.stop(match error.kind() {
                        ErrorKind::Decode => {
                            "the responses cannot be read: see above, tell the maintainers, and run it again with a \
                             version that reads them"
                        }
                        _ => "the server seems to be down: run it again once the server is back",
                    });
                }
            }
        }
    }

    fn stop(&self, why: impl Into<String>) {
        self.stopped.borrow_mut().get_or_insert(why.into());
    }
}

/// What a person has to do if one was created, but came without what the user needs.
fn ask(why: &str, request_id: Option<&str>) -> String {
    let id = request_id.map_or_else(String::new, |id| format!(", request id {id}"));
    format!("created, but {why}: ask the vendor how to proceed{id}")
}

fn event(result: Result<Response<OnboardingRequest>, Error>) -> Event {
    match result {
        Ok(onboarding) => {
            let consent_url = onboarding.consent_url().map(str::to_owned);
            let well = onboarding.is_succeeded() || consent_url.is_some() && !onboarding.is_finished();
            let status = onboarding.status.as_ref().map_or("unknown", |status| status.as_str());
            let remark = (!well).then(|| ask(&format!("its status is {status}"), onboarding.request_id()));
            let response = if onboarding.unreadable_fields().is_empty() { None } else { Body::of(onboarding.body()) };
            Event::Created { onboarding: onboarding.id, consent_url, remark, response }
        }
        Err(error) => match error.outcome() {
            Outcome::Applied => {
                let why = "its response could not be read (what arrived of it is in the journal)";
                let remark = Some(ask(why, error.request_id()));
                Event::Created { onboarding: None, consent_url: None, remark, response: Body::of(error.body()) }
            }
            Outcome::NotSent | Outcome::Rejected => Event::NotCreated { why: error.to_string() },
            _ => Event::Unknown { why: error.to_string(), response: Body::of(error.body()) },
        },
    }
}
