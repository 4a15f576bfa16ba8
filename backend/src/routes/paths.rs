//! The parameters in paths. An invalid one names nothing, so the answer is 404.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use ecoman_api::DeviceKey;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::http;

/// The path of a node.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct NodePath {
    /// Name of the node.
    #[param(example = "hoge")]
    pub(super) node: String,
}

/// The path of a VM.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct VmPath {
    /// Name of the node.
    #[param(example = "hoge")]
    pub(super) node: String,
    /// Id of the VM on its node.
    #[param(value_type = u32, minimum = 0, maximum = 4_294_967_295_u32, example = 14)]
    pub(super) vmid: String,
}

/// The path of a snapshot.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SnapshotPath {
    /// Name of the node.
    #[param(example = "hoge")]
    pub(super) node: String,
    /// Id of the VM on its node.
    #[param(value_type = u32, minimum = 0, maximum = 4_294_967_295_u32, example = 14)]
    pub(super) vmid: String,
    /// Id of the snapshot on its VM.
    #[param(value_type = u32, minimum = 0, maximum = 4_294_967_295_u32, example = 15)]
    pub(super) id: String,
}

impl SnapshotPath {
    /// # Errors
    ///
    /// [`http::Error::NotFound`]: it is no number.
    pub(super) fn id(&self) -> Result<u32, http::Error> {
        self.id.parse().map_err(|_| http::Error::NotFound)
    }
}

/// The path of a device of a VM.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DevicePath {
    /// Name of the node.
    #[param(example = "hoge")]
    pub(super) node: String,
    /// Id of the VM on its node.
    #[param(value_type = u32, minimum = 0, maximum = 4_294_967_295_u32, example = 14)]
    pub(super) vmid: String,
    /// Which device: its name in the VM's `.vmx`, `key` of the VM's hardware.
    #[param(example = "scsi0:0")]
    pub(super) key: String,
}

impl DevicePath {
    /// # Errors
    ///
    /// [`http::Error::NotFound`]: it is none that `is`.
    pub(super) fn key(&self, is: fn(&DeviceKey) -> bool) -> Result<DeviceKey, http::Error> {
        let key: Option<DeviceKey> = self.key.parse().ok();
        key.filter(is).ok_or(http::Error::NotFound)
    }
}

/// The path of a VM in the original's calls.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MachinePath {
    /// Name of the node.
    #[param(example = "hoge")]
    pub(super) node: String,
    /// Id of the VM on its node.
    #[param(value_type = u32, minimum = 0, maximum = 4_294_967_295_u32, example = 14)]
    pub(super) id: String,
}

/// The only parameter of a path: an id or a name.
#[derive(Debug)]
pub(crate) struct IdPath(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for NodePath {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, http::Error> {
        let node = read(parts, state).await?;
        Ok(Self { node })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for VmPath {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, http::Error> {
        let (node, vmid) = read(parts, state).await?;
        Ok(Self { node, vmid })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SnapshotPath {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, http::Error> {
        let (node, vmid, id) = read(parts, state).await?;
        Ok(Self { node, vmid, id })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DevicePath {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, http::Error> {
        let (node, vmid, key) = read(parts, state).await?;
        Ok(Self { node, vmid, key })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MachinePath {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, http::Error> {
        let (node, id) = read(parts, state).await?;
        Ok(Self { node, id })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdPath {
    type Rejection = http::Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, http::Error> {
        read(parts, state).await.map(Self)
    }
}

/// # Errors
///
/// [`http::Error::NotFound`]: a part of the path is not UTF-8.
async fn read<T: DeserializeOwned + Send, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<T, http::Error> {
    let path = Path::from_request_parts(parts, state).await;
    path.map(|Path(parameters)| parameters)
        .map_err(|_| http::Error::NotFound)
}
