/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unix sockets: who is at their ends, which path leads there, and how many bytes went through. */
#pragma once

#include "maps.h"

#ifdef REDUCED

/* There is no room for the instructions that they take. */
INLINE int is_unix(const struct endpoints *ends)
{
	(void)ends;
	return 0;
}

INLINE int read_unix_ends(struct sock *sock, struct endpoints *ends)
{
	(void)sock;
	(void)ends;
	return 0;
}

INLINE u8 unix_role_of(struct sock *sock)
{
	(void)sock;
	return ROLE_UNKNOWN;
}

INLINE void begin_unix_stream(struct socket_state *state, u8 is_from_start)
{
	(void)state;
	(void)is_from_start;
}

INLINE void move_unix_stream(struct socket_state *state, struct moved *moved)
{
	(void)state;
	(void)moved;
}

#else

static u64 inode_of(struct socket *socket);

/* The verifier removes what follows where they are not asked for. */
INLINE int is_unix(const struct endpoints *ends)
{
	return df_unix_sockets && ends->family == AF_UNIX;
}

/*
 * In the places of the addresses stand the inode numbers of both sockets; that of the other one is 0 if its process has closed it, or if
 * nobody has accepted it yet. 0: it is not a stream, or not asked for.
 */
INLINE int read_unix_ends(struct sock *sock, struct endpoints *ends)
{
	struct sock *peer;

	if (!df_unix_sockets || READ(sock, sk_type) != SOCK_STREAM)
		return 0;
	peer = READ((struct unix_sock *)sock, peer);
	*(u64 *)ends->local = inode_of(READ(sock, sk_socket));
	*(u64 *)ends->remote = peer ? inode_of(READ(peer, sk_socket)) : 0;
	return 1;
}

/* A socket that was accepted has the address of the one that listens; whoever connects needs none. */
INLINE u8 unix_role_of(struct sock *sock)
{
	struct sock *peer = READ((struct unix_sock *)sock, peer);
	int has_own = READ((struct unix_sock *)sock, addr) != NULL;
	int has_other = peer && READ((struct unix_sock *)peer, addr);

	if (has_own == has_other)
		return ROLE_UNKNOWN;
	return has_own ? ROLE_SERVER : ROLE_CLIENT;
}

/*
 * The kernel does not number the bytes of such a stream: they are counted. From the start both ends count alike. Else the count
 * begins at the time, so that one that begins anew, for the socket was forgotten meanwhile, goes on behind the one before.
 */
INLINE void begin_unix_stream(struct socket_state *state, u8 is_from_start)
{
	if (!is_unix(&state->endpoints))
		return;
	state->sent_bytes = state->received_bytes = is_from_start ? 0 : bpf_ktime_get_ns();
	state->is_from_start = is_from_start;
}

/* Says where in the stream bytes stand that moved, and moves it on by them. */
INLINE void move_unix_stream(struct socket_state *state, struct moved *moved)
{
	if (!is_unix(&state->endpoints))
		return;
	if (moved->transfer == TRANSFER_SENT) {
		moved->offset = state->sent_bytes;
		__sync_fetch_and_add(&state->sent_bytes, moved->length);
	} else {
		moved->offset = state->received_bytes;
		__sync_fetch_and_add(&state->received_bytes, moved->length);
	}
	moved->sequence_number = moved->offset;
	moved->flags = RECORD_IS_COUNTED | (state->is_from_start ? RECORD_HAS_SEQUENCE_NUMBER : 0);
}

#endif
