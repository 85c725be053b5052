/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which connections are left out while the reader cannot take all of them. It says how many, and changes that as it goes on. */
#pragma once

#include "peers.h"
#include "unix.h"

/* So many of 256 connections are left out. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
} left_out SEC(".maps");

static u32 connection_number(const struct socket_state *state, u64 peer);
static u16 peer_port(const struct socket_state *state, u64 peer);

/*
 * Whether a connection is left out. Both ends come to the same answer, since they share two ports, or the socket of the client. It is
 * asked anew only where a request begins, so that every exchange is told whole; each datagram is asked for itself, by the ports of
 * its peer. Whoever is told no asks again without changing that.
 */
INLINE int is_left_out(struct socket_state *state, u8 transfer, u64 peer)
{
	u32 zero = 0;
	u32 *number = bpf_map_lookup_elem(&left_out, &zero);
	u8 question = state->role == ROLE_SERVER ? TRANSFER_RECEIVED : TRANSFER_SENT;
	int is_asked = transfer == question && state->last_told != question;

	state->last_told = transfer;
	if (!number || (!*number && !state->is_left_out))
		return 0;
	if (is_asked || state->endpoints.protocol == IPPROTO_UDP)
		state->is_left_out = (connection_number(state, peer) * 0x9e3779b1u) >> 24 < *number;
	if (state->is_left_out)
		count(COUNT_LEFT_OUT);
	return state->is_left_out;
}

/* The same at both ends. */
INLINE u32 connection_number(const struct socket_state *state, u64 peer)
{
	const struct endpoints *ends = &state->endpoints;

	if (is_unix(ends))
		return *(const u32 *)(state->role == ROLE_SERVER ? ends->remote : ends->local);
	return ends->local_port ^ peer_port(state, peer);
}

/* A datagram socket that is not connected has its peer in the call. */
INLINE u16 peer_port(const struct socket_state *state, u64 peer)
{
	struct sockaddr_any address = {};

	if (state->endpoints.remote_port || !peer)
		return state->endpoints.remote_port;
	read_sockaddr(&address, peer);
	return swap16(address.port);
}
