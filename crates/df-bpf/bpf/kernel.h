/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The few fields of kernel structures that the programs read; their places come from the running kernel's BTF. */
#pragma once

#include "bpf.h"

enum { AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10 };
enum { SOCK_STREAM = 1 };
enum { IPPROTO_TCP = 6, IPPROTO_UDP = 17 };
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT_1 = 4,
	TCP_FIN_WAIT_2 = 5,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LAST_ACK = 9,
	TCP_CLOSING = 11,
};
enum { BOTH_SHUT_DOWN = 3 };
enum { S_IFMT = 0170000, S_IFSOCK = 0140000 };
enum { MSG_OOB = 0x1, MSG_PEEK = 0x2, MSG_TRUNC = 0x20, MSG_ERRQUEUE = 0x2000, MSG_FASTOPEN = 0x20000000 };
enum { EPIPE = 32, EOPNOTSUPP = 95, ECONNRESET = 104, ETIMEDOUT = 110, EINPROGRESS = 115 };
/* Threads that work for io_uring, and the kernel's own: their registers tell of nothing. */
enum { PF_IO_WORKER = 0x10, PF_KTHREAD = 0x200000 };
enum { SHUT_RDWR = 2 };
enum { CLONE_PARENT = 0x8000, CLONE_THREAD = 0x10000 };
enum { SOCK_BINDPORT_LOCK = 8 };

struct inode {
	u16 i_mode;
	unsigned long i_ino;
} RELOCATED;

struct file_operations;

/* How often a file is open: a plain counter until 6.12, then one that stands one lower. */
typedef struct {
	s64 counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;

typedef struct {
	atomic_long_t refcnt;
} file_ref_t;

/* Who waits for a file by epoll: a list whose head is made when it is needed from 5.11 on, a part of the file before. */
struct hlist_head {
	void *first;
} RELOCATED;

struct list_head {
	struct list_head *next;
} RELOCATED;

struct file___before_5_11 {
	struct list_head f_ep_links;
} RELOCATED;

struct file {
	struct hlist_head *f_ep;
	struct inode *f_inode;
	const struct file_operations *f_op;
	void *private_data;
	file_ref_t f_ref;
} RELOCATED;

struct file___before_6_13 {
	atomic_long_t f_count;
} RELOCATED;

struct fdtable {
	u32 max_fds;
	struct file **fd;
} RELOCATED;

struct files_struct {
	struct fdtable *fdt;
} RELOCATED;

struct ns_common {
	u32 inum;
} RELOCATED;

struct net {
	struct ns_common ns;
} RELOCATED;

struct nsproxy {
	struct net *net_ns;
} RELOCATED;

struct thread_struct {
	unsigned long fsbase;
} RELOCATED;

struct thread_info {
	unsigned long flags;
	u32 status;
} RELOCATED;

struct task_struct {
	struct thread_info thread_info;
	u32 flags;
	void *io_uring;
	struct thread_struct thread;
	u32 pid;
	u32 tgid;
	u64 start_time;
	u64 start_boottime;
	int exit_code;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	char comm[16];
} RELOCATED;

struct task_struct___before_5_5 {
	u64 real_start_time;
} RELOCATED;

struct in6_addr {
	u8 bytes[16];
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	volatile u8 skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} RELOCATED;

struct socket;

/* Whether a process has the socket to itself. */
typedef struct {
	int owned;
} RELOCATED socket_lock_t;

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	struct socket *sk_socket;
	u32 sk_max_ack_backlog;
	u8 sk_shutdown;
	u8 sk_userlocks : 4;
	u16 sk_type;
	u16 sk_protocol;
} RELOCATED;

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
};

/* One that listens and those that it accepts share it. */
struct unix_address {
	/* Of the address that follows, of which the path is as long as that says. */
	int len;
	struct sockaddr_un name[];
} RELOCATED;

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
} RELOCATED;

struct tcp_sock {
	u32 copied_seq;
	u32 write_seq;
	u32 rcv_nxt;
	u32 snd_nxt;
	/* When what was sent last left, by CLOCK_MONOTONIC. */
	u64 tcp_wstamp_ns;
} RELOCATED;

struct socket {
	struct file *file;
	struct sock *sk;
} RELOCATED;

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
} RELOCATED;

/* What system calls take from user space; these layouts never change. */

struct iovec {
	u64 base;
	u64 length;
};

struct user_msghdr {
	u64 name;
	u32 name_length;
	u32 padding;
	u64 vector;
	u64 vector_length;
	u64 control;
	u64 control_length;
	u32 flags;
	u32 padding_2;
};

struct mmsghdr {
	struct user_msghdr header;
	u32 length;
	u32 padding;
};

struct sockaddr_any {
	u16 family;
	u16 port;
	union {
		u32 ipv4;
		struct {
			u32 flow_label;
			u8 ipv6[16];
		};
	};
};

/* What tracepoints hand over. */

struct syscall_enter {
	u64 common;
	u64 number;
	u64 arguments[6];
};

struct syscall_exit {
	u64 common;
	u64 number;
	s64 result;
};

/* The same on every kernel from 4.14 on. */

struct socket_change {
	u64 common;
	struct sock *sock;
	s32 old_state;
	s32 new_state;
};

struct program_change {
	u64 common;
	/* Where the path stands, from the start of this structure, in the lower half. */
	u32 path_at;
};

struct new_task {
	u64 common;
	u32 pid;
	char command[16];
	u64 clone_flags;
};
