/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets that end: by a system call that says so, or by one that only happens to close them. */
#pragma once

#include "capture.h"
#include "causality.h"
#include "openings.h"
#include "socket.h"

/* Tells that a socket ends, once. It is forgotten when it is closed. */
SUBPROGRAM int end_socket(struct socket_alloc *socket, struct sock *sock, u8 function)
{
	u64 inode = inode_of(&socket->socket);
	struct socket_state *state = known_state_of(inode, (u64)sock);
	/* One that was shut down may be read to its end. */
	int is_closed = function == FUNCTION_CLOSE ||
			(function == FUNCTION_NONE && !is_referenced(READ(socket, socket.file)));

	if (!state && is_unopened(sock))
		state = state_read_now(sock, inode, NULL);
	if (!state)
		return 0;
	if (!state->is_ignored && !state->is_end_told && !is_process_filtered()) {
		settle_opening(state, sock, inode);
		end_request(state, NULL);
		state->is_end_told = 1;
		emit_socket(RECORD_CLOSED, state, inode, function, bpf_ktime_get_ns());
	}
	if (is_closed)
		bpf_map_delete_elem(&sockets, &inode);
	return 0;
}

/*
 * What a process leaves open when it ends, when it runs another program, or when it puts another file in the place of a
 * socket, is closed by the kernel: no call of close tells. TCP tells by the state of the socket: whoever closes it owns it
 * and has turned off both directions. A packet that ends a connection changes states too, of a socket that nobody owns, or
 * before the directions are turned off.
 */
INLINE int socket_changes(struct sock *sock, int state)
{
	struct socket *socket;

	if ((state != TCP_FIN_WAIT_1 && state != TCP_FIN_WAIT_2 && state != TCP_LAST_ACK && state != TCP_CLOSE) ||
	    READ(sock, sk_shutdown) != BOTH_SHUT_DOWN || !READ(sock, sk_lock.owned))
		return 0;
	socket = READ(sock, sk_socket);
	/* Such a socket is always part of that structure. */
	return socket ? end_socket((struct socket_alloc *)socket, sock, FUNCTION_NONE) : 0;
}

#ifdef REDUCED

/* There since 4.16; before, such sockets are told only by what closes them. */
SEC("tracepoint/on_socket_state") int on_socket_state(struct socket_change *context)
{
	socket_changes(context->sock, context->new_state);
	hand_over(context);
	return 0;
}

#else

SEC("raw_tracepoint/inet_sock_set_state") int on_socket_state(u64 *arguments)
{
	return socket_changes((void *)arguments[0], arguments[2]);
}

#endif
