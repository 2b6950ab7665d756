//! Third-party authorization servers, each with one client that must authenticate by HTTP Basic and one that must do so in the
//! form. Our client finds the right method, and the server confirms that it issued the token. `.ci/token-servers` runs these
//! tests.

use std::{
    env,
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use support::{Server, refusing_port};
use traxes_connect::{
    Client, ClientCredentials, CollectiveOnboardingRequest, Error, ErrorKind, OnboardingRequest, Outcome, Response,
    reqwest,
};

/// Contains every character that form encoding treats specially.
const SECRET: &str = "s3cret &=+%20:/?#\"'\\~";
const PATIENCE: Duration = Duration::from_secs(30);

struct TokenServer {
    process: Child,
    port: u16,
}

impl TokenServer {
    async fn authlib() -> Self {
        Self::start("venv/bin/python", "authlib_server.py").await
    }

    async fn oidc_provider() -> Self {
        Self::start("node", "oidc_provider.mjs").await
    }

    async fn start(program: &str, script: &str) -> Self {
        let folder =
            PathBuf::from(env::var_os("TOKEN_SERVERS").expect("TOKEN_SERVERS is not set: run .ci/token-servers"));
        let program = if program.contains('/') { folder.join(program) } else { program.into() };
        let port = refusing_port().await;
        let mut command = Command::new(program);
        command.arg(folder.join(script)).arg(port.to_string()).env("CLIENT_SECRET", SECRET);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { process, port };
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(server.process.try_wait().unwrap().is_none(), "{script} exited at once");
            assert!(started.elapsed() < PATIENCE, "{script} is not listening");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Asks the server whether it issued the token in a request.
    async fn knows_token_of(&self, request: &support::Request) -> bool {
        let token = request.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
        let mut url = reqwest::Url::parse(&self.url("/active")).unwrap();
        url.query_pairs_mut().append_pair("token", token);
        reqwest::get(url).await.unwrap().text().await.unwrap() == "true"
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn client(server: &TokenServer, api: &Server, id: &str, secret: &str) -> Client {
    let credentials = ClientCredentials::new(id, secret).token_url(server.url("/token"));
    Client::builder().base_url(api.url()).client_credentials(credentials).build().unwrap()
}

async fn create(client: &Client) -> Result<Response<OnboardingRequest>, Error> {
    client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await
}

async fn authenticates_both_ways(server: TokenServer) {
    for id in ["post", "basic"] {
        let api = Server::queue([support::response(401, &[], "")]).await;
        let client = client(&server, &api, id, SECRET);
        // After the first token is rejected, the second is fetched by the method that worked for the first.
        assert_eq!(create(&client).await.unwrap_or_else(|error| panic!("{id}: {error}")).attempts(), 2);
        for request in api.requests() {
            assert!(server.knows_token_of(&request).await, "{id}");
        }
        let wrong = create(&self::client(&server, &api, id, "wrong")).await.unwrap_err();
        assert_eq!((wrong.kind(), wrong.outcome()), (ErrorKind::Auth, Outcome::NotSent));
        assert!(wrong.to_string().contains("(invalid_client): check client id, client secret"), "{wrong}");
    }
}

#[tokio::test]
#[ignore = "needs Authlib: run .ci/token-servers"]
async fn authlib_gets_the_secret_the_way_it_expects() {
    authenticates_both_ways(TokenServer::authlib().await).await;
}

#[tokio::test]
#[ignore = "needs oidc-provider: run .ci/token-servers"]
async fn oidc_provider_gets_the_secret_the_way_it_expects() {
    authenticates_both_ways(TokenServer::oidc_provider().await).await;
}
