/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs keep, what they are told, and what they count. */
#pragma once

#include "kernel.h"
#include "record.h"

#ifdef REDUCED
#include "reduced.h"
#else

/* Settings, written before the programs are loaded, so that the verifier removes what they turn off. */

/* Most bytes of one call that are copied. */
const volatile u32 df_payload_bytes = 1024;
/* The same for sockets of which one port may be in the map `port_payloads` and is not known yet; 0: the map is empty. */
const volatile u32 df_most_payload_bytes = 0;
/* The process that reads the rings is never observed; 0: it does not know its number, and tells by the mark. */
const volatile u32 df_own_pid = 0;
/* A number of bytes that only that process asks sendfile for. */
const volatile u32 df_own_mark = 0;
/* 0: every process. 1: only those of the map `pids`. 2: all but those. */
const volatile u32 df_pid_filter = 0;
/* Same for ports, local or remote, and the map `ports`. */
const volatile u32 df_port_filter = 0;
/* Whether Unix sockets are observed. */
const volatile u32 df_unix_sockets = 0;
/* Makes causal ids differ from those of an earlier run. */
const volatile u32 df_seed = 0;
/* Bytes in a ring from which its reader is woken. */
const volatile u32 df_wakeup_bytes = 256 * 1024;
/* Events of one processor in one window of time above which payload, and above which events are left out; 0: none. */
const volatile u32 df_max_payload_events = 0;
const volatile u32 df_max_events = 0;

#endif

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
	u64 offset;
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

/* Who works on requests: a thread, or a goroutine of a Go program, which goes from thread to thread. */
struct worker {
	/* 0: a thread. */
	u64 goroutine;
	/* The thread, or the process of the goroutine; 0: nobody. */
	u32 id;
	u32 padding;
};

/* The requests that one received and did not answer yet. */
struct open_requests {
	/* The exclusive or of their causal ids: with one of them open, the id of that one. */
	u64 ids;
	u64 number;
	/* What it works on, as far as it is one of which that is known, and how that is. */
	u64 handled;
	u64 knows_handled;
};

enum knows_handled {
	HANDLES_UNKNOWN,
	/* The last that was received, or handed over; answers of its calls come back before the next call on the same connection. */
	HANDLES_LAST,
	/* One request for as long as it lives, over connections that others use meanwhile. */
	HANDLES_ONE,
};

/* A function of a TLS library that a thread is in. */
struct tls_call {
	/* The library's own address of the connection. */
	u64 connection;
	u64 buffer;
	/* Where the function writes how much it moved, if it does not return that. */
	u64 length_at;
	u64 entry_ns;
	/* The socket on which it called the kernel; 0: none so far. */
	u64 inode;
	u64 socket;
	u8 function;
	u8 transfer;
	u8 is_active;
	/* It called the kernel on more than one. */
	u8 is_ambiguous;
	u32 padding;
};

/* Whether a thread received something that it may hand to a TLS library. */
enum ingress { INGRESS_NONE, INGRESS_WAITS, INGRESS_AMBIGUOUS };

/* What is known of a thread that uses a TLS library. */
struct tls_thread {
	struct tls_call call;
	/* From where it received last, outside of the library. */
	u64 ingress_inode;
	u64 ingress_socket;
	u8 ingress;
	u8 is_used;
	u8 padding[6];
};

/* How far a call that moves several messages has come. */
struct several {
	/* 0: there is none. */
	u64 vector;
	u32 next;
	/* Of the message before. */
	u32 length;
};

/* What is known of a thread that uses sockets. */
struct thread {
	struct call call;
	struct open_requests open;
#ifndef REDUCED
	struct moved moved;
	struct several several;
	struct tls_thread tls;
	/* Where its goroutines keep their numbers, and when that was asked for; 0: it has none. */
	u64 asked_ns;
	u64 goroutine_offset;
#endif
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
	/* Who received the request which is open on this socket. */
	struct worker worker;
	u8 is_end_told;
	/* The last transfer that could be told, and whether what follows it is left out. */
	u8 last_told;
	u8 is_left_out;
	u8 padding;
	/* Most bytes of one call that are copied, if ports have a say. */
	u16 payload_bytes;
	u16 more_padding;
#ifndef REDUCED
	union {
		/* The connection of a TLS library that it carries. */
		u64 tls_connection;
		/* Of a Unix socket, which carries none. */
		u64 sent_bytes;
	};
	union {
		/* Where the records of TLS begin that hold what is told next. */
		struct {
			u32 sent_record;
			u32 received_record;
		};
		u64 received_bytes;
	};
	u8 has_sent_record;
	u8 has_received_record;
	/* A TLS library uses it. */
	u8 is_tls;
	u8 has_received_plaintext;
	/* Its first bytes were looked at, and they were a handshake of TLS. */
	u8 is_begun;
	u8 begins_with_handshake;
	/* That it was opened was told, or is not to be. */
	u8 is_opening_settled;
	/* Up to where it is known to be read. */
	u8 has_received_to;
	u32 received_to;
	/* Of a Unix socket: its bytes are counted since the connection was made, and its path was told. */
	u8 is_from_start;
	u8 is_path_told;
	u8 more_tls_padding[2];
#endif
};

