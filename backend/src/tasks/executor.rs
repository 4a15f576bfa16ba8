//! The executor: the only place that talks to it.

use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use ecoman_api::Problem;
use ecoman_api::executor::{Instance, Order, Report};
use ecoman_model::TaskId;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use sse_stream::SseByteStream;

/// Where the executor is, and what proves that one may ask it.
#[derive(Clone, PartialEq, Eq)]
pub struct ExecutorAccess {
    /// Host name or IP address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// The secret that both share; `None`: it asks for none.
    pub token: Option<String>,
}

/// Asks the executor.
#[derive(Clone, Debug)]
pub(crate) struct ExecutorClient {
    http: reqwest::Client,
    access: ExecutorAccess,
}

/// Why the executor did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecutorError {
    /// Nothing has reached it.
    #[error(
        "the executor at {address} cannot be reached; check that it runs, and EXECUTOR_ADDRESS and \
         EXECUTOR_PORT"
    )]
    Away {
        address: String,
        source: reqwest::Error,
    },

    /// It may have been reached.
    #[error("the executor at {address} does not answer")]
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

    /// The run that it was meant for is over; this one has done nothing of it.
    #[error("the executor has been started anew")]
    OtherInstance,

    /// It has done the task already, and somebody has kept its end.
    #[error("the executor has carried out the task before")]
    Forgotten,

    /// It takes no more orders, and has done nothing.
    #[error("the executor at {address} is stopping")]
    Stopping { address: String },

    /// It says no, and has done nothing.
    #[error("the executor at {address} refuses: {detail}")]
    Refused { address: String, detail: String },

    /// It has failed at answering, or is something else.
    #[error("the executor at {address} answers {what}; is it an executor of this version?")]
    Strange { address: String, what: String },
}

/// How long it may take to be there.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a whole answer may take; it never waits for a node with one.
const ANSWER: Duration = Duration::from_secs(10);

/// How long a stream of reports may be silent: it pings more often.
const SILENCE: Duration = Duration::from_secs(60);

impl ExecutorClient {
    /// Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The operating system gives no resources.
    pub(crate) fn new(access: ExecutorAccess) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // A proxy for the outside has no business between the two.
            .no_proxy()
            .build()?;
        Ok(Self { http, access })
    }

    /// Which run of the executor this is.
    pub(crate) async fn instance(&self) -> Result<Instance, ExecutorError> {
        let response = self.send(self.request(Method::GET, "/instance")).await?;
        self.good(response).await
    }

    /// Hands a task over. The same one again is the same task.
    pub(crate) async fn order(&self, order: &Order) -> Result<Report, ExecutorError> {
        let request = self.request(Method::POST, "/tasks").json(order);
        let response = self.send(request).await?;
        self.good(response).await
    }

    /// How far a task is; `None`: it does not know the task.
    pub(crate) async fn report(&self, id: TaskId) -> Result<Option<Report>, ExecutorError> {
        let request = self.request(Method::GET, &format!("/tasks/{id}"));
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.good(response).await.map(Some)
    }

    /// How far a task is, from now to its end.
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

    /// Lets it forget a task that has ended. One that it does not know is forgotten already.
    pub(crate) async fn forget(&self, id: TaskId) -> Result<(), ExecutorError> {
        let request = self.request(Method::DELETE, &format!("/tasks/{id}"));
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        self.check(response).await.map(drop)
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
            // Its text has the address once more.
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
            .is_some_and(|problem| problem.kind == OTHER_INSTANCE)
        {
            return Err(ExecutorError::OtherInstance);
        }
        Err(match problem {
            Some(problem) if problem.kind == FORGOTTEN => ExecutorError::Forgotten,
            Some(problem) if problem.kind == STOPPING => ExecutorError::Stopping { address },
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

/// The kind of the problem that tells that it stops.
const STOPPING: &str = "urn:ecoman:problem:stopping";

/// The kind of the problem that tells that a task has been carried out and forgotten.
const FORGOTTEN: &str = "urn:ecoman:problem:forgotten";

/// The kind of the problem that tells that an order was meant for another run.
const OTHER_INSTANCE: &str = "urn:ecoman:problem:other-instance";

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
