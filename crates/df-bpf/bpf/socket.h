/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a file descriptor to the socket behind it, its ends and its place in the stream. */
#pragma once

#include "unix.h"

/* A socket that a call was made on. */
struct socket_view {
	struct sock *sock;
	/* Names the socket on this host as long as it lives. */
	u64 inode;
	struct socket_state *state;
};

static struct file *file_of(u32 descriptor);
static int is_process_filtered(void);
static int is_socket(struct file *file);
static struct socket_state *state_of(struct sock *sock, u64 inode);
static struct socket_state *state_read_now(struct sock *sock, u64 inode, struct socket_state *state);
static void read_state(struct sock *sock, struct socket_state *state);
static int read_endpoints(struct sock *sock, struct endpoints *ends);
static u8 role_of(struct sock *sock, const struct endpoints *ends);

/* The number that names a socket on this host as long as it lives. */
INLINE u64 inode_of(struct socket *socket)
{
	return READ((struct socket_alloc *)socket, vfs_inode.i_ino);
}

/* Finds the socket behind a descriptor of this process. 0: it is none, or one that is not observed. */
INLINE int find_socket(u32 descriptor, struct socket_view *view)
{
	struct socket_alloc *socket;
	struct file *file = file_of(descriptor);

	if (!file || !is_socket(file) || is_process_filtered())
		return 0;
	socket = READ(file, private_data);
	view->sock = READ(socket, socket.sk);
	view->inode = inode_of(&socket->socket);
	if (!view->sock)
		return 0;
	view->state = state_of(view->sock, view->inode);
	return view->state && !view->state->is_ignored;
}

/* Whether a descriptor of this process stands for a socket of any kind. */
INLINE int is_socket_descriptor(u32 descriptor)
{
	struct file *file = file_of(descriptor);

	return file && is_socket(file);
}

/* TCP sequence number of the next byte that is sent or read. */
INLINE u32 sequence_number_of(struct sock *sock, u8 transfer)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sock;

	return transfer == TRANSFER_SENT ? READ(tcp, write_seq) : READ(tcp, copied_seq);
}

INLINE struct socket_state *known_state_of(u64 inode, u64 socket)
{
	struct socket_state *state = bpf_map_lookup_elem(&sockets, &inode);

	return state && state->socket == socket ? state : NULL;
}

/* The ends of a UDP socket and of a TCP socket that is being opened change; those of others stay. */
INLINE int has_lasting_ends(const struct socket_state *state)
{
	if (is_unix(&state->endpoints))
		return 1;
	return state->endpoints.protocol == IPPROTO_TCP && state->endpoints.remote_port && state->endpoints.local_port;
}

/* Whether the tracepoints of sockets tell of a transfer. */
enum told { TOLD_NOT, TOLD, TOLD_UNLESS_PEER_ASKED };

/* They do not know from whom a datagram is whose socket has no peer, where nothing else tells them. */
INLINE enum told told_by_socket(const struct socket_state *state, u8 transfer)
{
	u32 by = attached_to_sockets();

	if (by != TOLD_BY_SOCKETS)
		return by ? TOLD : TOLD_NOT;
	if (transfer == TRANSFER_SENT || state->endpoints.protocol == IPPROTO_TCP || state->endpoints.remote_port)
		return TOLD;
	return TOLD_UNLESS_PEER_ASKED;
}

#ifdef REDUCED

INLINE struct file *file_of(u32 descriptor)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct files_struct *open = READ(task, files);
	struct fdtable *table = READ(open, fdt);
	struct file **files, *file = NULL;

	if (descriptor >= READ(table, max_fds))
		return NULL;
	files = READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &files[descriptor]);
	return file;
}

#else

INLINE struct file *file_of(u32 descriptor)
{
	struct file **files, *file = NULL;
	u32 limit;

	if (has_task_pointers()) {
		struct task_struct *task = bpf_get_current_task_btf();
		struct fdtable *table = task->files->fdt;

		files = table->fd;
		limit = table->max_fds;
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();
		struct files_struct *open = READ(task, files);
		struct fdtable *table = READ(open, fdt);

		files = READ(table, fd);
		limit = READ(table, max_fds);
	}
	if (descriptor >= limit)
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &files[descriptor]);
	return file;
}

#endif

INLINE int is_process_filtered(void)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u32 given = df_own_pid;
	u32 own = given ? given : df_marked_pid;

	return pid == own || is_filtered(df_pid_filter, &pids, pid);
}

