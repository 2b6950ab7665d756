//! A loopback server that follows a description strictly and answers as it is told.

use crate::strict::{self, Operation, Reading};
use jsonschema::Validator;
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// The next response, if the request is valid.
#[derive(Clone, Default)]
pub struct Answer {
    pub status: u16,
    /// None for no body.
    pub content: Option<(String, String)>,
}

/// The server's notes on the last request.
#[derive(Default)]
pub struct Noted {
    pub refused: Option<String>,
    pub tolerated: bool,
}

#[derive(Default)]
pub struct Exchange {
    pub answer: Answer,
    pub noted: Noted,
}

struct Strict {
    spec: Value,
    operations: Vec<Strictly>,
    /// From the old description: headers that its client sends on purpose.
    sent_headers: Vec<String>,
}

/// An operation, the validators of its bodies by media type, and its parameters in order.
struct Strictly {
    operation: Operation,
    bodies: HashMap<String, [Validator; 2]>,
    parameters: Vec<Validator>,
}

struct Request {
    method: String,
    target: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// Returns the port, and the state shared with the server.
pub fn start(spec: Value, old: &Value) -> (u16, Arc<Mutex<Exchange>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let port = listener.local_addr().expect("an address").port();
    let shared = Arc::new(Mutex::new(Exchange::default()));
    let headers = strict::operations(old).into_iter().flat_map(|o| o.parameters).filter(|p| p["in"] == "header");
    let sent_headers = headers.map(|p| p["name"].as_str().unwrap().to_ascii_lowercase()).collect();
    let operations = strict::operations(&spec).into_iter().map(|operation| {
        let bodies =
            strict::resolve(&spec, &operation.node["requestBody"])["content"].as_object().cloned().unwrap_or_default();
        let both = |schema: &Value| {
            [Reading::Literal, Reading::Closed].map(|reading| strict::validator(&spec, schema, reading))
        };
        let validators = bodies.iter().map(|(media, node)| (media.clone(), both(&node["schema"]))).collect();
        let parameters = operation
            .parameters
            .iter()
            .map(|p| strict::validator(&spec, strict::schema(p), Reading::Literal))
            .collect();
        Strictly { operation, bodies: validators, parameters }
    });
    let operations = operations.collect();
    let server = Arc::new(Strict { operations, spec, sent_headers });
    let at_server = shared.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (server, shared) = (server.clone(), at_server.clone());
            std::thread::spawn(move || drop(serve(stream, &server, &shared)));
        }
    });
    (port, shared)
}

fn serve(stream: TcpStream, server: &Strict, shared: &Mutex<Exchange>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(request) = receive(&mut reader)? {
        let mut tolerated = false;
        let refused = server.check(&request, &mut tolerated).err();
        let mut shared = shared.lock().unwrap();
        let answer = match &refused {
            Some((status, _)) => {
                Answer { status: *status, content: Some(("text/plain".to_owned(), "refused".to_owned())) }
            }
            None => shared.answer.clone(),
        };
        shared.noted = Noted { refused: refused.map(|(_, reason)| reason), tolerated };
        let (media, body) = answer.content.clone().unwrap_or_default();
        let length = if answer.status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let media = if answer.content.is_some() { format!("content-type: {media}\r\n") } else { String::new() };
        write!(writer, "HTTP/1.1 {} Judged\r\n{length}{media}\r\n{body}", answer.status)?;
    }
    Ok(())
}

fn receive(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, target, headers, body }))
}

type Refusal = (u16, String);

