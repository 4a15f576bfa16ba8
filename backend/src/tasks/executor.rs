//! The client of the executor; nothing else calls it.

use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use ecoman_api::executor::{Cancel, Instance, Order, Report};
use ecoman_api::{Problem, ProblemKind};
use ecoman_model::TaskId;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use sse_stream::SseByteStream;

/// Address of the executor, and the secret that opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct ExecutorAccess {
    /// Host name or IP address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// `EXECUTOR_TOKEN`; `None`: it takes orders without one.
    pub token: Option<String>,
}

/// A client of the executor.
#[derive(Clone, Debug)]
pub(crate) struct ExecutorClient {
    http: reqwest::Client,
    access: ExecutorAccess,
}

/// Why a call of the executor failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecutorError {
    /// The request did not reach it.
    #[error(
        "the executor at {address} cannot be reached; check that it runs, and EXECUTOR_ADDRESS and \
         EXECUTOR_PORT"
    )]
    Away {
        address: String,
        source: reqwest::Error,
    },

    /// The request may have reached it.
    #[error("the executor at {address} is not responding")]
    Lost {
        address: String,
        source: reqwest::Error,
    },

    /// The stream of its reports broke.
    #[error("the reports of the executor at {address} cannot be read")]
    Reports {
        address: String,
        source: sse_stream::Error,
    },

    /// The order names another run, which is over; this one has done nothing.
    #[error("the executor has been restarted")]
    OtherInstance,

    /// It has run the task before, and the store has its end.
    #[error("the executor has already run the task")]
    Forgotten,

    /// It takes no more orders, and has done nothing.
    #[error("the executor at {address} is stopping")]
    Stopping { address: String },

    /// It refused the order, and has done nothing.
    #[error("the executor at {address} refuses: {detail}")]
    Refused { address: String, detail: String },

    /// What was to be read at once was not.
    #[error("{detail}")]
    Problem { kind: ProblemKind, detail: String },

    /// Its answer is not one of an executor of this version.
    #[error("unexpected response of the executor at {address}: {what}. Is it the same version?")]
    Strange { address: String, what: String },
}

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a whole answer may take; the executor answers without waiting for a node.
const ANSWER: Duration = Duration::from_secs(10);

/// How long reading from a node may take.
const READING: Duration = Duration::from_secs(60);

/// How long a stream of reports may be silent; pings come more often.
const SILENCE: Duration = Duration::from_secs(60);

