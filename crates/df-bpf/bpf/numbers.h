/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers of system calls. They never change. */
#pragma once

#if defined(__TARGET_ARCH_x86)

enum {
	NUMBER_read = 0,
	NUMBER_write = 1,
	NUMBER_readv = 19,
	NUMBER_writev = 20,
	NUMBER_recvfrom = 45,
	NUMBER_sendto = 44,
	NUMBER_recvmsg = 47,
	NUMBER_sendmsg = 46,
	NUMBER_recvmmsg = 299,
	NUMBER_sendmmsg = 307,
	NUMBER_sendfile64 = 40,
	NUMBER_splice = 275,
	NUMBER_io_uring_enter = 426,
	NUMBER_connect = 42,
	NUMBER_accept = 43,
	NUMBER_accept4 = 288,
	NUMBER_shutdown = 48,
	NUMBER_close = 3,
};

#elif defined(__TARGET_ARCH_arm64)

enum {
	NUMBER_read = 63,
	NUMBER_write = 64,
	NUMBER_readv = 65,
	NUMBER_writev = 66,
	NUMBER_recvfrom = 207,
	NUMBER_sendto = 206,
	NUMBER_recvmsg = 212,
	NUMBER_sendmsg = 211,
	NUMBER_recvmmsg = 243,
	NUMBER_sendmmsg = 269,
	NUMBER_sendfile64 = 71,
	NUMBER_splice = 76,
	NUMBER_io_uring_enter = 426,
	NUMBER_connect = 203,
	NUMBER_accept = 202,
	NUMBER_accept4 = 242,
	NUMBER_shutdown = 210,
	NUMBER_close = 57,
};

#endif
