/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hooks at the tracepoints of sockets, since Linux 6.3: told when bytes were moved, and by nothing but sockets. What the process asked
 * for stands in its registers as long as the call lasts.
 *
 * When a call was entered is not told; what TCP sends has the time at which it left. A connection is told of with its first bytes, or
 * with its end if it has none.
 */
#pragma once

#include "calls.h"
#include "compat.h"
#include "numbers.h"
#include "registers.h"

static int tell_moved(struct sock *sock, s32 result, u8 transfer);
static int is_left_to_call(const struct socket_state *state, u8 transfer);
static int is_left_out_early(struct socket_state *state, u8 transfer);
static int keep_causality(struct socket_state *state, u8 transfer);
static int nothing_moved(struct sock *sock, s32 result);
static void note_empty_message(s32 result);
static int spliced_bytes(struct sock *sock);
static int describe_own_call(struct call *call, u64 file);
static void describe_uncopied(struct call *call, u32 descriptor, u8 function);
static void note_peer_heard(struct call *call);
static int place_in_stream(struct call *call, struct socket_state *state, struct sock *sock, u32 moved);
static int has_received_end(struct sock *sock);
static u64 place_in_vector(struct thread *thread, u32 moved);
static int begin_connection(struct sock *sock);

SEC("tp_btf/sock_send_length") int on_sent(u64 *context)
{
	return tell_moved((void *)context[0], context[1], TRANSFER_SENT);
}

