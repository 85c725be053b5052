/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What goes through the rings to user space. src/abi.rs reads the same layout: change both together. */
#pragma once

#include "bpf.h"

enum record_kind {
	RECORD_DATA = 1,
	RECORD_OPENED = 2,
	RECORD_CLOSED = 3,
	RECORD_EXEC = 4,
	RECORD_FORK = 5,
	RECORD_EXIT = 6,
	/* The path that leads to the server of a Unix socket follows. */
	RECORD_PATH = 7,
};

enum transfer { TRANSFER_SENT = 1, TRANSFER_RECEIVED = 2 };

enum role { ROLE_UNKNOWN = 0, ROLE_CLIENT = 1, ROLE_SERVER = 2 };

enum source { SOURCE_SYSCALL = 0, SOURCE_OPENSSL = 1, SOURCE_GO_TLS = 2 };

/* Names of src/abi.rs, in the same order. */
enum function {
	FUNCTION_NONE = 0,
	FUNCTION_READ,
	FUNCTION_WRITE,
	FUNCTION_READV,
	FUNCTION_WRITEV,
	FUNCTION_RECVFROM,
	FUNCTION_SENDTO,
	FUNCTION_RECVMSG,
	FUNCTION_SENDMSG,
	FUNCTION_RECVMMSG,
	FUNCTION_SENDMMSG,
	FUNCTION_SENDFILE,
	FUNCTION_SPLICE,
	FUNCTION_CONNECT,
	FUNCTION_ACCEPT,
	FUNCTION_ACCEPT4,
	FUNCTION_CLOSE,
	FUNCTION_SHUTDOWN,
	FUNCTION_SSL_READ,
	FUNCTION_SSL_WRITE,
	FUNCTION_SSL_READ_EX,
	FUNCTION_SSL_WRITE_EX,
	FUNCTION_GO_TLS_READ,
	FUNCTION_GO_TLS_WRITE,
};

enum record_flags {
	/* `sequence_number` tells where the first byte stands. */
	RECORD_HAS_SEQUENCE_NUMBER = 1,
	/* The bytes are plain text of an encrypted stream, at `offset`. */
	RECORD_IS_PLAINTEXT = 2,
	/* The bytes are of a stream that the kernel does not number, at `offset`. */
	RECORD_IS_COUNTED = 4,
};

/* Both ends of a socket. IPv4 addresses stand in the first four bytes, inode numbers of Unix sockets in the first eight. */
struct endpoints {
	u8 family;
	u8 protocol;
	u16 local_port;
	u16 remote_port;
	u16 padding;
	u8 local[16];
	u8 remote[16];
};

/* One record. Times are of CLOCK_MONOTONIC; ports are in host order. The payload follows. */
struct record {
	u8 kind;
	u8 source;
	u8 transfer;
	u8 role;
	u8 function;
	u8 flags;
	u16 padding;
	/* How many bytes follow, and how many there were. */
	u32 payload_bytes;
	u32 original_bytes;
	u64 entry_ns;
	u64 exit_ns;
	u64 socket_id;
	u64 causal_id;
	u64 coroutine;
	u64 offset;
	u32 sequence_number;
	u32 network_namespace;
	u32 pid;
	u32 tid;
	struct endpoints endpoints;
	u8 command[16];
};

_Static_assert(sizeof(struct record) == 136, "src/abi.rs reads 136 bytes");

/* What follows the header of RECORD_EXEC, RECORD_FORK and RECORD_EXIT. */
struct process_details {
	u64 start_ns;
	u32 parent_pid;
	u32 exit_code;
	u8 path[128];
};

_Static_assert(sizeof(struct process_details) == 144, "src/abi.rs reads 144 bytes");
