//! The only place that talks to the server: typed calls, one error, the stream of events.

mod access;
mod deletion;
mod hardware;
mod history;
mod http;
mod settings;
mod snapshots;
mod stream;

use chrono::{DateTime, Utc};
use ecoman_api::{
    AnswerQuestion, Config, CreateVm, NodePage, SetPower, Task, TaskId, TaskPage, Vm, VmPage,
};
use gloo_net::http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::http::{
    ROOT, change, change_for_bytes, csv, get, get_bytes, get_with_headers, read_json, read_task,
    task_page, vm_path,
};
use crate::clock;
use crate::state::task_filter::TaskFilter;

pub(crate) use self::access::{
    audit, audit_csv, change_password, create_token, create_user, delete_user, is_signed_out,
    mark_seen, revoke_token, seen_tasks, session, sign_in, sign_out, tokens, update_user, users,
};
pub(crate) use self::deletion::{delete_vm, vm_files};
pub(crate) use self::hardware::{change_cdrom, grow_disk, hardware, move_nic};
pub(crate) use self::history::{history, history_csv};
pub(crate) use self::http::shed_dead_connections;
pub(crate) use self::settings::{Updated, cancel_pending, update_vm};
pub(crate) use self::snapshots::{
    create_snapshot, remove_all_snapshots, remove_snapshot, revert_to_snapshot, snapshots,
};
pub(crate) use self::stream::{
    EventStream, PING, Tabs, is_visible, on_document, read_event, tab_number,
};
pub(crate) use crate::state::error::Error;

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

/// Has a node polled before its time.
pub(crate) async fn poll_node(name: &str) -> Result<(), Error> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let request = Request::post(&format!("{ROOT}/nodes/{name}/poll"));
    change_for_bytes(request, None::<&()>).await.map(drop)
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
    get(&vm_path(node, vmid)).await
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
    task_page(get_bytes(&path).await?).await
}

/// One task.
pub(crate) async fn task(id: TaskId) -> Result<Task, Error> {
    read_task(get_bytes(&format!("{ROOT}/tasks/{id}")).await?).await
}

/// Cancels a task.
pub(crate) async fn cancel(id: TaskId) -> Result<Task, Error> {
    let request = Request::post(&format!("{ROOT}/tasks/{id}/cancel"));
    read_task(change_for_bytes(request, None::<&()>).await?).await
}

/// Asks for a change of power. The same `key` again is the same change.
pub(crate) async fn set_power(
    node: &str,
    vmid: u32,
    wanted: SetPower,
    key: &str,
) -> Result<Task, Error> {
    let path = format!("{}/power", vm_path(node, vmid));
    let request = Request::put(&path).header("Idempotency-Key", key);
    change(request, &wanted).await
}

/// Answers the question that a VM waits with.
pub(crate) async fn answer(node: &str, vmid: u32, answer: AnswerQuestion) -> Result<Task, Error> {
    let request = Request::post(&format!("{}/question", vm_path(node, vmid)));
    change(request, &answer).await
}

/// Asks for a new VM. The same `key` again is the same VM.
pub(crate) async fn create(wanted: &CreateVm, key: &str) -> Result<Task, Error> {
    let request = Request::post(&format!("{ROOT}/vms")).header("Idempotency-Key", key);
    change(request, wanted).await
}

/// What the server reports of itself, and the time on its clock.
pub(crate) async fn config() -> Result<(Config, Option<DateTime<Utc>>), Error> {
    let (headers, body) = get_with_headers(&format!("{ROOT}/config")).await?;
    let time = headers
        .get("date")
        .and_then(|text| clock::from_milliseconds(js_sys::Date::parse(&text)));
    Ok((read_json(&body)?, time))
}

/// A key for one attempt, unlike every other.
pub(crate) fn fresh_key() -> String {
    let random = || js_sys::Math::random().to_bits();
    format!(
        "{:x}-{:x}-{:x}",
        js_sys::Date::now().to_bits(),
        random(),
        random()
    )
}
