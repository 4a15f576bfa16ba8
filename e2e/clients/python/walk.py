"""Looks around, makes a VM, switches it on and off, and meets a few refusals."""

import sys

from httpx import Timeout

from ecoman_client import Client
from ecoman_client.api.tasks import get_task
from ecoman_client.api.virtual_machines import create_vm, get_vm, list_vms, set_power
from ecoman_client.models import (
    CreateVm,
    PowerAction,
    PowerState,
    Problem,
    Resource,
    SetPower,
    Task,
    TaskState,
    Vm,
    VmPage,
)

ecoman = Client(base_url=sys.argv[1], timeout=Timeout(90))


def ended(task: Task | Problem | None) -> Task:
    """The end of a task, which may take longer than one request waits."""
    assert isinstance(task, Task), task
    while task.state in (TaskState.QUEUED, TaskState.RUNNING):
        task = get_task.sync(task.id, client=ecoman, wait=60)
        assert isinstance(task, Task), task
    return task


# All VMs, and some.
everything = list_vms.sync(client=ecoman)
assert isinstance(everything, VmPage), everything
assert [vm.name for vm in everything.items] == ["web-2", "web-1", "db-1"]
large = list_vms.sync(client=ecoman, q="node:hoge memory:>8GB", sort="-memory", limit=10)
assert isinstance(large, VmPage) and large.total == 1, large
[db] = large.items
assert db.large == [Resource.CPU, Resource.MEMORY]

# One of them. What is not known is None.
one = get_vm.sync(db.node, db.vmid, client=ecoman)
assert isinstance(one, Vm), one
assert one.comment == "owner: ops"
assert one.power == PowerState.OFF
assert one.ip_address is None


# A new one, asked for twice and made once.
def create() -> Task | Problem | None:
    return create_vm.sync(
        client=ecoman,
        idempotency_key="python-1",
        body=CreateVm(
            node="fuga",
            name="made-in-python",
            cpus=1,
            memory_mb=1024,
            disk_gb=1,
            power_on=False,
        ),
    )


created = ended(create())
assert created.state == TaskState.SUCCEEDED, created.error
assert created.request.kind == "create"
again = create()
assert isinstance(again, Task) and again.id == created.id
assert created.vm is not None
place = (created.node, created.vm.vmid)

# Until the crawler has seen the VM, it is not there.
while not isinstance(get_vm.sync(*place, client=ecoman), Vm):
    pass


# Power: on, and then it is on already.
def power(action: PowerAction) -> Task | Problem | None:
    return set_power.sync(*place, client=ecoman, body=SetPower(action=action))


on = ended(power(PowerAction.ON))
assert on.state == TaskState.SUCCEEDED
assert on.finished_at is not None


# What was seen before the end of a task refuses nothing: then the node itself is asked.
def is_seen_on() -> bool:
    vm = get_vm.sync(*place, client=ecoman)
    return isinstance(vm, Vm) and vm.power == PowerState.ON and vm.observed_at > on.finished_at


while not is_seen_on():
    pass
refused = power(PowerAction.ON)
assert isinstance(refused, Problem), refused
assert (refused.status, refused.type_) == (409, "urn:ecoman:problem:refused")
assert ended(power(PowerAction.OFF)).state == TaskState.SUCCEEDED

# Problems have a type and say what is wrong where.
nobody = get_vm.sync("hoge", 4000, client=ecoman)
assert isinstance(nobody, Problem), nobody
assert nobody.type_ == "urn:ecoman:problem:vm-not-found"
nonsense = list_vms.sync(client=ecoman, q="memory:>lots")
assert isinstance(nonsense, Problem), nonsense
assert nonsense.status == 400
assert nonsense.errors[0].pointer == "?q"

print("list, filter, get, create, power, wait and errors: as they should be")