impl ExecutorClient {
    /// A client that has not connected yet.
    ///
    /// # Errors
    ///
    /// The operating system lacks resources.
    pub(crate) fn new(access: ExecutorAccess) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // A proxy for the outside does not belong between the two.
            .no_proxy()
            .build()?;
        Ok(Self { http, access })
    }

    /// The executor's current run.
    pub(crate) async fn instance(&self) -> Result<Instance, ExecutorError> {
        let response = self.send(self.request(Method::GET, "/instance")).await?;
        self.good(response).await
    }

    /// Hands a task over; the same order twice is one task.
    pub(crate) async fn order(&self, order: &Order) -> Result<Report, ExecutorError> {
        let request = self.request(Method::POST, "/tasks").json(order);
        let response = self.send(request).await?;
        self.good(response).await
    }

    /// The report of a task; `None`: the executor does not know the task.
    pub(crate) async fn report(&self, id: TaskId) -> Result<Option<Report>, ExecutorError> {
        let request = self.request(Method::GET, &format!("/tasks/{id}"));
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.good(response).await.map(Some)
    }

    /// The reports of a task, from now to its end.
    pub(crate) async fn reports(
        &self,
        id: TaskId,
    ) -> Result<impl Stream<Item = Result<Report, ExecutorError>> + Send + use<>, ExecutorError>
    {
        let request = self
            .http
            .get(self.url(&format!("/tasks/{id}/events")))
            .header("accept", "text/event-stream");
        let response = self.send(self.authorized(request)).await?;
        let response = self.check(response).await?;
        let address = self.address();
        let events = SseByteStream::new(Box::pin(response.bytes_stream()));
        let source_address = address.clone();
        Ok(events
            .map_err(move |source| ExecutorError::Reports {
                address: source_address.clone(),
                source,
            })
            .try_filter(|event| {
                std::future::ready(event.event.as_deref() == Some("report") && event.data.is_some())
            })
            .map(move |event| {
                let data = event?.data.unwrap_or_default();
                serde_json::from_str(&data).map_err(|error| ExecutorError::Strange {
                    address: address.clone(),
                    what: format!("with a report that cannot be read ({error})"),
                })
            }))
    }

    /// Cancels a task; `None`: the executor does not know it.
    ///
    /// # Errors
    ///
    /// [`ExecutorError::Refused`]: it has begun what cannot be stopped, or has ended.
    pub(crate) async fn cancel(
        &self,
        id: TaskId,
        by: Option<String>,
    ) -> Result<Option<Report>, ExecutorError> {
        let request = self.request(Method::POST, &format!("/tasks/{id}/cancel"));
        let response = self.send(request.json(&Cancel { by })).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.good(response).await.map(Some)
    }

    /// Makes the executor forget a task that has ended; an unknown one is forgotten already.
    pub(crate) async fn forget(&self, id: TaskId) -> Result<(), ExecutorError> {
        let request = self.request(Method::DELETE, &format!("/tasks/{id}"));
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        self.check(response).await.map(drop)
    }

    /// What the executor reads from a node at once.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        path: &[&str],
    ) -> Result<T, ExecutorError> {
        // Names of nodes may have any letters.
        let mut url = reqwest::Url::parse(&self.url("")).ok();
        if let Some(mut segments) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
            segments.extend(path);
        }
        let Some(url) = url else {
            let (address, what) = (self.address(), "at no address".to_owned());
            return Err(ExecutorError::Strange { address, what });
        };
        let request = self.authorized(self.http.get(url)).timeout(READING);
        let response = self.send(request).await?;
        if response.status().is_success() || response.status() == StatusCode::UNAUTHORIZED {
            return self.good(response).await;
        }
        let address = self.address();
        let status = response.status();
        let problem: Option<Problem> = response.json().await.ok();
        let known = problem.and_then(|problem| {
            let kinds = [
                ProblemKind::NodeNotFound,
                ProblemKind::VmNotFound,
                ProblemKind::NodeFailed,
                ProblemKind::NodeTimeout,
                ProblemKind::Refused,
            ];
            let kind = kinds.into_iter().find(|kind| problem.is(*kind))?;
            let detail = problem.detail;
            Some(ExecutorError::Problem { kind, detail })
        });
        let what = status.to_string();
        Err(known.unwrap_or(ExecutorError::Strange { address, what }))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path)).timeout(ANSWER);
        self.authorized(request)
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.access.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    fn address(&self) -> String {
        let ExecutorAccess { address, port, .. } = &self.access;
        if address.contains(':') && !address.starts_with('[') {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ExecutorError> {
        request.send().await.map_err(|error| {
            let address = self.address();
            // Its text would repeat the address.
            let source = error.without_url();
            if source.is_connect() {
                ExecutorError::Away { address, source }
            } else {
                ExecutorError::Lost { address, source }
            }
        })
    }

    async fn good<T: DeserializeOwned>(&self, response: Response) -> Result<T, ExecutorError> {
        let response = self.check(response).await?;
        response.json().await.map_err(|error| {
            let address = self.address();
            if error.is_decode() {
                let what = "with something that cannot be read".to_owned();
                ExecutorError::Strange { address, what }
            } else {
                let source = error.without_url();
                ExecutorError::Lost { address, source }
            }
        })
    }

    async fn check(&self, response: Response) -> Result<Response, ExecutorError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let address = self.address();
        let problem: Option<Problem> = response.json().await.ok();
        if problem
            .as_ref()
            .is_some_and(|problem| problem.is(ProblemKind::OtherInstance))
        {
            return Err(ExecutorError::OtherInstance);
        }
        Err(match problem {
            Some(problem) if problem.is(ProblemKind::Forgotten) => ExecutorError::Forgotten,
            Some(problem) if problem.is(ProblemKind::Stopping) => {
                ExecutorError::Stopping { address }
            }
            _ if status == StatusCode::UNAUTHORIZED => ExecutorError::Refused {
                address,
                detail: "EXECUTOR_TOKEN must be the same for dashboard and executor".to_owned(),
            },
            Some(problem) if status.is_client_error() => ExecutorError::Refused {
                address,
                detail: problem.detail,
            },
            problem => ExecutorError::Strange {
                address,
                what: match problem {
                    Some(problem) => format!("{status}: {}", problem.detail),
                    None => status.to_string(),
                },
            },
        })
    }
}

impl fmt::Debug for ExecutorAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "(secret)");
        f.debug_struct("ExecutorAccess")
            .field("address", &self.address)
            .field("port", &self.port)
            .field("token", &token)
            .finish()
    }
}