SEC("tp_btf/sock_recv_length") int on_received(u64 *context)
{
	if (context[2] & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return 0;
	return tell_moved((void *)context[0], context[1], TRANSFER_RECEIVED);
}

/* Told whenever a process reads from TCP. Bytes that go from a socket into a pipe are told of by nothing else. */
SEC("tp_btf/tcp_rcv_space_adjust") int on_spliced(u64 *context)
{
	struct sock *sock = (void *)context[0];
	const struct registers *registers = bpf_task_pt_regs(bpf_get_current_task_btf());

	if (CALL_NUMBER(registers) != NUMBER_splice)
		return 0;
	return tell_moved(sock, spliced_bytes(sock), TRANSFER_RECEIVED);
}

/* Connections that are made, or not: what is known of a socket from before no longer holds. */
SEC("tp_btf/inet_sock_set_state") int on_connecting(u64 *context)
{
	struct sock *sock = (void *)context[0];
	int from = context[1], to = context[2];

	if (sock->sk_protocol != IPPROTO_TCP)
		return 0;
	if (to == TCP_SYN_SENT)
		return begin_connection(sock);
	if (from == TCP_SYN_RECV && to == TCP_ESTABLISHED)
		note_unopened(sock);
	return 0;
}

INLINE int tell_moved(struct sock *sock, s32 result, u8 transfer)
{
	u16 family = sock->__sk_common.skc_family;
	struct socket_state *state;
	struct thread *thread;
	struct call *call;
	struct file *file;
	u64 inode;

	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (result <= 0)
		return nothing_moved(sock, result);
	if (is_process_filtered())
		return 0;
	file = sock->sk_socket->file;
	inode = file->f_inode->i_ino;
	state = state_of(sock, inode);
	if (!state || state->is_ignored || is_left_to_call(state, transfer))
		return 0;
	if (is_left_out_early(state, transfer))
		return keep_causality(state, transfer);
	thread = own_thread();
	if (!thread)
		return 0;
	call = &thread->call;
	call->transfer = transfer;
	if (!describe_own_call(call, (u64)file))
		return 0;
	settle_opening(state, sock, inode);
	call->inode = inode;
	call->socket = (u64)sock;
	call->entry_ns = 0;
	call->is_active = 0;
	if (state->endpoints.protocol == IPPROTO_TCP)
		place_in_stream(call, state, sock, result);
	else if (transfer == TRANSFER_RECEIVED)
		note_peer_heard(call);
	if (call->shape == SHAPE_MESSAGES) {
		call->buffer += place_in_vector(thread, result);
		call->shape = SHAPE_MESSAGE;
	}
	return emit_message(thread, state, result);
}

/* The calls that can ask from whom a datagram is have hooks of another kind, where that is not known here. */
INLINE int is_left_to_call(const struct socket_state *state, u8 transfer)
{
	enum told told = told_by_socket(state, transfer);
	u32 number;

	if (told != TOLD_UNLESS_PEER_ASKED)
		return told == TOLD_NOT;
	number = CALL_NUMBER(bpf_task_pt_regs(bpf_get_current_task_btf()));
	return number == NUMBER_recvfrom || number == NUMBER_recvmsg || number == NUMBER_recvmmsg;
}

/* Whether a connection is left out of which that is all there is to know: it carries no TLS, whose first bytes tell. */
INLINE int is_left_out_early(struct socket_state *state, u8 transfer)
{
	if (state->endpoints.protocol != IPPROTO_TCP || !state->is_begun || state->begins_with_handshake || state->is_tls)
		return 0;
	return is_left_out(state, transfer, 0);
}

/*
 * A request that is not told is one all the same: its thread is at work on more than the one that is told. Its id, and the one
 * that stands for what an answer belongs to, is one that nobody is told, so that what is done for it is linked to no other.
 * Goroutines have their own requests, and need not be known here.
 */
SUBPROGRAM int keep_causality(struct socket_state *state, u8 transfer)
{
	struct worker worker = { .id = bpf_get_current_pid_tgid() };
	u8 last_transfer = state->last_transfer;
	struct thread *thread;

	state->last_transfer = transfer;
	state->has_received_to = 0;
	if (transfer == TRANSFER_SENT) {
		end_request(state, NULL);
		return 0;
	}
	thread = bpf_map_lookup_elem(&threads, &worker.id);
	if (!thread)
		return 0;
	thread->open.handled = new_causal_id();
	if (state->role != ROLE_SERVER || last_transfer == TRANSFER_RECEIVED || state->worker.id)
		return 0;
	state->causal_id = thread->open.handled;
	begin_request(&thread->open, &worker, state);
	return 0;
}

/* A call that failed, or that moved no bytes. */
SUBPROGRAM int nothing_moved(struct sock *sock, s32 result)
{
	const struct registers *registers = bpf_task_pt_regs(bpf_get_current_task_btf());
	const u64 arguments[] = CALL_ARGUMENTS(registers);
	u32 number = CALL_NUMBER(registers);

	if (number == NUMBER_sendmmsg || number == NUMBER_recvmmsg)
		note_empty_message(result);
	if (number == NUMBER_sendto && result == -EOPNOTSUPP)
		note_mark(arguments[3] & ~MSG_OOB);
	/* Whoever closes such a socket does not change its state any more. */
	if (sock->sk_protocol == IPPROTO_TCP && (result == -ECONNRESET || result == -EPIPE || result == -ETIMEDOUT))
		end_socket((struct socket_alloc *)sock->sk_socket, sock, FUNCTION_NONE);
	return 0;
}

/* An empty datagram is one of several; a call that fails ends with it. */
INLINE void note_empty_message(s32 result)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);

	if (!thread || !thread->several.vector)
		return;
	thread->several.next += 1;
	thread->several.length = 0;
	if (result)
		thread->several.vector = 0;
}

/*
 * What the process asks for, from its registers. 0: they do not tell, since the kernel uses a socket of its own, io_uring one of
 * the process, or the call is one of 32 bits, whose registers have other names.
 */
