/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs that hang on the tracepoints of system calls: each only says what its call's arguments mean. */
#pragma once

#include "syscalls.h"

#define ENTER(name) SEC("tracepoint/on_" #name) int on_##name(struct syscall_enter *context)

/* A call whose first argument is the descriptor, followed by a buffer or vector and its length. */
#define ENTER_TRANSFER(name, NAME, TRANSFER, SHAPE)                                                                   \
	ENTER(name)                                                                                                   \
	{                                                                                                             \
		struct call asked = {                                                                                 \
			.descriptor = context->arguments[0],                                                          \
			.buffer = context->arguments[1],                                                              \
			.count = context->arguments[2],                                                               \
			.transfer = TRANSFER,                                                                         \
			.function = FUNCTION_##NAME,                                                                  \
			.shape = SHAPE,                                                                               \
		};                                                                                                    \
		return enter_transfer(&asked);                                                                        \
	}

ENTER_TRANSFER(read, READ, TRANSFER_RECEIVED, SHAPE_BUFFER)
ENTER_TRANSFER(write, WRITE, TRANSFER_SENT, SHAPE_BUFFER)
ENTER_TRANSFER(readv, READV, TRANSFER_RECEIVED, SHAPE_VECTOR)
ENTER_TRANSFER(writev, WRITEV, TRANSFER_SENT, SHAPE_VECTOR)

/* Calls with flags too, and perhaps the address of the other end. */
#define ENTER_SOCKET_TRANSFER(name, NAME, TRANSFER, SHAPE, FLAGS, ADDRESS)                                            \
	ENTER(name)                                                                                                   \
	{                                                                                                             \
		struct call asked = {                                                                                 \
			.descriptor = context->arguments[0],                                                          \
			.buffer = context->arguments[1],                                                              \
			.count = context->arguments[2],                                                               \
			.flags = FLAGS,                                                                               \
			.address = ADDRESS,                                                                           \
			.transfer = TRANSFER,                                                                         \
			.function = FUNCTION_##NAME,                                                                  \
			.shape = SHAPE,                                                                               \
		};                                                                                                    \
		return enter_transfer(&asked);                                                                        \
	}

ENTER_SOCKET_TRANSFER(recvfrom, RECVFROM, TRANSFER_RECEIVED, SHAPE_BUFFER, context->arguments[3], context->arguments[4])
ENTER_SOCKET_TRANSFER(sendto, SENDTO, TRANSFER_SENT, SHAPE_BUFFER, context->arguments[3], context->arguments[4])
ENTER_SOCKET_TRANSFER(recvmsg, RECVMSG, TRANSFER_RECEIVED, SHAPE_MESSAGE, context->arguments[2], 0)
ENTER_SOCKET_TRANSFER(sendmsg, SENDMSG, TRANSFER_SENT, SHAPE_MESSAGE, context->arguments[2], 0)
ENTER_SOCKET_TRANSFER(recvmmsg, RECVMMSG, TRANSFER_RECEIVED, SHAPE_MESSAGES, context->arguments[3], 0)
ENTER_SOCKET_TRANSFER(sendmmsg, SENDMMSG, TRANSFER_SENT, SHAPE_MESSAGES, context->arguments[3], 0)

/* Bytes that go from one file to another without passing through the process: they are counted, not copied. */
ENTER(sendfile64)
{
	struct call asked = {
		.descriptor = context->arguments[0],
		.transfer = TRANSFER_SENT,
		.function = FUNCTION_SENDFILE,
		.shape = SHAPE_NONE,
	};
	note_mark(context->arguments[3]);
	return enter_transfer(&asked);
}

ENTER(splice)
{
	struct call asked = {
		.descriptor = context->arguments[2],
		.transfer = TRANSFER_SENT,
		.function = FUNCTION_SPLICE,
		.shape = SHAPE_NONE,
	};
	if (is_socket_descriptor(asked.descriptor))
		return enter_transfer(&asked);
	asked.descriptor = context->arguments[0];
	asked.transfer = TRANSFER_RECEIVED;
	return enter_transfer(&asked);
}

/* What such a ring does with sockets is not seen: that it is used is. */
ENTER(io_uring_enter)
{
	(void)context;
	count(COUNT_IO_URING);
	return 0;
}

ENTER(connect)
{
	return enter_connect(context->arguments[0]);
}

ENTER(shutdown)
{
	if (context->arguments[1] != SHUT_RDWR)
		return 0;
	enter_end(context->arguments[0], FUNCTION_SHUTDOWN);
	hand_over(context);
	return 0;
}

ENTER(close)
{
	enter_end(context->arguments[0], FUNCTION_CLOSE);
	hand_over(context);
	return 0;
}

/* Every call that `enter_transfer` or `enter_connect` noted. */
SEC("tracepoint/on_leave") int on_leave(struct syscall_exit *context)
{
	return leave_call(context, 1);
}

/* Calls that move several messages: a program of its own, since the verifier looks at every one of them. */
SEC("tracepoint/on_leave_messages") int on_leave_messages(struct syscall_exit *context)
{
	return leave_call(context, MAX_MESSAGES);
}

SEC("tracepoint/on_accepted") int on_accepted(struct syscall_exit *context)
{
	leave_accept(context->result, FUNCTION_ACCEPT4);
	hand_over(context);
	return 0;
}
