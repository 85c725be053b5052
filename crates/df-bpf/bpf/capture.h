/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records: filling them in, copying payload into them once, handing them over. */
#pragma once

#include "budget.h"
#include "handover.h"
#include "peers.h"
#include "unix.h"

#ifdef REDUCED
enum { MAX_VECTORS = 4 };
#else
enum { MAX_VECTORS = 16 };
#endif

/* Room for payload in a record. For a vector a record takes twice as much, which is never written: the verifier sees only
 * that an offset below the room and a length up to the room fit into both. One buffer begins at the offset 0. */
enum { ROOM_TINY = 64, ROOM_SMALL = 256, ROOM_MEDIUM = 1024, ROOM_LARGE = 4096, ROOM_HALF = 8192, ROOM_WHOLE = 16384 };

/* Events are counted in windows of this length; one of so many is kept of those above the limit. */
enum { SHED_WINDOW_NS = 10 * 1000 * 1000, SHED_SAMPLE = 16 };

static struct record *fill_record(struct record *record, u8 kind, struct socket_state *state, u64 inode);
static void read_peer(struct endpoints *ends, u64 address);
static u32 copy_vector(u8 *to, const struct payload *payload, u32 wanted, u32 room);
static u32 copy_buffer(u8 *to, const struct payload *payload, u32 wanted, u32 room);
static void tell_path(struct socket_state *state, u64 inode);
static int is_shed(u64 now, u32 *payload_bytes);

INLINE void fill_moved(struct record *record, struct socket_state *state, const struct moved *moved)
{
	fill_record(record, RECORD_DATA, state, moved->inode);
	record->source = moved->source;
	record->transfer = moved->transfer;
	record->function = moved->function;
	record->flags = moved->flags;
	record->original_bytes = moved->length;
	record->entry_ns = moved->entry_ns;
	record->exit_ns = moved->exit_ns;
	record->causal_id = moved->causal_id;
	record->coroutine = moved->coroutine;
	record->offset = moved->offset;
	record->sequence_number = moved->sequence_number;
	read_peer(&record->endpoints, moved->peer);
}

#ifdef REDUCED

/* There is one room, of which a vector can use the half. */
INLINE int emit_moved(void *ring, struct socket_state *state, const struct moved *moved, u32 wanted)
{
	struct record *record = RESERVE(ring, sizeof(struct record) + ROOM_WHOLE);
	u8 *to = (u8 *)(record + 1);

	fill_moved(record, state, moved);
	if (is_port_filtered(&record->endpoints)) {
		discard(ring, record);
		return 1;
	}
	if (wanted && moved->payload.is_vector)
		record->payload_bytes = copy_vector(to, &moved->payload, wanted, ROOM_HALF);
	else
		record->payload_bytes = copy_buffer(to, &moved->payload, wanted, ROOM_WHOLE);
	submit(ring, record, sizeof(struct record) + record->payload_bytes);
	return 1;
}

#else

/* Reserves a record of `sizeof(struct record) + BYTES`, fills it in and hands it over. */
#define EMIT_WITH_ROOM(ring, state, moved, wanted, copy, ROOM, BYTES)                                                 \
	({                                                                                                            \
		struct record *record_ = RESERVE(ring, sizeof(struct record) + (BYTES));                              \
		if (record_)                                                                                          \
			fill_moved(record_, state, moved);                                                            \
		if (record_ && is_port_filtered(&record_->endpoints)) {                                               \
			discard(ring, record_);                                                                       \
		} else if (record_) {                                                                                 \
			record_->payload_bytes = copy((u8 *)(record_ + 1), &(moved)->payload, wanted, ROOM);          \
			submit(ring, record_, sizeof(struct record) + (BYTES));                                       \
		}                                                                                                     \
		record_ != NULL;                                                                                      \
	})

#define EMIT_BUFFER(ROOM) EMIT_WITH_ROOM(ring, state, moved, wanted, copy_buffer, ROOM, ROOM)
#define EMIT_VECTOR(ROOM) EMIT_WITH_ROOM(ring, state, moved, wanted, copy_vector, ROOM, 2 * (ROOM))

INLINE int emit_buffer(void *ring, struct socket_state *state, const struct moved *moved, u32 wanted)
{
	if (wanted <= ROOM_TINY)
		return EMIT_BUFFER(ROOM_TINY);
	if (wanted <= ROOM_SMALL)
		return EMIT_BUFFER(ROOM_SMALL);
	if (wanted <= ROOM_MEDIUM)
		return EMIT_BUFFER(ROOM_MEDIUM);
	if (wanted <= ROOM_LARGE)
		return EMIT_BUFFER(ROOM_LARGE);
	return EMIT_BUFFER(ROOM_WHOLE);
}

