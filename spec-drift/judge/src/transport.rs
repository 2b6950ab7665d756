//! What the client under test adds to its request: credentials for the first security requirement in its description.

use serde_json::Value;

#[derive(Debug)]
pub struct Exchange {
    security: Option<Value>,
}

impl Exchange {
    pub fn of(spec: &Value) -> Self {
        let way = spec["security"][0].as_object().and_then(|way| way.keys().next());
        Self { security: way.map(|name| spec["components"]["securitySchemes"][name].clone()) }
    }

    /// Sends a request with the credentials, and without the header that progenitor adds.
    pub async fn send(
        &self,
        http: &reqwest::Client,
        mut request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        request.headers_mut().remove("api-version");
        self.authorize(&mut request);
        http.execute(request).await
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
