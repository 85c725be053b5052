/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* OpenSSL and its kin: plain text at entry and return of their functions, told with the socket that carries it. */
#pragma once

#include "registers.h"
#include "syscalls.h"

/* Functions that are followed and not told of: beside those of `enum function`. */
enum { FUNCTION_SSL_DO_HANDSHAKE = 200, FUNCTION_SSL_SHUTDOWN = 201 };

enum { MAX_INNER_NS = 1000 * 1000 * 1000 };

/* One connection of a TLS library in a process. */
struct tls_key {
	u64 connection;
	u32 pid;
	u32 padding;
};

struct tls_stream {
	/* The socket that carries it; 0: not known. */
	u64 inode;
	u64 socket;
	/* Bytes of plain text so far. */
	u64 sent_bytes;
	u64 received_bytes;
	/* A write was tried and did not come to its end. */
	u64 is_write_pending;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_UINT(key_size, sizeof(struct tls_key));
	MAP_UINT(value_size, sizeof(struct tls_stream));
} tls_streams SEC(".maps");

/* Plain text that a function took or gave. */
struct plaintext {
	u64 entry_ns;
	u64 buffer;
	u64 length;
	u64 goroutine;
	u64 causal_id;
	u8 function;
	u8 transfer;
	u8 source;
};

static struct tls_stream *stream_of(u64 connection, int *is_new);
static struct socket_state *carrier_of(struct tls_thread *tls, struct tls_stream *stream, int is_new);
static struct socket_state *bind_stream(struct tls_stream *stream, u64 connection, u64 inode, u64 socket);
static int is_inner_call(const struct tls_call *call, u64 connection, u8 function);
static void begin_write(u64 connection);
static void forget_records(struct socket_state *state);
static u64 moved_length(const struct tls_call *call, s32 result);
static int emit_plaintext(struct thread *thread, struct tls_stream *stream, struct socket_state *state,
			  const struct plaintext *plain);
static u64 advance(struct tls_stream *stream, const struct plaintext *plain);
static u8 take_record(struct socket_state *state, u8 transfer, u32 *sequence_number);

/* A function of TLS is called. */
INLINE int enter_tls(struct registers *registers, u8 function, u8 transfer)
{
	u64 connection = ARGUMENT_1(registers);
	struct thread *thread;
	struct tls_call *call;

	if (is_process_filtered())
		return 0;
	thread = own_thread();
	if (!thread)
		return 0;
	call = &thread->tls.call;
	if (is_inner_call(call, connection, function))
		return 0;
	__builtin_memset(call, 0, sizeof(*call));
	call->connection = connection;
	call->buffer = ARGUMENT_2(registers);
	call->length_at = ARGUMENT_4(registers);
	call->entry_ns = bpf_ktime_get_ns();
	call->function = function;
	call->transfer = transfer;
	call->is_active = 1;
	if (!thread->tls.is_used)
		note_tls_process();
	thread->tls.is_used = 1;
	if (transfer == TRANSFER_SENT)
		begin_write(connection);
	return 0;
}

/* The same function comes back. */
INLINE int leave_tls(struct registers *registers, u8 function)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);
	struct plaintext plain = { .source = SOURCE_OPENSSL };
	struct tls_stream *stream;
	struct socket_state *state;
	struct tls_call *call;
	int is_new = 0;

	if (!thread)
		return 0;
	call = &thread->tls.call;
	if (!call->is_active || call->function != function)
		return 0;
	call->is_active = 0;
	stream = stream_of(call->connection, &is_new);
	if (!stream)
		return 0;
	state = carrier_of(&thread->tls, stream, is_new);
	if (state && (is_new || function == FUNCTION_SSL_DO_HANDSHAKE))
		forget_records(state);
	plain.length = moved_length(call, RESULT(registers));
	if (!plain.length) {
		stream->is_write_pending |= call->transfer == TRANSFER_SENT;
		return 0;
	}
	plain.entry_ns = call->entry_ns;
	plain.buffer = call->buffer;
	plain.function = call->function;
	plain.transfer = call->transfer;
	if (state) {
		struct worker worker = own_worker(thread, plain.entry_ns);

		plain.causal_id = causal_id_of(&worker, state, call->transfer, thread);
	}
	return emit_plaintext(thread, stream, state, &plain);
}

