//! The field `tunnel`: the tunnels around a flow's packets, outermost first.

use std::net::IpAddr;

use df_core::Tunnel;
use serde::Serialize;

/// One tunnel as the record has it.
#[derive(Serialize)]
pub(super) struct TunnelPart {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dst: Option<IpAddr>,
}

/// The tunnels as the record has them.
pub(super) fn tunnel_parts(tunnels: &[Tunnel]) -> Vec<TunnelPart> {
    let part = |tunnel: &Tunnel| TunnelPart {
        kind: tunnel.kind.name(),
        id: tunnel.id,
        src: tunnel.source,
        dst: tunnel.destination,
    };
    tunnels.iter().map(part).collect()
}
