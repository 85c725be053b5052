/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs keep, what they are told, and what they count. */
#pragma once

#include "kernel.h"
#include "record.h"

/* Settings, written before the programs are loaded, so that the verifier removes what they turn off. */

/* Most bytes of one call that are copied. */
const volatile u32 df_payload_bytes = 1024;
/* The process that reads the rings is never observed. */
const volatile u32 df_own_pid = 0;
/* 0: every process. 1: only those of the map `pids`. 2: all but those. */
const volatile u32 df_pid_filter = 0;
/* Same for ports, local or remote, and the map `ports`. */
const volatile u32 df_port_filter = 0;
/* Makes causal ids differ from those of an earlier run. */
const volatile u32 df_seed = 0;
/* Bytes in a ring from which its reader is woken. */
const volatile u32 df_wakeup_bytes = 256 * 1024;
/* Events of one processor in one window of time above which payload, and above which events are left out; 0: none. */
const volatile u32 df_max_payload_events = 0;
const volatile u32 df_max_events = 0;

enum { FILTER_NONE = 0, FILTER_ONLY = 1, FILTER_EXCEPT = 2 };

/* What a thread asked the kernel to do with a socket, from entry to exit. */
struct call {
	u64 entry_ns;
	u64 inode;
	u64 socket;
	/* The buffer, the vector or the header in user space, as `shape` says. */
	u64 buffer;
	u64 count;
	/* Where the other end of a datagram stands in user space. */
	u64 address;
	u32 sequence_number;
	u32 descriptor;
	u32 flags;
	u8 transfer;
	u8 function;
	u8 shape;
	u8 is_active;
};

/* How `buffer` and `count` of a call are meant. */
enum shape { SHAPE_BUFFER, SHAPE_VECTOR, SHAPE_MESSAGE, SHAPE_MESSAGES, SHAPE_NONE };

/* Where the bytes stand in user space: one buffer, or a vector of `count` buffers. */
struct payload {
	u64 base;
	/* Bytes of the buffer, or buffers of the vector. */
	u64 count;
	u64 is_vector;
};

/* What is told of bytes that moved. It is kept in a map, where the verifier does not follow every value it can have. */
struct moved {
	u64 inode;
	u64 entry_ns;
	u64 exit_ns;
	u64 causal_id;
	u64 coroutine;
	u64 plaintext_offset;
	/* Where in user space the other end of a datagram stands; 0: nowhere. */
	u64 peer;
	u32 sequence_number;
	/* How many bytes moved. */
	u32 length;
	u8 transfer;
	u8 source;
	u8 function;
	/* Of `enum record_flags`. */
	u8 flags;
	struct payload payload;
};

/* The requests that a thread, or a goroutine, received and did not answer yet. */
struct open_requests {
	/* The exclusive or of their causal ids: with one of them open, the id of that one. */
	u64 ids;
	u64 number;
};

/* What is known of a thread that uses sockets. */
struct thread {
	struct call call;
	struct open_requests open;
	struct moved moved;
};

/* What is known of a socket. */
struct socket_state {
	/* The kernel's address of it: inode numbers come back, though not at the same address. */
	u64 socket;
	struct endpoints endpoints;
	u32 network_namespace;
	u8 role;
	/* The last transfer, and what caused it. */
	u8 last_transfer;
	u8 is_ignored;
	/* Its plain text is seen, so what travels is not told. */
	u8 is_plaintext_seen;
	u64 causal_id;
	/* The thread that received the request which is open on this socket; 0: none is. */
	u32 request_tid;
	u8 is_end_told;
	u8 padding[3];
};

struct ring {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 1 << 20);
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	MAP_UINT(max_entries, 1024);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
	MAP_VALUES(struct ring);
} rings SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 32768);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(struct thread));
} threads SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_UINT(key_size, sizeof(u64));
	MAP_UINT(value_size, sizeof(struct socket_state));
} sockets SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u8));
} pids SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u8));
} ports SEC(".maps");

/* Names of src/stats.rs, in the same order. */
enum counter {
	COUNT_RECORDS,
	COUNT_DROPPED_RECORDS,
	COUNT_DROPPED_BYTES,
	COUNT_SHED_PAYLOADS,
	COUNT_SHED_RECORDS,
	COUNT_FULL_THREADS,
	COUNT_FULL_SOCKETS,
	COUNT_UNREADABLE_PAYLOADS,
	COUNT_SUPPRESSED_CIPHERTEXT,
	COUNT_SENDFILE,
	COUNT_SPLICE,
	COUNT_IO_URING,
	COUNT_AMBIGUOUS_CAUSES,
	COUNT_VECTORS_CUT,
	COUNT_LOST_SOCKETS,
	COUNT_MESSAGES_CUT,
	COUNTERS = 32,
};

struct counters {
	u64 values[COUNTERS];
	/* Of causal ids given out. */
	u64 causal_ids;
	/* Of the window of time in which events are counted for shedding. */
	u64 window_start_ns;
	u64 window_events;
};

/* One for each processor. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(struct counters));
} counts SEC(".maps");

/* Where `socket_file_operations` is: learned from the first socket, 0 before. One value for the whole kernel. */
u64 df_socket_operations = 0;

INLINE void count_many(enum counter counter, u64 amount)
{
	u32 zero = 0;
	struct counters *counters = bpf_map_lookup_elem(&counts, &zero);

	if (counters)
		counters->values[counter] += amount;
}

INLINE void count(enum counter counter)
{
	count_many(counter, 1);
}

/* Whether a filter leaves something out. */
INLINE int is_filtered(u32 filter, const void *map, u32 key)
{
	if (filter == FILTER_NONE)
		return 0;
	return (bpf_map_lookup_elem(map, &key) != NULL) != (filter == FILTER_ONLY);
}
