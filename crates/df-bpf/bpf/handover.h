/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a record gets its room and its reader: in place in a ring, or, before there were rings, by a copy. */
#pragma once

#include "maps.h"

/*
 * `own_ring` comes first, then `reserve`, then `submit` or `discard`. Whoever was called by the kernel calls `hand_over` for each record
 * that may be there: only it has the context that the older way asks for.
 */

#ifndef REDUCED

INLINE void *own_ring(void)
{
	u32 processor = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rings, &processor);
}

#define RESERVE(ring, bytes) ((struct record *)bpf_ringbuf_reserve(ring, bytes, 0))

INLINE void discard(void *ring, struct record *record)
{
	(void)ring;
	bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
}

/* Hands a record over. Its reader looks by itself every few milliseconds: it is woken early once so much waits. */
INLINE void submit(void *ring, struct record *record, u64 record_bytes)
{
	u64 waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	int is_full_enough = waiting >= df_wakeup_bytes && waiting - df_wakeup_bytes < record_bytes;

	count(COUNT_RECORDS);
	bpf_ringbuf_submit(record, is_full_enough ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

INLINE void hand_over(void *context)
{
	(void)context;
}

INLINE struct moved *moved_of(struct thread *thread)
{
	return &thread->moved;
}

#else

enum { ENOSPC = 28 };

/* Most payload of one record. */
enum { MAX_PAYLOAD = 16384 };

/* Where a processor puts a record together. Its programs never interrupt each other there: the kernel leaves out the second. */
struct scratch {
	struct moved moved;
	u64 is_waiting;
	struct record record;
	u8 payload[MAX_PAYLOAD];
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(struct scratch));
} scratches SEC(".maps");

/* One buffer for each processor. The loader says how many. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	MAP_UINT(max_entries, 0);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
} buffers SEC(".maps");

INLINE void *own_ring(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

#define RESERVE(ring, bytes)                                                                                          \
	({                                                                                                            \
		_Static_assert((bytes) <= sizeof(struct record) + MAX_PAYLOAD, "there is room for it");               \
		&((struct scratch *)(ring))->record;                                                                  \
	})

INLINE void discard(void *ring, struct record *record)
{
	(void)ring;
	(void)record;
}

INLINE void submit(void *ring, struct record *record, u64 record_bytes)
{
	(void)record;
	(void)record_bytes;
	((struct scratch *)ring)->is_waiting = 1;
}

/* Copies the record that waits, if one does, as far as it is used. Before 5.2 the kernel says only by the reader that it was lost. */
INLINE void hand_over(void *context)
{
	struct scratch *scratch = own_ring();
	u64 payload;
	s64 result;

	if (!scratch || !scratch->is_waiting)
		return;
	scratch->is_waiting = 0;
	payload = scratch->record.payload_bytes;
	if (!payload) {
		result = bpf_perf_event_output(context, &buffers, BPF_F_CURRENT_CPU, &scratch->record, sizeof(scratch->record));
	} else {
		payload -= 1;
		OPAQUE(payload);
		payload &= MAX_PAYLOAD - 1;
		payload += sizeof(scratch->record) + 1;
		result = bpf_perf_event_output(context, &buffers, BPF_F_CURRENT_CPU, &scratch->record, payload);
	}
	count(result && result != -ENOSPC ? COUNT_DROPPED_RECORDS : COUNT_RECORDS);
}

INLINE struct moved *moved_of(struct thread *thread)
{
	struct scratch *scratch = own_ring();

	(void)thread;
	return scratch ? &scratch->moved : NULL;
}

#endif