SUBPROGRAM int describe_own_call(struct call *call, u64 file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct registers *registers = bpf_task_pt_regs(task);
	const u64 arguments[] = CALL_ARGUMENTS(registers);
	u32 number = CALL_NUMBER(registers);

	if (!call || is_32_bit_task())
		return 0;
	if (number == NUMBER_io_uring_enter || task->flags & PF_IO_WORKER) {
		count(COUNT_IO_URING);
		return 0;
	}
	if (!file || task->flags & PF_KTHREAD)
		return 0;

#define TRANSFER_OF_CALL(name, ...)                                                                                   \
	case NUMBER_##name:                                                                                           \
		describe_##name(call, arguments);                                                                     \
		break;

	switch (number) {
		TRANSFERS(TRANSFER_OF_CALL)
	case NUMBER_sendfile64:
		describe_uncopied(call, arguments[0], FUNCTION_SENDFILE);
		break;
	case NUMBER_splice:
		describe_uncopied(call, call->transfer == TRANSFER_SENT ? arguments[2] : arguments[0], FUNCTION_SPLICE);
		break;
	default:
		return 0;
	}
	return !task->io_uring || (u64)file_of(call->descriptor) == file;
}

INLINE void describe_uncopied(struct call *call, u32 descriptor, u8 function)
{
	call->descriptor = descriptor;
	call->buffer = call->count = call->flags = call->address = 0;
	call->function = function;
	call->shape = SHAPE_NONE;
}

/* A process that asked from whom a datagram is gets that later. */
INLINE void note_peer_heard(struct call *call)
{
	if (call->address || call->shape == SHAPE_MESSAGE || call->shape == SHAPE_MESSAGES)
		call->address = PEER_HEARD;
}

/* Where the bytes stand in the stream of TCP, and when those left that were sent, if all of them did. */
SUBPROGRAM int place_in_stream(struct call *call, struct socket_state *state, struct sock *sock, u32 moved)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sock);

	if (!tcp || !call || !state)
		return 0;
	if (call->transfer == TRANSFER_SENT) {
		call->sequence_number = tcp->write_seq - moved;
		if (tcp->snd_nxt == tcp->write_seq)
			call->entry_ns = tcp->tcp_wstamp_ns;
		return 0;
	}
	state->received_to = tcp->copied_seq;
	state->has_received_to = 1;
	/* The end of the stream takes a number too. */
	if (state->received_to == tcp->rcv_nxt && has_received_end(sock))
		state->received_to -= 1;
	call->sequence_number = state->received_to - moved;
	return 0;
}

INLINE int has_received_end(struct sock *sock)
{
	u8 state = sock->__sk_common.skc_state;

	return state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING || state == TCP_CLOSE;
}

/* How many bytes a splice took since the last that were told; 0: nobody knows. */
SUBPROGRAM int spliced_bytes(struct sock *sock)
{
	struct socket_state *state = known_state_of(inode_of(sock->sk_socket), (u64)sock);
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sock);

	return state && tcp && state->has_received_to ? tcp->copied_seq - state->received_to : 0;
}

/*
 * Which message of a call with several this is, as the place of its header: the call is told of once for each, and writes the
 * length of each behind its header before the next one.
 */
INLINE u64 place_in_vector(struct thread *thread, u32 moved)
{
	struct several *several = &thread->several;
	u64 place = 0, vector = thread->call.buffer;
	struct mmsghdr before = {};

	if (several->vector == vector && several->next && several->next < thread->call.count) {
		place = several->next * sizeof(struct mmsghdr);
		bpf_probe_read_user(&before.length, sizeof(before.length),
				    (void *)(vector + place - sizeof(struct mmsghdr) + sizeof(struct user_msghdr)));
	}
	if (place && before.length != several->length)
		place = 0;
	several->vector = vector;
	several->next = place / sizeof(struct mmsghdr) + 1;
	several->length = moved;
	return place;
}

/* A process connects. Its port is told later. */
SUBPROGRAM int begin_connection(struct sock *sock)
{
	u64 inode = inode_of(sock->sk_socket);
	struct thread *thread = own_thread();
	struct socket_state *state;

	if (is_process_filtered())
		return 0;
	bpf_map_delete_elem(&sockets, &inode);
	state = state_read_now(sock, inode, NULL);
	if (!state || !thread)
		return 0;
	state->role = ROLE_CLIENT;
	note_connecting(&thread->open, state);
	note_unopened(sock);
	return 0;
}
