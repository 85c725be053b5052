/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections that no call tells of when they are made: they are told of later, with the time at which that was. */
#pragma once

#include "capture.h"
#include "socket.h"

#ifdef REDUCED

/* Calls tell of all. */
INLINE int is_unopened(struct sock *sock)
{
	(void)sock;
	return 0;
}

INLINE void settle_opening(struct socket_state *state, struct sock *sock, u64 inode)
{
	(void)state;
	(void)sock;
	(void)inode;
}

#else

/* When they were made, by the kernel's address of the socket. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 8192);
	MAP_UINT(key_size, sizeof(u64));
	MAP_UINT(value_size, sizeof(u64));
} unopened SEC(".maps");

INLINE void note_unopened(struct sock *sock)
{
	u64 key = (u64)sock, now = bpf_ktime_get_ns();

	bpf_map_update_elem(&unopened, &key, &now, BPF_ANY);
}

INLINE int is_unopened(struct sock *sock)
{
	u64 key = (u64)sock;

	return bpf_map_lookup_elem(&unopened, &key) != NULL;
}

/* Tells of it now, if it is one of these. */
SUBPROGRAM int tell_opening(struct socket_state *state, struct sock *sock, u64 inode)
{
	u64 key = (u64)sock;
	u64 *made_ns = bpf_map_lookup_elem(&unopened, &key);

	if (!state || !made_ns)
		return 0;
	emit_socket(RECORD_OPENED, state, inode, state->role == ROLE_SERVER ? FUNCTION_ACCEPT4 : FUNCTION_CONNECT,
		    *made_ns);
	bpf_map_delete_elem(&unopened, &key);
	return 0;
}

INLINE void settle_opening(struct socket_state *state, struct sock *sock, u64 inode)
{
	if (!state->is_opening_settled)
		tell_opening(state, sock, inode);
	state->is_opening_settled = 1;
}

#endif
