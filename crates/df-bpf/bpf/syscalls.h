/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happens when a system call on a socket is entered and left, whatever hook tells of it. */
#pragma once

#include "capture.h"
#include "causality.h"
#include "ciphertext.h"
#include "ends.h"
#include "socket.h"

/* Most messages of one recvmmsg or sendmmsg that are told of. */
#ifdef REDUCED
enum { MAX_MESSAGES = 2 };
#else
enum { MAX_MESSAGES = 8 };
#endif

static struct thread *own_thread(void);
static struct thread *new_thread(u32 tid);
static int is_left_to_socket(const struct socket_state *state, const struct call *asked);
static int is_nginx(void);
static int is_stream_data(const struct call *call, s64 result);
static void leave_connect(struct thread *thread, s64 result);
static struct socket_state *state_of_call(const struct call *call);
static int emit_message(struct thread *thread, struct socket_state *state, u64 result);
static struct socket_state *state_found_again(const struct call *call);
static void describe_message(struct moved *moved, const struct call *call, u64 result);

/* A call that is about to move bytes or to connect: notes who, where and at which place of the stream. */
SUBPROGRAM int enter_transfer(const struct call *asked)
{
	struct socket_view view = {};
	struct thread *thread;
	struct call *call;

	if (!asked || !find_socket(asked->descriptor, &view))
		return 0;
	/* A connection is about to be made: what was known of the socket no longer holds. */
	if (asked->function == FUNCTION_CONNECT) {
		bpf_map_delete_elem(&sockets, &view.inode);
		view.state = state_read_now(view.sock, view.inode, NULL);
	}
	if (!view.state || is_left_to_socket(view.state, asked))
		return 0;
	thread = own_thread();
	if (!thread)
		return 0;
	call = &thread->call;
	*call = *asked;
	call->entry_ns = bpf_ktime_get_ns();
	call->inode = view.inode;
	call->socket = (u64)view.sock;
	if (view.state->endpoints.protocol == IPPROTO_TCP)
		call->sequence_number = sequence_number_of(view.sock, asked->transfer);
	call->is_active = 1;
	return 0;
}

/* Calls that cannot ask from whom a datagram is need no hooks of another kind. */
INLINE int is_left_to_socket(const struct socket_state *state, const struct call *asked)
{
	enum told told = told_by_socket(state, asked->transfer);
	u8 function = asked->function;

	if (told != TOLD_UNLESS_PEER_ASKED)
		return told == TOLD;
	return function != FUNCTION_RECVFROM && function != FUNCTION_RECVMSG && function != FUNCTION_RECVMMSG;
}

/* The same call comes back. */
SUBPROGRAM int leave_call(void *context, s64 result, u32 max_messages)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);
	struct socket_state *state;
	struct call *call;
	u64 messages;

	if (!thread || !thread->call.is_active)
		return 0;
	call = &thread->call;
	call->is_active = 0;
	if (call->function == FUNCTION_CONNECT) {
		leave_connect(thread, result);
		hand_over(context);
		return 0;
	}
	if (!is_stream_data(call, result))
		return 0;
	state = state_of_call(call);
	if (!state)
		return 0;
	messages = call->shape == SHAPE_MESSAGES ? result : 1;
	UNROLLED
	for (u32 index = 0; index < max_messages && index < messages; index++) {
		emit_message(thread, state, result);
		hand_over(context);
		call->buffer += sizeof(struct mmsghdr);
	}
	if (messages > max_messages)
		count_many(COUNT_MESSAGES_CUT, messages - max_messages);
	return 0;
}

/* A connection was accepted: its ends are known only now. */
SUBPROGRAM int leave_accept(s64 result, u8 function)
{
	struct socket_view view = {};

	if (result < 0 || !find_socket(result, &view))
		return 0;
	view.state->role = ROLE_SERVER;
	begin_unix_stream(view.state, 1);
	emit_socket(RECORD_OPENED, view.state, view.inode, function, bpf_ktime_get_ns());
	return 0;
}

/* A socket is about to end: by shutdown, or as the last descriptor that stands for it is closed. */
SUBPROGRAM int enter_end(u32 descriptor, u8 function)
{
	struct file *file = file_of(descriptor);
	struct socket_alloc *socket;

	if (!file || !is_socket(file) || (function == FUNCTION_CLOSE && !is_last_reference(file)))
		return 0;
	socket = READ(file, private_data);
	return end_socket(socket, READ(socket, socket.sk), function);
}

INLINE struct thread *own_thread(void)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);

	return thread ? thread : new_thread(tid);
}

#ifdef REDUCED

SUBPROGRAM struct thread *new_thread(u32 tid)
{
	struct thread fresh = {};

	fresh.open.knows_handled = is_nginx() ? HANDLES_LAST : HANDLES_UNKNOWN;
	if (bpf_map_update_elem(&threads, &tid, &fresh, BPF_ANY)) {
		count(COUNT_FULL_THREADS);
		return NULL;
	}
	return bpf_map_lookup_elem(&threads, &tid);
}

#else

/* It is too large for the stack, of which callers together have 512 bytes. */
const struct thread df_fresh_thread = {};

INLINE struct thread *new_thread(u32 tid)
{
	struct thread *thread;

	if (bpf_map_update_elem(&threads, &tid, &df_fresh_thread, BPF_ANY)) {
		count(COUNT_FULL_THREADS);
		return NULL;
	}
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (thread)
		thread->open.knows_handled = is_nginx();
	return thread;
}

