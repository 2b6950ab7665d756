//! What the client under test sends besides its request, the credentials of the first way in that its description names, and
//! what it decodes.

use bytes::Bytes;
use progenitor_client::{Error, ResponseValue};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::OnceLock;

#[derive(Debug)]
pub struct Exchange {
    base: String,
    body: OnceLock<Bytes>,
    security: Option<Value>,
}

impl Exchange {
    pub fn of(spec: &Value, base: &str) -> Self {
        let way = spec["security"][0].as_object().and_then(|way| way.keys().next());
        let body = OnceLock::new();
        Self {
            base: base.to_owned(),
            body,
            security: way.map(|name| spec["components"]["securitySchemes"][name].clone()),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn send(
        &self,
        http: &reqwest::Client,
        mut request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        self.authorize(&mut request);
        let mut response = http.execute(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        self.body.set(body.into()).expect("one call of each exchange");
        Ok(response)
    }

    #[allow(clippy::result_large_err)] // It is the error of the generated method.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<ResponseValue<T>, Error> {
        let body = self.body.get().expect("it was received").clone();
        let value = serde_json::from_slice(&body).map_err(|error| Error::InvalidResponsePayload(body, error))?;
        Ok(ResponseValue::new(value, reqwest::StatusCode::OK, Default::default()))
    }

    fn authorize(&self, request: &mut reqwest::Request) {
        let Some(scheme) = &self.security else { return };
        let name = scheme["name"].as_str().unwrap_or_default().to_owned();
        match (scheme["type"].as_str(), scheme["in"].as_str()) {
            (Some("apiKey"), Some("query")) => drop(request.url_mut().query_pairs_mut().append_pair(&name, "secret")),
            (Some("apiKey"), _) => {
                let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).expect("a header");
                request.headers_mut().insert(name, reqwest::header::HeaderValue::from_static("secret"));
            }
            (_, _) if scheme["scheme"] == "basic" => {
                request
                    .headers_mut()
                    .insert("authorization", reqwest::header::HeaderValue::from_static("Basic c2VjcmV0"));
            }
            _ => drop(
                request
                    .headers_mut()
                    .insert("authorization", reqwest::header::HeaderValue::from_static("Bearer secret")),
            ),
        }
    }
}