INLINE int emit_vector(void *ring, struct socket_state *state, const struct moved *moved, u32 wanted)
{
	if (wanted <= ROOM_SMALL)
		return EMIT_VECTOR(ROOM_SMALL);
	if (wanted <= ROOM_MEDIUM)
		return EMIT_VECTOR(ROOM_MEDIUM);
	if (wanted <= ROOM_LARGE)
		return EMIT_VECTOR(ROOM_LARGE);
	return EMIT_VECTOR(ROOM_WHOLE);
}

INLINE int emit_moved(void *ring, struct socket_state *state, const struct moved *moved, u32 wanted)
{
	if (wanted && moved->payload.is_vector)
		return emit_vector(ring, state, moved, wanted);
	return emit_buffer(ring, state, moved, wanted);
}

#endif

/* Tells of bytes that moved, with as many of them as the settings allow. */
INLINE void emit_data(struct socket_state *state, const struct moved *moved)
{
	u32 most = most_payload_of(state), wanted = moved->length < most ? moved->length : most;
	void *ring = own_ring();

	if (!ring || is_left_out(state, moved->transfer, moved->peer) || is_shed(moved->exit_ns, &wanted))
		return;
	if (!moved->payload.base)
		wanted = 0;
	tell_path(state, moved->inode);
	if (!emit_moved(ring, state, moved, wanted)) {
		count(COUNT_DROPPED_RECORDS);
		count_many(COUNT_DROPPED_BYTES, moved->length);
	}
}

/* Tells that a socket was opened or closed, and when. */
INLINE void emit_socket(u8 kind, struct socket_state *state, u64 inode, u8 function, u64 at_ns)
{
	void *ring = own_ring();
	struct record *record;

	if (!ring)
		return;
	tell_path(state, inode);
	record = RESERVE(ring, sizeof(*record));
	if (!record) {
		count(COUNT_DROPPED_RECORDS);
		return;
	}
	fill_record(record, kind, state, inode);
	record->function = function;
	record->entry_ns = record->exit_ns = at_ns;
	submit(ring, record, sizeof(*record));
}

#ifdef REDUCED

INLINE void tell_path(struct socket_state *state, u64 inode)
{
	(void)state;
	(void)inode;
}

#else

/* Bytes of a path, a power of two. */
enum { ROOM_PATH = 128 };

/* Tells the path of the server of a Unix socket, if it has one. A record that has no room is tried again with the next bytes. */
SUBPROGRAM int emit_path(struct socket_state *state, u64 inode)
{
	struct unix_address *address = NULL;
	struct record *record;
	struct sock *server;
	void *ring = own_ring();
	u64 length;

	if (!state || !ring)
		return 0;
	server = (void *)state->socket;
	if (state->role != ROLE_SERVER)
		server = READ((struct unix_sock *)server, peer);
	if (server)
		address = READ((struct unix_sock *)server, addr);
	length = address ? READ(address, len) - sizeof(u16) : 0;
	state->is_path_told = 1;
	if (!length || length >= ROOM_PATH)
		return 0;
	record = RESERVE(ring, sizeof(*record) + ROOM_PATH);
	if (!record) {
		state->is_path_told = 0;
		return 0;
	}
	fill_record(record, RECORD_PATH, state, inode);
	record->entry_ns = record->exit_ns = bpf_ktime_get_ns();
	OPAQUE(length);
	length &= ROOM_PATH - 1;
	record->payload_bytes = length;
	bpf_probe_read_kernel(record + 1, length,
			      (u8 *)address + FIELD_OFFSET(struct unix_address, name) + sizeof(u16));
	submit(ring, record, sizeof(*record) + ROOM_PATH);
	return 0;
}

INLINE void tell_path(struct socket_state *state, u64 inode)
{
	if (is_unix(&state->endpoints) && !state->is_path_told)
		emit_path(state, inode);
}

#endif

