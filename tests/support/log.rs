//! Captures what one test logs while others run in parallel.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tracing::{
    Dispatch, Subscriber,
    subscriber::{DefaultGuard, NoSubscriber},
};
use tracing_subscriber::fmt::MakeWriter;

/// Sends this thread's logs to a subscriber until the returned value is dropped.
pub fn listen(subscriber: impl Subscriber + Send + Sync + 'static) -> (DefaultGuard, Dispatch) {
    // With only one dispatcher, tracing caches for all threads what the first thread decides.
    let other = Dispatch::new(NoSubscriber::default());
    (tracing::subscriber::set_default(subscriber), other)
}

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