impl Strict {
    fn check(&self, request: &Request, tolerated: &mut bool) -> Result<(), Refusal> {
        let refuse = |status, reason: &str| Err((status, format!("{} {}: {reason}", request.method, request.target)));
        let host = request.headers.get("host").and_then(|h| h.split(':').next()).unwrap_or_default();
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let bases = self.spec["servers"].as_array().expect("servers").iter().filter_map(|server| {
            let (_, rest) = server["url"].as_str().unwrap().split_once("://").expect("an absolute address");
            let (server, base) = rest.split_once('/').map_or((rest, String::new()), |(h, p)| (h, format!("/{p}")));
            (server == host).then_some(base)
        });
        let paths: Vec<String> =
            bases.filter_map(|base| path.strip_prefix(base.trim_end_matches('/')).map(str::to_owned)).collect();
        let at_path = |template: &str| paths.iter().find_map(|path| parameters_of(template, path));
        let mut here =
            self.operations.iter().filter_map(|o| at_path(&o.operation.path).map(|parameters| (o, parameters)));
        let Some((Strictly { operation, bodies, parameters }, path_values)) =
            here.find(|(o, _)| o.operation.method == request.method)
        else {
            return refuse(404, "no such operation");
        };
        let queries: Vec<(String, String)> =
            reqwest::Url::parse(&format!("http://x/?{query}")).unwrap().query_pairs().into_owned().collect();
        self.security(&operation.node, request, &queries).or_else(|reason| refuse(401, &reason))?;
        for (parameter, validator) in operation.parameters.iter().zip(parameters) {
            let name = parameter["name"].as_str().unwrap();
            let text = match parameter["in"].as_str() {
                Some("header") => request.headers.get(&name.to_ascii_lowercase()).cloned(),
                Some("query") => queries.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()),
                Some("path") => path_values.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()),
                _ => None,
            };
            match text {
                None if parameter["required"] == true => return refuse(400, &format!("{name} is missing")),
                None => {}
                Some(text) => {
                    let value = strict::read(&self.spec, &parameter["schema"], &text);
                    if let Err(error) = validator.validate(&value) {
                        return refuse(400, &format!("{name}: {error}"));
                    }
                }
            }
        }
        let named = |place: &str, name: &str| {
            operation
                .parameters
                .iter()
                .any(|p| p["in"] == place && p["name"].as_str().unwrap().eq_ignore_ascii_case(name))
        };
        *tolerated |= queries.iter().any(|(name, _)| !named("query", name) && !self.is_credential(name));
        *tolerated |= self.sent_headers.iter().any(|name| request.headers.contains_key(name) && !named("header", name));
        self.body(operation, bodies, request, tolerated).or_else(|(status, reason)| refuse(status, &reason))
    }

    fn is_credential(&self, name: &str) -> bool {
        self.spec["components"]["securitySchemes"]
            .as_object()
            .into_iter()
            .flatten()
            .any(|(_, scheme)| scheme["name"] == name)
    }

    fn body(
        &self,
        operation: &Operation,
        bodies: &HashMap<String, [Validator; 2]>,
        request: &Request,
        tolerated: &mut bool,
    ) -> Result<(), Refusal> {
        if bodies.is_empty() {
            return if request.body.is_empty() {
                Ok(())
            } else {
                Err((400, "a body, but none is documented".to_owned()))
            };
        }
        if request.body.is_empty() {
            let required = strict::resolve(&self.spec, &operation.node["requestBody"])["required"] == true;
            return if required { Err((400, "no body".to_owned())) } else { Ok(()) };
        }
        let media =
            request.headers.get("content-type").map(|m| m.split(';').next().unwrap().trim()).unwrap_or_default();
        let Some([literal, closed]) = bodies.get(media).or_else(|| bodies.get("*/*")) else {
            return Err((415, format!("{media} is not accepted")));
        };
        let value: Value = serde_json::from_slice(&request.body).map_err(|e| (400, e.to_string()))?;
        literal.validate(&value).map_err(|e| (400, format!("{}: {e}", e.instance_path())))?;
        *tolerated |= !closed.is_valid(&value);
        Ok(())
    }

    fn security(&self, operation: &Value, request: &Request, queries: &[(String, String)]) -> Result<(), String> {
        let ways = operation.get("security").or(self.spec.get("security")).and_then(Value::as_array);
        let Some(ways) = ways.filter(|ways| !ways.is_empty()) else { return Ok(()) };
        let holds = |name: &String| {
            let scheme = &self.spec["components"]["securitySchemes"][name];
            let header = |name: &str| request.headers.get(&name.to_ascii_lowercase());
            match (scheme["type"].as_str(), scheme["in"].as_str()) {
                (Some("apiKey"), Some("header")) => header(scheme["name"].as_str().unwrap()).is_some(),
                (Some("apiKey"), _) => queries.iter().any(|(n, _)| scheme["name"] == *n),
                _ if scheme["scheme"] == "basic" => header("authorization").is_some_and(|v| v.starts_with("Basic ")),
                _ => header("authorization").is_some_and(|v| v.starts_with("Bearer ")),
            }
        };
        let open = ways.iter().any(|way| way.as_object().unwrap().keys().all(holds));
        if open { Ok(()) } else { Err("none of the required credentials".to_owned()) }
    }
}

fn parameters_of(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    if template.len() != path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (part, text) in template.iter().zip(path) {
        match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(name) => values.push((name.to_owned(), text.to_owned())),
            None if *part == text => {}
            None => return None,
        }
    }
    Some(values)
}
