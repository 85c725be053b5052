/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Go's crypto/tls: plain text at entry and at every return instruction, by goroutine, since those change threads. */
#pragma once

#include "registers.h"
#include "tls.h"

/* A function of crypto/tls that a goroutine called. */
struct go_call {
	u64 connection;
	u64 buffer;
	u64 entry_ns;
	u64 inode;
	u64 socket;
	u64 function;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_UINT(key_size, sizeof(struct worker));
	MAP_UINT(value_size, sizeof(struct go_call));
} go_calls SEC(".maps");

/* What the standard library keeps for a TCP connection, up to the fields that tell that it is one. */
struct go_descriptor {
	u64 lock[2];
	u64 number;
	u64 poll[4];
	u64 family;
	u64 type;
};

enum { GO_SOCK_STREAM = 1 };

static struct worker goroutine_of(struct registers *registers, u32 id_offset);
static int find_go_socket(u64 connection, struct socket_view *view);

INLINE int enter_go(struct registers *registers, u8 function, u8 transfer, u32 id_offset)
{
	struct worker key = goroutine_of(registers, id_offset);
	struct go_call call = { .connection = GO_1(registers), .buffer = GO_2(registers), .function = function };
	struct socket_view view = {};

	if (!key.goroutine || is_process_filtered())
		return 0;
	note_tls_process();
	if (!find_go_socket(call.connection, &view)) {
		count(COUNT_UNBOUND_PLAINTEXT);
		return 0;
	}
	view.state->is_tls = 1;
	call.entry_ns = bpf_ktime_get_ns();
	call.inode = view.inode;
	call.socket = (u64)view.sock;
	if (transfer == TRANSFER_SENT)
		view.state->has_sent_record = 0;
	bpf_map_update_elem(&go_calls, &key, &call, BPF_ANY);
	return 0;
}

INLINE int leave_go(struct registers *registers, u8 function, u8 transfer, u32 id_offset)
{
	struct worker key = goroutine_of(registers, id_offset);
	struct plaintext plain = { .source = SOURCE_GO_TLS, .function = function, .transfer = transfer };
	struct go_call *call = bpf_map_lookup_elem(&go_calls, &key);
	s64 length = GO_1(registers);
	struct socket_state *state = NULL;
	struct tls_stream *stream;
	struct thread *thread;
	int is_new;

	if (!call || call->function != function)
		return 0;
	plain.entry_ns = call->entry_ns;
	plain.buffer = call->buffer;
	plain.length = length;
	plain.goroutine = key.goroutine;
	stream = stream_of(call->connection, &is_new);
	if (stream)
		state = bind_stream(stream, call->connection, call->inode, call->socket);
	bpf_map_delete_elem(&go_calls, &key);
	thread = own_thread();
	if (length <= 0 || !thread)
		return 0;
	if (state)
		plain.causal_id = causal_id_of(&key, state, transfer, thread);
	return emit_plaintext(thread, stream, state, &plain);
}

