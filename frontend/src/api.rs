//! The only place that talks to the server: typed calls, one error, the stream of events.

use chrono::{DateTime, Utc};
use ecoman_api::{
    AnswerQuestion, AuditPage, ChangePassword, Config, CreateToken, CreateUser, CreateVm,
    CreatedToken, Event, Identity, NodePage, SetPower, SignIn, Task, TaskId, TaskPage, TokenList,
    UpdateUser, User, UserList, Vm, VmPage,
};
use gloo_net::http::{Request, RequestBuilder, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{EventSource, MessageEvent};

use crate::clock;
use crate::later::later;
pub(crate) use crate::state::error::Error;
use crate::state::task_filter::TaskFilter;

const ROOT: &str = "/api/v1";
/// The most that one page of the VM list may have.
const PAGE_SIZE: usize = 10_000;
/// So many tasks are loaded at once: each with all that it has printed.
const TASKS_AT_ONCE: usize = 50;

/// Something that was loaded, with the revision that it shows.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    /// What was loaded.
    pub(crate) data: T,
    /// The events up to this id are in it.
    pub(crate) revision: u64,
}

/// Every VM.
pub(crate) async fn vms() -> Result<At<Vec<Vm>>, Error> {
    let mut page: VmPage = get(&format!("{ROOT}/vms?limit={PAGE_SIZE}")).await?;
    let mut all = page.items;
    // Later pages may be newer; events in between are taken twice, which does no harm.
    let revision = page.revision;
    while let Some(token) = page.next_page {
        let token = utf8_percent_encode(&token, NON_ALPHANUMERIC);
        page = get(&format!("{ROOT}/vms?limit={PAGE_SIZE}&page_token={token}")).await?;
        all.append(&mut page.items);
    }
    Ok(At {
        data: all,
        revision,
    })
}

/// The list of VMs as CSV; `query` is [`ListQuery::to_api`](crate::state::list::ListQuery::to_api).
pub(crate) async fn vms_csv(query: &str) -> Result<Vec<u8>, Error> {
    csv(&format!("{ROOT}/vms{query}")).await
}

/// One VM.
pub(crate) async fn vm(node: &str, vmid: u32) -> Result<Vm, Error> {
    let node = utf8_percent_encode(node, NON_ALPHANUMERIC);
    get(&format!("{ROOT}/vms/{node}/{vmid}")).await
}

/// Every node.
pub(crate) async fn nodes() -> Result<NodePage, Error> {
    get(&format!("{ROOT}/nodes")).await
}

/// The newest tasks, or those of a page before.
pub(crate) async fn tasks(
    filter: &TaskFilter,
    page_token: Option<&str>,
) -> Result<TaskPage, Error> {
    let mut path = format!("{ROOT}/tasks?limit={TASKS_AT_ONCE}");
    let query = filter.query();
    if !query.is_empty() {
        path += &format!("&{query}");
    }
    if let Some(token) = page_token {
        path += &format!(
            "&page_token={}",
            utf8_percent_encode(token, NON_ALPHANUMERIC)
        );
    }
    task_page(bytes(send(&path).await?).await?).await
}

/// One task.
pub(crate) async fn task(id: TaskId) -> Result<Task, Error> {
    read_task(bytes(send(&format!("{ROOT}/tasks/{id}")).await?).await?).await
}

/// Who is signed in, and how one signs in.
pub(crate) async fn session() -> Result<Identity, Error> {
    get(&format!("{ROOT}/session")).await
}

/// Signs in; the session is a cookie that the page cannot see.
pub(crate) async fn sign_in(name: String, password: String) -> Result<(), Error> {
    let request = Request::post(&format!("{ROOT}/session"));
    let request = with_json(request, &SignIn { name, password })?;
    good(request.send().await).await.map(|_| ())
}

/// Signs out.
pub(crate) async fn sign_out() -> Result<(), Error> {
    let request = Request::delete(&format!("{ROOT}/session"));
    good(request.send().await).await.map(|_| ())
}

/// Changes the reader's password, which ends all of their sessions.
pub(crate) async fn change_password(wanted: &ChangePassword) -> Result<(), Error> {
    let request = Request::put(&format!("{ROOT}/session/password"));
    let request = with_json(request, wanted)?;
    good(request.send().await).await.map(|_| ())
}

/// The API tokens that the reader may see.
pub(crate) async fn tokens() -> Result<TokenList, Error> {
    get(&format!("{ROOT}/tokens")).await
}

