/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a system call moved for TLS: told from its first bytes, and left out once the plain text is told instead. */
#pragma once

#include "capture.h"

/* Types of TLS records, RFC 8446 section 5.1. */
enum { TLS_CHANGE_CIPHER_SPEC = 20, TLS_ALERT = 21, TLS_HANDSHAKE = 22, TLS_APPLICATION_DATA = 23 };

struct tls_head {
	u8 type;
	u8 version[2];
	u8 length[2];
};

/* What is known of bytes that a system call moved. */
enum tls_verdict { NO_TLS, TLS_TOLD, TLS_HIDDEN };

#ifdef REDUCED

/* No library is hooked: all bytes are told as they travel. */
INLINE enum tls_verdict judge_ciphertext(struct thread *thread, struct socket_state *state)
{
	(void)thread;
	(void)state;
	return NO_TLS;
}

#else

static int is_tls_process(void);
static int is_tls_socket(struct socket_state *state, const struct payload *payload);
static void read_head(struct tls_head *head, const struct payload *payload);
static void note_record(struct socket_state *state, const struct call *call, const struct tls_head *head, u32 moved);
static void note_inner_socket(struct tls_call *tls, const struct call *call);
static void note_ingress(struct tls_thread *tls, const struct call *call, u8 type);

/* TLS_HIDDEN: the bytes are told as plain text. TLS_TOLD: they are told, but are no message of the application. */
INLINE enum tls_verdict judge_ciphertext(struct thread *thread, struct socket_state *state)
{
	struct tls_thread *tls = &thread->tls;
	struct call *call = &thread->call;
	struct tls_head head = {};
	u8 type;

	if (state->endpoints.protocol != IPPROTO_TCP)
		return NO_TLS;
	if (!is_tls_socket(state, &thread->moved.payload) && !tls->is_used)
		return NO_TLS;
	read_head(&head, &thread->moved.payload);
	type = head.type;
	if (tls->call.is_active)
		note_inner_socket(&tls->call, call);
	else if (tls->is_used && call->transfer == TRANSFER_RECEIVED)
		note_ingress(tls, call, type);
	if (!tls->call.is_active && !state->is_tls)
		return type ? TLS_TOLD : NO_TLS;
	if (type == TLS_APPLICATION_DATA) {
		state->is_plaintext_seen = 1;
		note_record(state, call, &head, thread->moved.length);
	}
	if (!state->is_plaintext_seen)
		return TLS_TOLD;
	count(COUNT_SUPPRESSED_CIPHERTEXT);
	return TLS_HIDDEN;
}

/*
 * Whether a TLS library uses a socket: it was seen to, or the socket's first bytes were a handshake and its process calls
 * hooked functions. The second holds whichever thread moves the bytes, before the library is seen with this socket.
 */
INLINE int is_tls_socket(struct socket_state *state, const struct payload *payload)
{
	if (!state->is_begun) {
		struct tls_head head = {};

		read_head(&head, payload);
		state->begins_with_handshake = head.type == TLS_HANDSHAKE;
		state->is_begun = 1;
	}
	if (!state->is_tls && state->begins_with_handshake)
		state->is_tls = is_tls_process();
	return state->is_tls;
}

INLINE int is_tls_process(void)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&tls_processes, &pid) != NULL;
}

/* From its first call of a hooked function on, a process uses TLS. */
INLINE void note_tls_process(void)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u8 yes = 1;

	if (!bpf_map_lookup_elem(&tls_processes, &pid))
		bpf_map_update_elem(&tls_processes, &pid, &yes, BPF_ANY);
}

/* The head of the record that begins here; its type is 0 where none does. */
INLINE void read_head(struct tls_head *head, const struct payload *payload)
{
	u64 base = payload->base;

	if (payload->is_vector) {
		struct iovec first = {};

		bpf_probe_read_user(&first, sizeof(first), (void *)base);
		base = first.base;
	}
	if (!base || bpf_probe_read_user(head, sizeof(*head), (void *)base) || head->type < TLS_CHANGE_CIPHER_SPEC ||
	    head->type > TLS_APPLICATION_DATA || head->version[0] != 3 || head->version[1] > 4)
		head->type = 0;
}

/*
 * Where the record begins that holds what is told next: the first that is sent, the last that is received. What is
 * received first can be the end of a handshake: then several records at once do not tell which of them is data.
 */
INLINE void note_record(struct socket_state *state, const struct call *call, const struct tls_head *head, u32 moved)
{
	u32 record_bytes = sizeof(*head) + (head->length[0] << 8 | head->length[1]);

	if (call->transfer == TRANSFER_SENT) {
		if (!state->has_sent_record)
			state->sent_record = call->sequence_number;
		state->has_sent_record = 1;
		return;
	}
	state->received_record = call->sequence_number;
	state->has_received_record = state->has_received_plaintext || moved <= record_bytes;
}

/* A TLS function calls the kernel on the socket that it works for. With two sockets nobody can tell which. */
INLINE void note_inner_socket(struct tls_call *tls, const struct call *call)
{
	if (tls->inode && (tls->inode != call->inode || tls->socket != call->socket))
		tls->is_ambiguous = 1;
	tls->inode = call->inode;
	tls->socket = call->socket;
}

/*
 * Some programs receive first and hand the bytes to TLS afterwards, by the same thread. What waits to be handed over is
 * the last that was received; when something of another socket is received before, nobody can tell which goes where.
 */
INLINE void note_ingress(struct tls_thread *tls, const struct call *call, u8 type)
{
	int is_other = tls->ingress_inode != call->inode || tls->ingress_socket != call->socket;

	if (tls->ingress == INGRESS_NONE || !is_other)
		tls->ingress = type ? INGRESS_WAITS : tls->ingress;
	else if (type || tls->ingress == INGRESS_WAITS)
		tls->ingress = INGRESS_AMBIGUOUS;
	tls->ingress_inode = call->inode;
	tls->ingress_socket = call->socket;
}

#endif
