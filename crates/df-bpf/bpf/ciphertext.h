/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a system call moved for TLS: told from its first bytes, and left out once the plain text is told instead. */
#pragma once

#include "capture.h"

/* Types of TLS records, RFC 8446 section 5.1. */
enum { TLS_CHANGE_CIPHER_SPEC = 20, TLS_ALERT = 21, TLS_HANDSHAKE = 22, TLS_APPLICATION_DATA = 23 };

static u8 record_type_of(const struct payload *payload);
static void note_inner_socket(struct tls_call *tls, const struct call *call);
static void note_ingress(struct tls_thread *tls, const struct call *call, u8 type);

/* What is known of bytes that a system call moved. */
enum tls_verdict { NO_TLS, TLS_TOLD, TLS_HIDDEN };

/* TLS_HIDDEN: the bytes are told as plain text. TLS_TOLD: they are told, but are no message of the application. */
INLINE enum tls_verdict judge_ciphertext(struct thread *thread, struct socket_state *state)
{
	struct tls_thread *tls = &thread->tls;
	struct call *call = &thread->call;
	u8 type;

	if ((!tls->is_used && !state->is_tls) || state->endpoints.protocol != IPPROTO_TCP)
		return NO_TLS;
	type = record_type_of(&thread->moved.payload);
	if (tls->call.is_active)
		note_inner_socket(&tls->call, call);
	else if (tls->is_used && call->transfer == TRANSFER_RECEIVED)
		note_ingress(tls, call, type);
	if (!tls->call.is_active && !state->is_tls)
		return type ? TLS_TOLD : NO_TLS;
	if (type == TLS_APPLICATION_DATA) {
		state->is_plaintext_seen = 1;
		/* Of several records that one call receives or sends, what is told first stands in the last or first. */
		if (call->transfer == TRANSFER_RECEIVED) {
			state->received_record = call->sequence_number;
			state->has_received_record = 1;
		} else if (!state->has_sent_record) {
			state->sent_record = call->sequence_number;
			state->has_sent_record = 1;
		}
	}
	if (!state->is_plaintext_seen)
		return TLS_TOLD;
	count(COUNT_SUPPRESSED_CIPHERTEXT);
	return TLS_HIDDEN;
}

/* 0: no record of TLS begins here. */
INLINE u8 record_type_of(const struct payload *payload)
{
	u64 base = payload->base;
	u8 head[3] = {};

	if (payload->is_vector) {
		struct iovec first = {};

		bpf_probe_read_user(&first, sizeof(first), (void *)base);
		base = first.base;
	}
	if (!base || bpf_probe_read_user(head, sizeof(head), (void *)base))
		return 0;
	if (head[0] < TLS_CHANGE_CIPHER_SPEC || head[0] > TLS_APPLICATION_DATA || head[1] != 3 || head[2] > 4)
		return 0;
	return head[0];
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
