//! A gateway: a child process with its own folder, on a loopback port.

use crate::until;
use std::{
    env,
    fs::{self, File},
    iter,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const LOG: &str = "output.log";

pub struct Gateway {
    pub name: &'static str,
    pub port: u16,
    process: Child,
    folder: TempDir,
}

impl Gateway {
    /// Starts a program in the folder with its configuration, and waits until it accepts connections on the port.
    pub async fn start(name: &'static str, port: u16, folder: TempDir, program: &str, arguments: &[&str]) -> Self {
        let log = File::create(folder.path().join(LOG)).unwrap();
        // Debian installs servers outside the PATH of ordinary users.
        let path = env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let process = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .env("PATH", path)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} did not start ({error}): run .ci/gateways"));
        let mut gateway = Self { name, port, process, folder };
        until(&format!("{name} accepts connections"), || {
            let ended = gateway.process.try_wait().unwrap();
            assert!(ended.is_none(), "{name} exited at once: {}", gateway.log());
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        })
        .await;
        gateway
    }

    /// Uses the shell's `kill`, which exists wherever these gateways do.
    pub fn signal(&self, signal: &str) {
        let process = self.process.id().to_string();
        let sent = Command::new("sh").args(["-c", r#"kill -s "$0" "$1""#, signal, &process]).status().unwrap();
        assert!(sent.success(), "{} did not accept {signal}: {}", self.name, self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }
}

impl Drop for Gateway {
    /// Sends SIGTERM, which the master forwards to its workers. SIGKILL would leave them behind.
    fn drop(&mut self) {
        if thread::panicking() {
            println!("{} said: {}", self.name, self.log());
        }
        if let Ok(Some(_)) = self.process.try_wait() {
            return;
        }
        self.signal("TERM");
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(5) {
            if let Ok(Some(_)) = self.process.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port below those of outgoing connections, which could take it before the gateway does.
pub fn free_port() -> u16 {
    iter::repeat_with(|| fastrand::u16(20_000..30_000))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap()
}

pub fn folder_with(file: &str, content: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), file, content);
    folder
}

pub fn write(folder: &Path, file: &str, content: &str) {
    fs::write(folder.join(file), content).unwrap();
}
