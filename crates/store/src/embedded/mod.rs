//! The store in one file, by redb: for one machine and one process, nothing to install.

mod audit;
mod file;
mod history;
mod nodes;
mod pending;
mod salvage;
mod tables;
mod tasks;

pub use file::EmbeddedStore;
pub use salvage::Salvage;