/// Makes an API token.
pub(crate) async fn create_token(wanted: &CreateToken) -> Result<CreatedToken, Error> {
    let request = with_json(Request::post(&format!("{ROOT}/tokens")), wanted)?;
    read(good(request.send().await).await?).await
}

/// Revokes an API token.
pub(crate) async fn revoke_token(id: &str) -> Result<(), Error> {
    let request = Request::delete(&format!("{ROOT}/tokens/{id}"));
    good(request.send().await).await.map(|_| ())
}

/// The users.
pub(crate) async fn users() -> Result<UserList, Error> {
    get(&format!("{ROOT}/users")).await
}

/// Adds a user.
pub(crate) async fn create_user(wanted: &CreateUser) -> Result<User, Error> {
    let request = with_json(Request::post(&format!("{ROOT}/users")), wanted)?;
    read(good(request.send().await).await?).await
}

/// Changes a user.
pub(crate) async fn update_user(name: &str, wanted: &UpdateUser) -> Result<User, Error> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = with_json(Request::put(&format!("{ROOT}/users/{name}")), wanted)?;
    read(good(request.send().await).await?).await
}

/// Removes a user.
pub(crate) async fn delete_user(name: &str) -> Result<(), Error> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = Request::delete(&format!("{ROOT}/users/{name}"));
    good(request.send().await).await.map(|_| ())
}

/// The newest entries of the audit log, or those of a page before; `query` without its question
/// mark.
pub(crate) async fn audit(query: &str, page_token: Option<&str>) -> Result<AuditPage, Error> {
    let token = page_token.map(|token| format!("&page_token={token}"));
    let token = token.unwrap_or_default();
    get(&format!("{ROOT}/audit?{query}{token}")).await
}

/// The audit log as CSV.
pub(crate) async fn audit_csv(query: &str) -> Result<Vec<u8>, Error> {
    csv(&format!("{ROOT}/audit?{query}")).await
}

/// Asks for a change of power. The same `key` again is the same change.
pub(crate) async fn set_power(
    node: &str,
    vmid: u32,
    wanted: SetPower,
    key: &str,
) -> Result<Task, Error> {
    let node = utf8_percent_encode(node, NON_ALPHANUMERIC);
    let request =
        Request::put(&format!("{ROOT}/vms/{node}/{vmid}/power")).header("Idempotency-Key", key);
    change(request, &wanted).await
}

/// Answers the question that a VM waits with.
pub(crate) async fn answer(node: &str, vmid: u32, answer: AnswerQuestion) -> Result<Task, Error> {
    let node = utf8_percent_encode(node, NON_ALPHANUMERIC);
    let request = Request::post(&format!("{ROOT}/vms/{node}/{vmid}/question"));
    change(request, &answer).await
}

/// Asks for a new VM. The same `key` again is the same VM.
pub(crate) async fn create(wanted: &CreateVm, key: &str) -> Result<Task, Error> {
    let request = Request::post(&format!("{ROOT}/vms")).header("Idempotency-Key", key);
    change(request, wanted).await
}

/// What the server tells of itself, and the time on its clock.
pub(crate) async fn config() -> Result<(Config, Option<DateTime<Utc>>), Error> {
    let response = send(&format!("{ROOT}/config")).await?;
    let time = response
        .headers()
        .get("date")
        .and_then(|text| clock::from_milliseconds(js_sys::Date::parse(&text)));
    Ok((read(response).await?, time))
}

/// The stream of events. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct EventStream {
    source: EventSource,
    _on_open: Closure<dyn Fn()>,
    _on_error: Closure<dyn Fn()>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
}