/* All sockets share one table of operations: one read tells them from other files. */
INLINE int is_socket(struct file *file)
{
	struct inode *inode;
#ifndef REDUCED
	u64 operations = (u64)READ(file, f_op);

	if (df_socket_operations)
		return operations == df_socket_operations;
#endif
	inode = READ(file, f_inode);
	if ((READ(inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
#ifndef REDUCED
	df_socket_operations = operations;
#endif
	return 1;
}

/* Whether no other descriptor, of this process or another, stands for the same file. */
INLINE int is_last_reference(struct file *file)
{
	struct file___before_6_13 *older = (void *)file;

	if (HAS_FIELD(struct file, f_ref))
		return READ(file, f_ref.refcnt.counter) == 0;
	return READ(older, f_count.counter) == 1;
}

/* Whether any descriptor stands for a file that is told of while it is let go. */
INLINE int is_referenced(struct file *file)
{
	struct file___before_6_13 *older = (void *)file;

	if (HAS_FIELD(struct file, f_ref))
		return READ(file, f_ref.refcnt.counter) >= 0;
	return READ(older, f_count.counter) > 0;
}

/* In a PID namespace a process does not know the number that the programs see. */
INLINE void note_mark(u64 bytes)
{
	if (!df_own_pid && !df_marked_pid && bytes == df_own_mark)
		mark_process(bpf_get_current_pid_tgid() >> 32);
}

/* What is known of a socket; read from the kernel at first sight. */
INLINE struct socket_state *state_of(struct sock *sock, u64 inode)
{
	struct socket_state *state = known_state_of(inode, (u64)sock);

	if (state && (state->is_ignored || has_lasting_ends(state)))
		return state;
	return state_read_now(sock, inode, state);
}

/* Nowhere else a state lies on the stack: with all its callers a function has 512 bytes, each share rounded up to 32. */
SUBPROGRAM struct socket_state *state_read_now(struct sock *sock, u64 inode, struct socket_state *state)
{
	struct socket_state fresh = {};

	if (state) {
		read_endpoints(sock, &state->endpoints);
		state->is_ignored = has_lasting_ends(state) && is_port_filtered(&state->endpoints);
		state->payload_bytes = payload_of_ports(&state->endpoints);
		return state;
	}
	read_state(sock, &fresh);
	if (bpf_map_update_elem(&sockets, &inode, &fresh, BPF_ANY))
		count(COUNT_FULL_SOCKETS);
	return bpf_map_lookup_elem(&sockets, &inode);
}

INLINE void read_state(struct sock *sock, struct socket_state *state)
{
	struct net *net;

	state->socket = (u64)sock;
	if (!read_endpoints(sock, &state->endpoints)) {
		state->is_ignored = 1;
		return;
	}
	net = READ(sock, __sk_common.skc_net.net);
	state->network_namespace = READ(net, ns.inum);
	state->role = role_of(sock, &state->endpoints);
	begin_unix_stream(state, 0);
	state->is_ignored = is_port_filtered(&state->endpoints);
	state->payload_bytes = payload_of_ports(&state->endpoints);
}

#define READ_BITFIELD(pointer, type, field)                                                                           \
	({                                                                                                            \
		u64 value_ = 0;                                                                                       \
		bpf_probe_read_kernel(&value_, __builtin_preserve_field_info((pointer)->field, FIELD_BYTE_SIZE),      \
				      (void *)(pointer) +                                                             \
					      __builtin_preserve_field_info((pointer)->field, FIELD_BYTE_OFFSET));     \
		value_ <<= __builtin_preserve_field_info((pointer)->field, FIELD_LSHIFT_U64);                         \
		value_ >> __builtin_preserve_field_info((pointer)->field, FIELD_RSHIFT_U64);                          \
	})

/* Before 5.6 it shares a word with other fields. */
INLINE u8 protocol_of(struct sock *sock)
{
#ifdef REDUCED
	return READ_BITFIELD(sock, struct sock, sk_protocol);
#else
	return READ(sock, sk_protocol);
#endif
}

/* 0: neither TCP nor UDP, nor a Unix socket that is asked for. */
SUBPROGRAM int read_endpoints(struct sock *sock, struct endpoints *ends)
{
	if (!ends)
		return 0;
	ends->family = READ(sock, __sk_common.skc_family);
	if (ends->family == AF_UNIX)
		return read_unix_ends(sock, ends);
	ends->protocol = protocol_of(sock);
	if (ends->protocol != IPPROTO_TCP && ends->protocol != IPPROTO_UDP)
		return 0;
	ends->local_port = READ(sock, __sk_common.skc_num);
	ends->remote_port = swap16(READ(sock, __sk_common.skc_dport));
	if (ends->family == AF_INET) {
		*(u32 *)ends->local = READ(sock, __sk_common.skc_rcv_saddr);
		*(u32 *)ends->remote = READ(sock, __sk_common.skc_daddr);
		return 1;
	}
	if (ends->family != AF_INET6)
		return 0;
	bpf_probe_read_kernel(ends->local, 16, &sock->__sk_common.skc_v6_rcv_saddr);
	bpf_probe_read_kernel(ends->remote, 16, &sock->__sk_common.skc_v6_daddr);
	return 1;
}

/*
 * Who asks and who answers, told from the socket itself, so that it holds for those that are older than the programs.
 * A TCP socket that was accepted has the length of the queue of the one that listens; one that connects has none. A UDP
 * socket whose port was chosen by its process, and that hears everyone, answers; of another one the first transfer tells.
 */
INLINE u8 role_of(struct sock *sock, const struct endpoints *ends)
{
	if (is_unix(ends))
		return unix_role_of(sock);
	if (ends->protocol == IPPROTO_TCP)
		return READ(sock, sk_max_ack_backlog) ? ROLE_SERVER : ROLE_CLIENT;
	if (READ(sock, __sk_common.skc_dport))
		return ROLE_UNKNOWN;
	return READ_BITFIELD(sock, struct sock, sk_userlocks) & SOCK_BINDPORT_LOCK ? ROLE_SERVER : ROLE_UNKNOWN;
}
