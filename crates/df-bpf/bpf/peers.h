/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The other end of a datagram whose socket is not connected: in the memory of the process, or as the kernel told it before. */
#pragma once

#include "maps.h"

#ifndef REDUCED

/* No address of a process: the peer was heard. */
enum { PEER_HEARD = 1 };

/* From whom a thread received last, by the kernel's address of the thread. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 8192);
	MAP_UINT(key_size, sizeof(u64));
	MAP_UINT(value_size, sizeof(struct sockaddr_any));
} heard SEC(".maps");

/* What the kernel is about to give a process that asked from whom a datagram is. The layout never changes. */
struct bpf_sock_addr {
	u32 user_family;
	u32 user_ip4;
	u32 user_ip6[4];
	u32 user_port;
};

INLINE void note_heard(const struct sockaddr_any *peer)
{
	u64 thread = bpf_get_current_task();

	bpf_map_update_elem(&heard, &thread, peer, BPF_ANY);
}

/* These could change what the process is told, and do not: they only read. 1: the process gets it. */
SEC("cgroup/recvmsg4") int on_heard4(struct bpf_sock_addr *context)
{
	struct sockaddr_any peer = { .family = AF_INET, .port = context->user_port };

	peer.ipv4 = context->user_ip4;
	note_heard(&peer);
	return 1;
}

SEC("cgroup/recvmsg6") int on_heard6(struct bpf_sock_addr *context)
{
	struct sockaddr_any peer = { .family = AF_INET6, .port = context->user_port };
	u32 *address = (u32 *)peer.ipv6;

	address[0] = context->user_ip6[0];
	address[1] = context->user_ip6[1];
	address[2] = context->user_ip6[2];
	address[3] = context->user_ip6[3];
	note_heard(&peer);
	return 1;
}

INLINE int read_heard(struct sockaddr_any *peer)
{
	u64 thread = bpf_get_current_task();
	const struct sockaddr_any *there = bpf_map_lookup_elem(&heard, &thread);

	if (!there)
		return 0;
	*peer = *there;
	return 1;
}

#endif

/* 0: it cannot be read. */
INLINE int read_sockaddr(struct sockaddr_any *peer, u64 address)
{
#ifndef REDUCED
	if (address == PEER_HEARD)
		return read_heard(peer);
#endif
	return !bpf_probe_read_user(peer, sizeof(*peer), (void *)address) ||
	       !bpf_probe_read_user(peer, 16, (void *)address);
}