impl EventStream {
    /// Opens the stream. `on_open` is called for every connection, also when the browser has made
    /// a new one by itself, in which case the stream goes on where it was cut. `on_error` is told
    /// whether the browser has given up (`true`) or is trying again.
    pub(crate) fn open(
        on_open: impl Fn() + 'static,
        on_event: impl Fn(u64, Result<Event, Error>) + Copy + 'static,
        on_error: impl Fn(bool) + 'static,
    ) -> Result<Self, Error> {
        let source = EventSource::new(&format!("{ROOT}/events")).map_err(|_| Error::Unreachable)?;
        let on_open = Closure::<dyn Fn()>::new(on_open);
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        let on_error = Closure::<dyn Fn()>::new({
            let source = source.clone();
            move || on_error(source.ready_state() == EventSource::CLOSED)
        });
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            let data = message.data().as_string().unwrap_or_default();
            let revision = message.last_event_id().parse().unwrap_or_default();
            if message.type_() == "task" {
                spawn_local(async move {
                    match read_task(data.into_bytes()).await {
                        Ok(task) => on_event(revision, Ok(Event::Task(Box::new(task)))),
                        // Without the code for tasks there are none to be kept current either.
                        Err(Error::Unreachable) => {}
                        Err(error) => on_event(revision, Err(error)),
                    }
                });
            } else {
                on_event(revision, event(&message.type_(), &data));
            }
        });
        for kind in ["vm", "vm_removed", "node", "node_removed", "task", "reset"] {
            // Fails only for a listener that is no function.
            let _ =
                source.add_event_listener_with_callback(kind, on_message.as_ref().unchecked_ref());
        }
        Ok(Self {
            source,
            _on_open: on_open,
            _on_error: on_error,
            _on_message: on_message,
        })
    }

    /// Whether the browser has given up.
    pub(crate) fn is_closed(&self) -> bool {
        self.source.ready_state() == EventSource::CLOSED
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// Any event but that of a task.
fn event(kind: &str, data: &str) -> Result<Event, Error> {
    fn parsed<T: DeserializeOwned>(data: &str) -> Result<T, Error> {
        // By the same reader as answers are: the code for it is in the page once.
        read_json(data.as_bytes())
    }
    Ok(match kind {
        "vm" => Event::Vm(parsed(data)?),
        "vm_removed" => Event::VmRemoved(parsed(data)?),
        "node" => Event::Node(parsed(data)?),
        "node_removed" => Event::NodeRemoved(parsed(data)?),
        "reset" => Event::Reset(parsed(data)?),
        other => return Err(Error::Unreadable(format!("event {other}"))),
    })
}

async fn csv(path: &str) -> Result<Vec<u8>, Error> {
    let request = Request::get(path).header("Accept", "text/csv");
    bytes(good(request.send().await).await?).await
}

async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Error> {
    read(send(path).await?).await
}

async fn change(request: RequestBuilder, body: &impl Serialize) -> Result<Task, Error> {
    let request = with_json(request, body)?;
    read_task(bytes(good(request.send().await).await?).await?).await
}

fn with_json(request: RequestBuilder, body: &impl Serialize) -> Result<Request, Error> {
    let unreadable = |error: &dyn std::fmt::Display| Error::Unreadable(error.to_string());
    let body = serde_json::to_string(body).map_err(|error| unreadable(&error))?;
    request
        .header("Content-Type", "application/json")
        .body(body)
        .map_err(|error| unreadable(&error))
}

async fn send(path: &str) -> Result<Response, Error> {
    good(Request::get(path).send().await).await
}

/// The answer, if it is a good one.
async fn good(response: Result<Response, gloo_net::Error>) -> Result<Response, Error> {
    let response = response.map_err(|_| Error::Unreachable)?;
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    Err(read(response)
        .await
        .map_or(Error::Status(status), |problem| {
            Error::Problem(Box::new(problem))
        }))
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    read_json(&bytes(response).await?)
}

async fn bytes(response: Response) -> Result<Vec<u8>, Error> {
    // They are UTF-8 already; `text()` would go by UTF-16.
    response.binary().await.map_err(|_| Error::Unreachable)
}

// Tasks are the largest things to read, and the list is there without them.
later! {
    fn read_task(json: Vec<u8>) -> Result<Task, Error> {
        read_json(&json)
    }
}

later! {
    fn task_page(json: Vec<u8>) -> Result<TaskPage, Error> {
        read_json(&json)
    }
}

#[cfg(feature = "split")]
impl From<leptos::wasm_split::SplitLoaderError> for Error {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self::Unreachable
    }
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_by_its_name() {
        let removed = event("vm_removed", r#"{"node":"hoge","vmid":14}"#);
        assert!(matches!(removed, Ok(Event::VmRemoved(vm)) if vm.vmid == 14));
        assert!(matches!(
            event("reset", r#"{"revision":7}"#),
            Ok(Event::Reset(_))
        ));
    }

    #[test]
    fn an_event_that_cannot_be_read_is_an_error() {
        assert!(matches!(event("vm", "{}"), Err(Error::Unreadable(_))));
        assert!(matches!(event("else", "{}"), Err(Error::Unreadable(_))));
    }
}
