/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets that end: by a system call, or with the last process that had them. */
#pragma once

#include "capture.h"
#include "causality.h"
#include "socket.h"

/* Tells that a socket ends, once; it is forgotten unless it is only shut down. */
SUBPROGRAM int end_socket(struct socket_alloc *socket, struct sock *sock, u8 function)
{
	u64 inode = READ(socket, vfs_inode.i_ino);
	struct socket_state *state = known_state_of(inode, (u64)sock);

	if (!state)
		return 0;
	if (!state->is_ignored && !state->is_end_told && !is_process_filtered()) {
		end_request(state);
		state->is_end_told = 1;
		emit_socket(RECORD_CLOSED, state, inode, function);
	}
	if (function != FUNCTION_SHUTDOWN)
		bpf_map_delete_elem(&sockets, &inode);
	return 0;
}

/*
 * What a process leaves open when it ends is closed by the kernel: no system call tells. TCP tells by the state of the
 * socket, in the thread that ends. A packet that arrives meanwhile changes states too: then nobody owns the socket.
 */
SEC("raw_tracepoint/inet_sock_set_state") int on_socket_state(u64 *arguments)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct sock *sock = (void *)arguments[0];
	int state = arguments[2];
	struct socket *socket;

	if ((state != TCP_FIN_WAIT_1 && state != TCP_LAST_ACK && state != TCP_CLOSE) ||
	    !(READ(task, flags) & PF_EXITING) || !READ(sock, sk_lock.owned))
		return 0;
	socket = READ(sock, sk_socket);
	/* Such a socket is always part of that structure. */
	return socket ? end_socket((struct socket_alloc *)socket, sock, FUNCTION_NONE) : 0;
}
