//! A scripted member of staff: the desk's own people, through the real staff API.

use serde_json::{Value, json};

/// Speaks the staff API of one server.
#[derive(Clone)]
pub struct Staff {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Staff {
    /// `base` is the server's address (`http://127.0.0.1:1234`), `token` what `staff-token` printed.
    pub fn new(base: impl Into<String>, token: impl Into<String>) -> Self {
        Self { http: plain_client(), base: base.into(), token: token.into() }
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Result<Value, String> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .header(pocketdesk_protocol::version::PROTOCOL_HEADER, "1");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.map_err(|why| format!("{method} {path}: {why}"))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|why| format!("{method} {path}: {why}"))?;
        if !status.is_success() {
            return Err(format!("{method} {path}: {status}: {text}"));
        }
        if text.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_str(&text).map_err(|why| format!("{path}: {why}: {text}"))
        }
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        self.ask(reqwest::Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, String> {
        self.ask(reqwest::Method::POST, path, Some(body)).await
    }

    /// Every ticket of the desk.
    pub async fn tickets(&self) -> Result<Value, String> {
        self.get("/staff/tickets").await
    }

    /// One ticket with all that belongs to it, by id or number.
    pub async fn ticket(&self, id: &str) -> Result<Value, String> {
        self.get(&format!("/staff/tickets/{id}")).await
    }

    /// The plain bytes of a requester's file.
    pub async fn file(&self, id: &str) -> Result<Vec<u8>, String> {
        let path = format!("/staff/attachments/{id}");
        let answer = self
            .http
            .get(format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|why| format!("GET {path}: {why}"))?;
        answer.bytes().await.map(|bytes| bytes.to_vec()).map_err(|why| format!("GET {path}: {why}"))
    }

    /// Answers the requester.
    pub async fn reply(&self, ticket: &str, text: &str) -> Result<Value, String> {
        self.post(&format!("/staff/tickets/{ticket}/reply"), json!({ "text": text })).await
    }

    /// Answers the requester with a small file.
    pub async fn reply_with_file(
        &self,
        ticket: &str,
        text: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<Value, String> {
        use base64::Engine as _;
        let content = base64::engine::general_purpose::STANDARD.encode(bytes);
        let files = json!([{ "name": name, "content_base64": content }]);
        self.post(&format!("/staff/tickets/{ticket}/reply"), json!({ "text": text, "files": files })).await
    }

    /// Notes what no requester may see.
    pub async fn note(&self, ticket: &str, text: &str) -> Result<Value, String> {
        self.post(&format!("/staff/tickets/{ticket}/note"), json!({ "text": text })).await
    }

    /// Moves the status: new, open, waits_for_requester, solved, closed.
    pub async fn status(&self, ticket: &str, status: &str) -> Result<Value, String> {
        self.post(&format!("/staff/tickets/{ticket}/status"), json!({ "status": status })).await
    }

    /// Says who has it.
    pub async fn assignee(&self, ticket: &str, name: &str) -> Result<Value, String> {
        self.post(&format!("/staff/tickets/{ticket}/assignee"), json!({ "assignee": name })).await
    }

    /// Promises, or moves a promise and says why; `at` in ms since the epoch.
    pub async fn deadline(&self, ticket: &str, at: i64, reason: Option<&str>) -> Result<Value, String> {
        self.post(&format!("/staff/tickets/{ticket}/deadline"), json!({ "at": at, "reason": reason })).await
    }

    /// Asks to be rated.
    pub async fn ask_rating(&self, ticket: &str) -> Result<Value, String> {
        self.post(&format!("/staff/tickets/{ticket}/rating-request"), json!({})).await
    }

    /// Lets somebody follow, or no longer.
    pub async fn participants(&self, ticket: &str, add: &[&str], remove: &[&str]) -> Result<Value, String> {
        self.post(&format!("/staff/tickets/{ticket}/participants"), json!({ "add": add, "remove": remove }))
            .await
    }

    /// A client company; answers its id.
    pub async fn company(&self, name: &str) -> Result<String, String> {
        self.company_with_sites(name, &[]).await.map(|(company, _)| company)
    }

    /// A client company with places; answers its id and theirs, in the order given.
    pub async fn company_with_sites(
        &self,
        name: &str,
        sites: &[&str],
    ) -> Result<(String, Vec<String>), String> {
        let made = self.post("/staff/companies", json!({ "name": name, "sites": sites })).await?;
        let id = |of: &Value| of["id"].as_str().map(str::to_owned);
        let company = id(&made).ok_or_else(|| format!("a company without an id: {made}"))?;
        let site_of = |name: &&str| {
            let sites = made["sites"].as_array();
            sites.and_then(|sites| sites.iter().find(|site| site["name"] == *name)).and_then(id)
        };
        let sites = sites.iter().map(site_of).collect::<Option<Vec<_>>>();
        sites.map(|sites| (company, sites)).ok_or_else(|| format!("a company without its sites: {made}"))
    }

    /// A person who may sign in; answers their id.
    pub async fn person(&self, name: &str, email: &str, company: Option<&str>) -> Result<String, String> {
        let made =
            self.post("/staff/people", json!({ "name": name, "email": email, "company": company })).await?;
        made["id"].as_str().map(str::to_owned).ok_or_else(|| format!("a person without an id: {made}"))
    }

    /// Where a person works, and what they see of others' tickets there: own, site, company.
    pub async fn places(
        &self,
        person: &str,
        company: &str,
        sites: &[&str],
        sees: &str,
    ) -> Result<Value, String> {
        let body = json!({ "company": company, "sites": sites, "sees": sees });
        self.ask(reqwest::Method::PUT, &format!("/staff/people/{person}/scopes"), Some(body)).await
    }

    /// What a person sees: own, site, company.
    pub async fn sees(&self, person: &str, what: &str) -> Result<Value, String> {
        let body = json!({ "sees": what });
        self.ask(reqwest::Method::PUT, &format!("/staff/people/{person}/scopes"), Some(body)).await
    }
}

/// An HTTP client for loopback: no TLS to set up, no proxy from the environment.
fn plain_client() -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(loopback_tls())
        .no_proxy()
        .build()
        .expect("a client without options can be built")
}

/// reqwest is built without a default TLS provider, so it wants a configuration even for plain http.
fn loopback_tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
