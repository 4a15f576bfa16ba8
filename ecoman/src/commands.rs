//! The commands, a file each.

pub(crate) mod access;
pub(crate) mod crawler;
pub(crate) mod dashboard;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod executor;
pub(crate) mod generate;
pub(crate) mod healthcheck;
pub(crate) mod openapi;
pub(crate) mod parse;
pub(crate) mod trust;
pub(crate) mod up;