#ifndef REDUCED

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

#endif

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

#ifndef REDUCED
/* Processes that called a hooked function of TLS. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u8));
} tls_processes SEC(".maps");
#endif

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

#ifndef REDUCED

/* How many bytes of one call are copied, by port. Older kernels leave that to the reader. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 1024);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
} port_payloads SEC(".maps");

#endif

/* Whether the tracepoints of sockets tell of transfers, and whether they know from whom datagrams are. */
enum told_by { TOLD_BY_CALLS = 0, TOLD_BY_SOCKETS = 1, TOLD_BY_SOCKETS_WITH_PEERS = 2 };

#ifdef REDUCED

INLINE enum told_by attached_to_sockets(void)
{
	return TOLD_BY_CALLS;
}

#else

/* The loader says so when it has attached them. */

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
} told_by SEC(".maps");

INLINE enum told_by attached_to_sockets(void)
{
	u32 zero = 0;
	u32 *by = bpf_map_lookup_elem(&told_by, &zero);

	return by ? *by : TOLD_BY_CALLS;
}

#endif

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
	/* Plain text whose socket was not found. */
	COUNT_UNBOUND_PLAINTEXT,
	/* Calls of a TLS library that used more than one socket. */
	COUNT_AMBIGUOUS_TLS,
	/* Samples of the processor, and stacks, for which there was no room. */
	COUNT_LOST_SAMPLES,
	COUNT_LOST_STACKS,
	/* Records of connections that the reader asked to leave out. */
	COUNT_LEFT_OUT,
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

#ifndef REDUCED

/* The number of the process that used the mark. */
u32 df_marked_pid = 0;

INLINE void mark_process(u32 pid)
{
	df_marked_pid = pid;
}

/* Where `socket_file_operations` is: learned from the first socket, 0 before. One value for the whole kernel. */
u64 df_socket_operations = 0;

#endif

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

/* Only both ends tell: of a socket that has no peer yet, nothing is known. One port in the list is enough. */
INLINE int is_port_filtered(const struct endpoints *ends)
{
	u32 local = ends->local_port, remote = ends->remote_port;
	int is_listed;

	if (df_port_filter == FILTER_NONE || !remote)
		return 0;
	is_listed = bpf_map_lookup_elem(&ports, &local) || bpf_map_lookup_elem(&ports, &remote);
	return is_listed != (df_port_filter == FILTER_ONLY);
}

#ifdef REDUCED

/* The reader leaves out what ports say. */
INLINE u16 payload_of_ports(const struct endpoints *ends)
{
	(void)ends;
	return 0;
}

INLINE u32 most_payload_of(const struct socket_state *state)
{
	(void)state;
	return df_payload_bytes;
}

#else

/*
 * Most bytes of one call that are copied: the fewest that one of both ports says. A datagram may have its other end in the
 * call: the reader of the rings leaves out what that says.
 */
INLINE u16 payload_of_ports(const struct endpoints *ends)
{
	u32 local = ends->local_port, remote = ends->remote_port;
	u32 *by_local, *by_remote;

	if (!df_most_payload_bytes)
		return 0;
	by_local = bpf_map_lookup_elem(&port_payloads, &local);
	by_remote = bpf_map_lookup_elem(&port_payloads, &remote);
	if (by_local && by_remote)
		return *by_local < *by_remote ? *by_local : *by_remote;
	if (by_local)
		return *by_local;
	if (by_remote)
		return *by_remote;
	return remote ? df_payload_bytes : df_most_payload_bytes;
}

/* Most bytes of one call on this socket that are copied. */
INLINE u32 most_payload_of(const struct socket_state *state)
{
	return df_most_payload_bytes ? state->payload_bytes : df_payload_bytes;
}

#endif