/* A connection is freed: its address may be that of another one soon. */
INLINE int forget_stream(u64 connection)
{
	struct tls_key key = { .connection = connection, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct tls_stream *stream = bpf_map_lookup_elem(&tls_streams, &key);
	struct socket_state *state;

	if (!stream)
		return 0;
	state = known_state_of(stream->inode, stream->socket);
	if (state && state->tls_connection == connection)
		state->tls_connection = 0;
	bpf_map_delete_elem(&tls_streams, &key);
	return 0;
}

#define TLS_FUNCTION(name, NAME, TRANSFER)                                                                            \
	SEC("uprobe/on_" #name) int on_##name(struct registers *registers)                                            \
	{                                                                                                             \
		keep_own_stack(registers);                                                                            \
		return enter_tls(registers, NAME, TRANSFER);                                                          \
	}                                                                                                             \
	SEC("uretprobe/after_" #name) int after_##name(struct registers *registers)                                   \
	{                                                                                                             \
		keep_own_stack(registers);                                                                            \
		return leave_tls(registers, NAME);                                                                    \
	}

TLS_FUNCTION(ssl_read, FUNCTION_SSL_READ, TRANSFER_RECEIVED)
TLS_FUNCTION(ssl_write, FUNCTION_SSL_WRITE, TRANSFER_SENT)
TLS_FUNCTION(ssl_read_ex, FUNCTION_SSL_READ_EX, TRANSFER_RECEIVED)
TLS_FUNCTION(ssl_write_ex, FUNCTION_SSL_WRITE_EX, TRANSFER_SENT)
TLS_FUNCTION(ssl_do_handshake, FUNCTION_SSL_DO_HANDSHAKE, 0)
TLS_FUNCTION(ssl_shutdown, FUNCTION_SSL_SHUTDOWN, 0)

SEC("uprobe/on_ssl_free") int on_ssl_free(struct registers *registers)
{
	keep_own_stack(registers);
	return forget_stream(ARGUMENT_1(registers));
}

INLINE struct tls_stream *stream_of(u64 connection, int *is_new)
{
	struct tls_key key = { .connection = connection, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct tls_stream *stream = bpf_map_lookup_elem(&tls_streams, &key);
	struct tls_stream fresh = {};

	if (stream)
		return stream;
	*is_new = 1;
	bpf_map_update_elem(&tls_streams, &key, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&tls_streams, &key);
}

/*
 * The socket on which the function called the kernel; else that on which an earlier one did; else, for those who
 * receive by themselves, that from which the thread has just received. The very first call of a connection is not one
 * to which something received was handed.
 */
INLINE struct socket_state *carrier_of(struct tls_thread *tls, struct tls_stream *stream, int is_new)
{
	struct tls_call *call = &tls->call;
	struct socket_state *state;
	u8 ingress = tls->ingress;

	if (call->is_ambiguous) {
		count(COUNT_AMBIGUOUS_TLS);
		return NULL;
	}
	if (call->inode)
		return bind_stream(stream, call->connection, call->inode, call->socket);
	/* Whatever was received and not taken so far goes to nobody else. */
	tls->ingress = INGRESS_NONE;
	state = stream->inode ? known_state_of(stream->inode, stream->socket) : NULL;
	if (state)
		return state;
	if (is_new || ingress != INGRESS_WAITS)
		return NULL;
	state = known_state_of(tls->ingress_inode, tls->ingress_socket);
	if (!state || (state->tls_connection && state->tls_connection != call->connection))
		return NULL;
	return bind_stream(stream, call->connection, tls->ingress_inode, tls->ingress_socket);
}

INLINE struct socket_state *bind_stream(struct tls_stream *stream, u64 connection, u64 inode, u64 socket)
{
	struct socket_state *state = known_state_of(inode, socket);

	if (!state)
		return NULL;
	if (stream->inode != inode || stream->socket != socket) {
		stream->inode = inode;
		stream->socket = socket;
		stream->sent_bytes = stream->received_bytes = 0;
	}
	state->is_tls = 1;
	state->tls_connection = connection;
	return state;
}

/*
 * One function of the library may be made of another: the outer one is told. A return that was never seen, as of a
 * thread that jumped out, is forgotten after a while.
 */
INLINE int is_inner_call(const struct tls_call *call, u64 connection, u8 function)
{
	return call->is_active && call->connection == connection && call->function != function &&
	       bpf_ktime_get_ns() - call->entry_ns < MAX_INNER_NS;
}

/* The record that carries what is written is the next that is sent, unless an earlier try sent it already. */
INLINE void begin_write(u64 connection)
{
	struct tls_key key = { .connection = connection, .pid = bpf_get_current_pid_tgid() >> 32 };
	struct tls_stream *stream = bpf_map_lookup_elem(&tls_streams, &key);
	struct socket_state *state;

	if (!stream || stream->is_write_pending)
		return;
	state = known_state_of(stream->inode, stream->socket);
	if (state)
		state->has_sent_record = 0;
}

/* What travelled so far was a handshake, though the last of it looks like data. */
INLINE void forget_records(struct socket_state *state)
{
	state->has_sent_record = 0;
	state->has_received_record = 0;
}

/* How much plain text a call moved. */
INLINE u64 moved_length(const struct tls_call *call, s32 result)
{
	u64 length = 0;

	if (result <= 0)
		return 0;
	if (call->function == FUNCTION_SSL_READ || call->function == FUNCTION_SSL_WRITE)
		return result;
	if (call->function == FUNCTION_SSL_READ_EX || call->function == FUNCTION_SSL_WRITE_EX)
		bpf_probe_read_user(&length, sizeof(length), (void *)call->length_at);
	return length;
}

/* Tells of plain text, if its socket is known, and moves the stream on. */
SUBPROGRAM int emit_plaintext(struct thread *thread, struct tls_stream *stream, struct socket_state *state,
			      const struct plaintext *plain)
{
	struct moved *moved;

	if (!thread || !stream || !plain)
		return 0;
	moved = &thread->moved;
	moved->offset = advance(stream, plain);
	if (!state) {
		count(COUNT_UNBOUND_PLAINTEXT);
		return 0;
	}
	state->is_plaintext_seen = 1;
	moved->flags = RECORD_IS_PLAINTEXT | take_record(state, plain->transfer, &moved->sequence_number);
	if (state->is_ignored)
		return 0;
	moved->inode = stream->inode;
	moved->entry_ns = plain->entry_ns;
	moved->exit_ns = bpf_ktime_get_ns();
	moved->causal_id = plain->causal_id;
	moved->coroutine = plain->goroutine;
	moved->length = plain->length;
	moved->transfer = plain->transfer;
	moved->source = plain->source;
	moved->function = plain->function;
	moved->peer = 0;
	moved->payload.base = plain->buffer;
	moved->payload.count = plain->length;
	moved->payload.is_vector = 0;
	emit_data(state, moved);
	moved->coroutine = 0;
	return 0;
}

/* Moves the stream on, and gives where it was. */
INLINE u64 advance(struct tls_stream *stream, const struct plaintext *plain)
{
	u64 offset;

	if (plain->transfer == TRANSFER_SENT) {
		offset = stream->sent_bytes;
		stream->sent_bytes += plain->length;
		stream->is_write_pending = 0;
		return offset;
	}
	offset = stream->received_bytes;
	stream->received_bytes += plain->length;
	return offset;
}

/* Where the record begins that carries the plain text, if that was seen. Gives the flag that says so. */
INLINE u8 take_record(struct socket_state *state, u8 transfer, u32 *sequence_number)
{
	if (transfer == TRANSFER_SENT && state->has_sent_record) {
		*sequence_number = state->sent_record;
		state->has_sent_record = 0;
		return RECORD_HAS_SEQUENCE_NUMBER;
	}
	if (transfer == TRANSFER_RECEIVED)
		state->has_received_plaintext = 1;
	if (transfer == TRANSFER_RECEIVED && state->has_received_record) {
		*sequence_number = state->received_record;
		state->has_received_record = 0;
		return RECORD_HAS_SEQUENCE_NUMBER;
	}
	return 0;
}
