//! The hashes by which flows are found, the same in both directions.

use std::net::IpAddr;

use df_core::{Address, Endpoint, FlowKey, Packet};

/// A hash of a flow, equal for both directions.
#[inline]
pub(crate) fn flow_hash(key: &FlowKey, seed: u64) -> u64 {
    let ends = endpoint_hash(key.client, seed).wrapping_add(endpoint_hash(key.server, seed));
    let place = (u64::from(key.vlan.outer.map_or(0, |tag| tag + 1)) << 32)
        | (u64::from(key.vlan.inner.map_or(0, |tag| tag + 1)) << 48)
        | u64::from(key.interface.0);
    let network = key.virtual_network.map_or(0, |network| u64::from(network.id()) + 1);
    mix(ends ^ place, K1 ^ key.transport as u64 ^ (network << 8))
}

/// A hash of two ends, equal for both directions.
pub(crate) fn ends_hash(ends: [Endpoint; 2], seed: u64) -> u64 {
    let [one, other] = ends.map(|end| endpoint_hash(end, seed));
    mix(one.wrapping_add(other), K1)
}

/// Identifies a flow in records: the same in each run over the same packets.
pub(crate) fn record_id(key: &FlowKey, number: u64) -> u64 {
    let vlan = |tag: Option<u16>| u64::from(tag.map_or(0, |tag| tag + 1));
    let place = u64::from(key.interface.0) | (vlan(key.vlan.outer) << 32) | (vlan(key.vlan.inner) << 48);
    mix(mix(ends_hash([key.client, key.server], SHARD_SEED) ^ place, key.transport as u64), number)
}

/// Which of `shards` a packet belongs to, so that both directions of a flow meet in the same one, be they in different
/// networks, and the ICMP errors that quote it too.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the product of a 32-bit fraction and the count is below the count"
)]
pub fn shard_of(packet: &Packet<'_>, shards: usize) -> usize {
    let ends =
        packet.quoted.map_or([packet.source, packet.destination], |quoted| [quoted.client, quoted.server]);
    let fraction = ends_hash(ends, SHARD_SEED) >> 32;
    ((fraction * shards as u64) >> 32) as usize
}

fn endpoint_hash(endpoint: Endpoint, seed: u64) -> u64 {
    let port = u64::from(endpoint.port);
    match endpoint.address {
        Address::Ip(IpAddr::V4(ip)) => mix(u64::from(ip.to_bits()) | (port << 32), seed ^ K0),
        Address::Ip(IpAddr::V6(ip)) => {
            let bits = ip.to_bits();
            #[allow(clippy::cast_possible_truncation, reason = "both halves are hashed")]
            let (high, low) = ((bits >> 64) as u64, bits as u64);
            mix(mix(high, seed ^ K0) ^ low, port.wrapping_add(K1))
        }
        // Its path has another number in each run: only packets are told apart by this hash, and none has such an end.
        Address::Unix(unix) => mix(u64::from(unix.inode().unwrap_or(0)), seed ^ K1),
    }
}

/// Folds the 128-bit product of both numbers: one multiplication, every bit of the result depends on every input bit.
#[allow(clippy::cast_possible_truncation, reason = "both halves of the product are used")]
const fn mix(left: u64, right: u64) -> u64 {
    let product = ((left ^ K2) as u128).wrapping_mul((right | 1) as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd1b5_4a32_d192_ed03;
const K2: u64 = 0x8cb9_2ba7_2f3d_8dd7;
const SHARD_SEED: u64 = 0x2545_f491_4f6c_dd1d;
