//! Looks around, makes a VM, switches it on and off, and meets a few refusals.

use anyhow::{Context as _, Result, bail};

use ecoman::types::{self, CreateVm, PowerAction, Problem, SetPower, Task, TaskRequest, TaskState};
use ecoman::{Client, Error};

/// The generated client.
#[allow(
    unreachable_patterns,
    reason = "single statuses stand beside their ranges"
)]
mod ecoman {
    include!(concat!(env!("OUT_DIR"), "/ecoman.rs"));
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let url = std::env::args()
        .nth(1)
        .context("usage: ecoman-client-example URL")?;
    // Without a time-out of its own, since it waits for tasks.
    let client = Client::new_with_client(&url, reqwest::Client::new());

    // All VMs, and some.
    let all = client.list_vms().send().await?.into_inner();
    let names: Vec<_> = all
        .items
        .iter()
        .filter_map(|vm| vm.name.as_deref())
        .collect();
    assert_eq!(names, ["web-2", "web-1", "db-1"]);
    let large = client
        .list_vms()
        .q("node:hoge memory:>8GB")
        .sort("-memory")
        .limit(10);
    let large = large.send().await?.into_inner();
    assert_eq!(large.total, 1);
    let [db] = large.items.as_slice() else {
        bail!("{} VMs instead of one", large.items.len());
    };
    assert_eq!(db.large, [types::Resource::Cpu, types::Resource::Memory]);

    // One of them. What is not known is None.
    let one = client.get_vm().node(&db.node).vmid(db.vmid).send().await?;
    assert_eq!(one.comment.as_deref(), Some("owner: ops"));
    assert_eq!(one.power, types::PowerState::Off);
    assert_eq!(one.ip_address, None);

    // A new one, asked for twice and made once.
    let create = || {
        let vm = CreateVm::builder()
            .node("fuga")
            .name("made-in-rust")
            .cpus(1)
            .memory_mb(1024)
            .disk_gb(1)
            .power_on(false);
        client.create_vm().idempotency_key("rust-1").body(vm).send()
    };
    let created = ended(&client, create().await?.into_inner()).await?;
    assert_eq!(created.state, TaskState::Succeeded, "{:?}", created.error);
    assert!(matches!(created.request, TaskRequest::CreateRequest(_)));
    assert_eq!(*create().await?.id, *created.id);
    let (node, vmid) = (created.node, created.vm.context("no VM was made")?.vmid);

    // Until the crawler has seen the VM, it is not there.
    let get = || client.get_vm().node(&node).vmid(vmid).send();
    while let Err(error) = get().await {
        assert_eq!(problem(error)?.status, 404);
    }

    // Power: on, and then it is on already.
    let power = |action| {
        let body = SetPower::builder().action(action);
        client.set_power().node(&node).vmid(vmid).body(body).send()
    };
    let task = ended(&client, power(PowerAction::On).await?.into_inner()).await?;
    assert_eq!(task.state, TaskState::Succeeded, "{:?}", task.error);
    // What was seen before the end of a task refuses nothing: then the node itself is asked.
    let end = task.finished_at.context("it has ended")?;
    loop {
        let vm = get().await?;
        if vm.power == types::PowerState::On && vm.observed_at > end {
            break;
        }
    }
    let refused = problem(power(PowerAction::On).await.err().context("it is on")?)?;
    assert_eq!(
        (refused.status, &*refused.type_),
        (409, "urn:ecoman:problem:refused")
    );
    let task = ended(&client, power(PowerAction::Off).await?.into_inner()).await?;
    assert_eq!(task.state, TaskState::Succeeded, "{:?}", task.error);

    // Problems have a type and say what is wrong where.
    let nobody = client.get_vm().node("hoge").vmid(4000).send().await;
    let nobody = problem(nobody.err().context("there is no VM 4000")?)?;
    assert_eq!(nobody.type_, "urn:ecoman:problem:vm-not-found");
    let nonsense = client.list_vms().q("memory:>lots").send().await;
    let nonsense = problem(nonsense.err().context("lots is no number")?)?;
    assert_eq!((nonsense.status, &*nonsense.errors[0].pointer), (400, "?q"));

    println!("list, filter, get, create, power, wait and errors: as they should be");
    Ok(())
}

/// The result of a task, which may take longer than one request waits.
async fn ended(client: &Client, mut task: Task) -> Result<Task> {
    while matches!(task.state, TaskState::Queued | TaskState::Running) {
        task = client
            .get_task()
            .id(task.id)
            .wait(60)
            .send()
            .await?
            .into_inner();
    }
    Ok(task)
}

/// The problem that the server answered with.
fn problem(error: Error<Problem>) -> Result<Problem> {
    match error {
        Error::ErrorResponse(response) => Ok(response.into_inner()),
        other => Err(other.into()),
    }
}