/* A datagram socket that is not connected has its peer in the call. */
INLINE void read_peer(struct endpoints *ends, u64 address)
{
	struct sockaddr_any peer = {};

	if (ends->protocol != IPPROTO_UDP || ends->remote_port || !address)
		return;
	if (!read_sockaddr(&peer, address))
		return;
	ends->remote_port = swap16(peer.port);
	if (peer.family == AF_INET && ends->family == AF_INET6) {
		ends->remote[10] = ends->remote[11] = 0xff;
		*(u32 *)(ends->remote + 12) = peer.ipv4;
	} else if (peer.family == AF_INET) {
		*(u32 *)ends->remote = peer.ipv4;
	} else if (peer.family == AF_INET6) {
		__builtin_memcpy(ends->remote, peer.ipv6, 16);
	}
}

INLINE void read_own_command(u8 *command)
{
#ifndef REDUCED
	if (has_task_pointers()) {
		struct task_struct *task = bpf_get_current_task_btf();

		__builtin_memcpy(command, task->comm, 16);
		return;
	}
#endif
	bpf_get_current_comm(command, 16);
}

INLINE struct record *fill_record(struct record *record, u8 kind, struct socket_state *state, u64 inode)
{
	u64 task = bpf_get_current_pid_tgid();

	__builtin_memset(record, 0, sizeof(*record));
	record->kind = kind;
	record->role = state->role;
	record->socket_id = inode;
	record->network_namespace = state->network_namespace;
	record->endpoints = state->endpoints;
	record->pid = task >> 32;
	record->tid = task;
	read_own_command(record->command);
	return record;
}

/* Copies a piece of a vector: up to `length` bytes to `to + offset`; both fit into twice the room. Gives the new offset. */
INLINE u64 copy_piece(u8 *to, u64 offset, u64 from, u64 length, u32 room)
{
	u64 place = offset, size = length;

	if (place >= room)
		return offset;
	if (size > room - place)
		size = room - place;
	if (!size)
		return offset;
	size -= 1;
	OPAQUE(place);
	OPAQUE(size);
	place &= room - 1;
	size &= room - 1;
	size += 1;
	if (bpf_probe_read_user(to + place, size, (void *)from)) {
		count(COUNT_UNREADABLE_PAYLOADS);
		return offset;
	}
	return offset + length;
}

/* Copies what was wanted, in order and without holes, and gives how much that was. */
INLINE u32 copy_vector(u8 *to, const struct payload *payload, u32 wanted, u32 room)
{
	u64 offset = 0, entry = payload->base, limit = wanted < room ? wanted : room;

	UNROLLED
	for (u32 index = 0; index < MAX_VECTORS; index++) {
		struct iovec piece;
		u64 length, end;

		if (index >= payload->count || offset >= limit)
			break;
		if (bpf_probe_read_user(&piece, sizeof(piece), (void *)entry))
			break;
		entry += sizeof(piece);
		length = piece.length < limit - offset ? piece.length : limit - offset;
		if (!length)
			continue;
		end = copy_piece(to, offset, piece.base, length, room);
		/* What follows a hole would stand at a wrong place. */
		if (end == offset)
			break;
		offset = end;
		FORGET(offset, entry);
	}
	if (offset < wanted)
		count(COUNT_VECTORS_CUT);
	return offset;
}

INLINE u32 copy_buffer(u8 *to, const struct payload *payload, u32 wanted, u32 room)
{
	u64 size = wanted < payload->count ? wanted : payload->count;

	if (size > room)
		size = room;
	if (!size)
		return 0;
	size -= 1;
	OPAQUE(size);
	size &= room - 1;
	size += 1;
	if (!bpf_probe_read_user(to, size, (void *)payload->base))
		return size;
	count(COUNT_UNREADABLE_PAYLOADS);
	return 0;
}

/* Whether this event is one too many in its window of time. Payload goes first, then most of the events. */
INLINE int is_shed(u64 now, u32 *payload_bytes)
{
	u32 zero = 0;
	struct counters *counters;

	if (!df_max_events)
		return 0;
	counters = bpf_map_lookup_elem(&counts, &zero);
	if (!counters)
		return 0;
	if (now - counters->window_start_ns > SHED_WINDOW_NS) {
		counters->window_start_ns = now;
		counters->window_events = 0;
	}
	counters->window_events += 1;
	if (counters->window_events <= df_max_payload_events)
		return 0;
	counters->values[COUNT_SHED_PAYLOADS] += 1;
	*payload_bytes = 0;
	if (counters->window_events <= df_max_events || counters->window_events % SHED_SAMPLE == 0)
		return 0;
	counters->values[COUNT_SHED_RECORDS] += 1;
	return 1;
}
