//! The parts of packages beside the command, and the manifests for Kubernetes.

mod generate;
mod health;
pub mod kubernetes;