#endif

INLINE int is_nginx(void)
{
	u64 name[2] = {};

	bpf_get_current_comm(name, sizeof(name));
	/* "nginx" and its end, as a number: a text would be a variable. */
	return (name[0] & 0xffffffffffff) == 0x786e69676e;
}

/* Whether a call moved bytes of the stream: not those that stay, come beside it or are errors of what was sent. */
INLINE int is_stream_data(const struct call *call, s64 result)
{
	if (result <= 0)
		return 0;
	return call->transfer == TRANSFER_SENT || !(call->flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE));
}

INLINE void leave_connect(struct thread *thread, s64 result)
{
	const struct call *call = &thread->call;
	struct socket_view view = {};

	if (result && result != -EINPROGRESS)
		return;
	if (!find_socket(call->descriptor, &view))
		return;
	if (view.state->role == ROLE_UNKNOWN)
		view.state->role = ROLE_CLIENT;
	begin_unix_stream(view.state, 1);
	note_connecting(&thread->open, view.state);
	emit_socket(RECORD_OPENED, view.state, view.inode, FUNCTION_CONNECT, bpf_ktime_get_ns());
}

INLINE struct socket_state *state_of_call(const struct call *call)
{
	struct socket_state *state = known_state_of(call->inode, call->socket);

	if (!state)
		state = state_found_again(call);
	if (!state)
		count(COUNT_LOST_SOCKETS);
	return state;
}

/* Tells of what a call moved with one message, and moves the call's place in the stream on by as much. */
SUBPROGRAM int emit_message(struct thread *thread, struct socket_state *state, u64 result)
{
	enum tls_verdict tls;
	struct worker worker;
	struct moved *moved;
	struct call *call;

	if (!thread || !state)
		return 0;
	moved = moved_of(thread);
	if (!moved)
		return 0;
	call = &thread->call;
	/* A socket may have got its port, and by a fast opening its peer, by this very call. */
	if (!is_unix(&state->endpoints) && (!state->endpoints.local_port || !state->endpoints.remote_port))
		read_endpoints((void *)call->socket, &state->endpoints);
	describe_message(moved, call, result);
	moved->inode = call->inode;
	moved->exit_ns = bpf_ktime_get_ns();
	moved->entry_ns = call->entry_ns && call->entry_ns < moved->exit_ns ? call->entry_ns : moved->exit_ns;
	moved->sequence_number = call->sequence_number;
	moved->transfer = call->transfer;
	moved->source = SOURCE_SYSCALL;
	moved->function = call->function;
	moved->flags = state->endpoints.protocol == IPPROTO_TCP ? RECORD_HAS_SEQUENCE_NUMBER : 0;
	/* Such a call opens the connection too: there was no place in the stream before. */
	if (call->transfer == TRANSFER_SENT && call->flags & MSG_FASTOPEN)
		moved->sequence_number = sequence_number_of((void *)call->socket, TRANSFER_SENT) - moved->length;
	/* TCP throws such bytes away instead of copying them. */
	if (moved->flags && call->transfer == TRANSFER_RECEIVED && call->flags & MSG_TRUNC)
		moved->payload.base = 0;
	move_unix_stream(state, moved);
	if (call->shape == SHAPE_NONE)
		count(call->function == FUNCTION_SPLICE ? COUNT_SPLICE : COUNT_SENDFILE);
	tls = judge_ciphertext(thread, state);
	call->sequence_number += moved->length;
	if (tls == TLS_HIDDEN)
		return 0;
	worker = own_worker(thread, moved->exit_ns);
	moved->coroutine = worker.goroutine;
	/* A handshake is nobody's question. */
	moved->causal_id = tls == NO_TLS ? causal_id_of(&worker, state, call->transfer, thread) : 0;
	emit_data(state, moved);
	return 0;
}

/* A socket that was forgotten while the call waited, for there were many others. */
SUBPROGRAM struct socket_state *state_found_again(const struct call *call)
{
#ifdef REDUCED
	/* There is no room for the instructions that this takes. */
	(void)call;
	return NULL;
#else
	struct socket_view view = {};

	if (!call || !find_socket(call->descriptor, &view) || view.inode != call->inode)
		return NULL;
	return view.state;
#endif
}

/* Where the bytes of a message stand, how many there are and who is at the other end. */
INLINE void describe_message(struct moved *moved, const struct call *call, u64 result)
{
	struct mmsghdr message = {};

	moved->length = result;
	moved->peer = call->address;
	moved->payload.base = call->buffer;
	moved->payload.count = call->count;
	moved->payload.is_vector = call->shape == SHAPE_VECTOR;
	if (call->shape != SHAPE_MESSAGE && call->shape != SHAPE_MESSAGES)
		return;
	bpf_probe_read_user(&message, call->shape == SHAPE_MESSAGE ? sizeof(message.header) : sizeof(message),
			    (void *)call->buffer);
	if (call->shape == SHAPE_MESSAGES)
		moved->length = message.length;
	moved->peer = message.header.name && call->address ? call->address : message.header.name;
	moved->payload.base = message.header.vector;
	moved->payload.count = message.header.vector_length;
	moved->payload.is_vector = 1;
}