/* Where a goroutine keeps its number differs between versions of Go: there is a program for each place. */
#define GO_FUNCTION(name, NAME, TRANSFER, OFFSET)                                                                     \
	SEC("uprobe/on_" #name "_" #OFFSET) int on_##name##_##OFFSET(struct registers *registers)                     \
	{                                                                                                             \
		keep_own_stack(registers);                                                                            \
		return enter_go(registers, NAME, TRANSFER, OFFSET);                                                   \
	}                                                                                                             \
	SEC("uprobe/after_" #name "_" #OFFSET) int after_##name##_##OFFSET(struct registers *registers)               \
	{                                                                                                             \
		keep_own_stack(registers);                                                                            \
		return leave_go(registers, NAME, TRANSFER, OFFSET);                                                   \
	}

GO_FUNCTION(go_tls_read, FUNCTION_GO_TLS_READ, TRANSFER_RECEIVED, 152)
GO_FUNCTION(go_tls_read, FUNCTION_GO_TLS_READ, TRANSFER_RECEIVED, 160)
GO_FUNCTION(go_tls_write, FUNCTION_GO_TLS_WRITE, TRANSFER_SENT, 152)
GO_FUNCTION(go_tls_write, FUNCTION_GO_TLS_WRITE, TRANSFER_SENT, 160)

/* A connection of Go's HTTP/1 client, or a request of its HTTP/2 client. */
struct go_call_of_http {
	u64 address;
	u32 pid;
	u32 padding;
};

/* What the request was made for that is sent over a connection of Go's HTTP/1 client next, or that is this one. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_UINT(key_size, sizeof(struct go_call_of_http));
	MAP_UINT(value_size, sizeof(u64));
} go_http_causes SEC(".maps");

/*
 * A goroutine hands a request to another one: to that which writes for a connection, `net/http.(*persistConn).roundTrip`, or to
 * one that it starts for this request, `net/http.(*http2ClientConn).RoundTrip` and its kin.
 */
INLINE int on_round_trip(struct registers *registers, u64 address, u32 id_offset)
{
	struct worker worker = goroutine_of(registers, id_offset);
	struct go_call_of_http call = { .address = address, .pid = worker.id };
	struct open_requests *open = worker.goroutine ? open_requests_of(&worker, NULL) : NULL;
	u64 cause = open ? only_open_request(open) : 0;

	if (!worker.goroutine)
		return 0;
	bpf_map_update_elem(&go_http_causes, &call, &cause, BPF_ANY);
	return 0;
}

/* That one is about to write, `net/http.persistConnWriter.Write` or `net/http.(*http2clientStream).writeRequest`. */
INLINE int on_http_write(struct registers *registers, u64 address, u32 id_offset, u8 knows_handled)
{
	struct worker worker = goroutine_of(registers, id_offset);
	struct go_call_of_http call = { .address = address, .pid = worker.id };
	u64 *cause = bpf_map_lookup_elem(&go_http_causes, &call);
	struct open_requests *open = worker.goroutine ? open_requests_of(&worker, NULL) : NULL;

	if (!open)
		open = new_open_requests(&worker);
	if (!open)
		return 0;
	open->handled = cause ? *cause : 0;
	open->knows_handled = knows_handled;
	return 0;
}

#define GO_HTTP_HOOKS(OFFSET)                                                                                          \
	SEC("uprobe/on_go_http_round_trip_" #OFFSET) int on_go_http_round_trip_##OFFSET(struct registers *registers)    \
	{                                                                                                             \
		keep_own_stack(registers);                                                                            \
		return on_round_trip(registers, GO_1(registers), OFFSET);                                                              \
	}                                                                                                             \
	SEC("uprobe/on_go_http_write_" #OFFSET) int on_go_http_write_##OFFSET(struct registers *registers)             \
	{                                                                                                             \
		keep_own_stack(registers);                                                                            \
		return on_http_write(registers, GO_1(registers), OFFSET, HANDLES_LAST);                               \
	}                                                                                                             \
	SEC("uprobe/on_go_http2_round_trip_" #OFFSET) int on_go_http2_round_trip_##OFFSET(struct registers *registers)  \
	{                                                                                                             \
		keep_own_stack(registers);                                                                            \
		return on_round_trip(registers, GO_2(registers), OFFSET);                                             \
	}                                                                                                             \
	SEC("uprobe/on_go_http2_write_" #OFFSET) int on_go_http2_write_##OFFSET(struct registers *registers)           \
	{                                                                                                             \
		keep_own_stack(registers);                                                                            \
		return on_http_write(registers, GO_2(registers), OFFSET, HANDLES_ONE);                                \
	}

GO_HTTP_HOOKS(152)
GO_HTTP_HOOKS(160)

SEC("uprobe/on_go_tls_close") int on_go_tls_close(struct registers *registers)
{
	keep_own_stack(registers);
	return forget_stream(GO_1(registers));
}

/* Its number is 0 where the memory that holds it is not there at the moment: then nothing is known of it. */
INLINE struct worker goroutine_of(struct registers *registers, u32 id_offset)
{
	struct worker key = { .id = bpf_get_current_pid_tgid() >> 32 };

	bpf_probe_read_user(&key.goroutine, sizeof(key.goroutine), (void *)(GO_G(registers) + id_offset));
	return key;
}

/*
 * From a `tls.Conn` through the connection below it to the descriptor: an interface, whose second word leads to a
 * `net.TCPConn`, whose only word leads to the descriptor. Other kinds of connections are told by what stands there, and
 * the kernel by the protocol of the socket. All of it is on the heap and was just used: what stands in the program's
 * file, as the name of the network does, may not be in memory, and cannot be read from here then.
 */
INLINE int find_go_socket(u64 connection, struct socket_view *view)
{
	struct go_descriptor descriptor = {};
	u64 below = 0, place = 0;

	if (bpf_probe_read_user(&below, sizeof(below), (void *)(connection + 8)) ||
	    bpf_probe_read_user(&place, sizeof(place), (void *)below) ||
	    bpf_probe_read_user(&descriptor, sizeof(descriptor), (void *)place))
		return 0;
	if ((descriptor.family != AF_INET && descriptor.family != AF_INET6) || descriptor.type != GO_SOCK_STREAM)
		return 0;
	return find_socket(descriptor.number, view) && view->state->endpoints.protocol == IPPROTO_TCP;
}
