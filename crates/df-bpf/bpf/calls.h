/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls that are hooked and what their arguments mean. Hooks of every kind are made from these lists. */
#pragma once

#include "syscalls.h"

/*
 * Calls that move bytes, with what the place of `arguments` means beyond the first three, which are the descriptor, the buffer
 * or vector, and its length: flags, and the address of the other end.
 */
#define TRANSFERS(CALL)                                                                                               \
	CALL(read, READ, TRANSFER_RECEIVED, SHAPE_BUFFER, 0, 0)                                                       \
	CALL(write, WRITE, TRANSFER_SENT, SHAPE_BUFFER, 0, 0)                                                         \
	CALL(readv, READV, TRANSFER_RECEIVED, SHAPE_VECTOR, 0, 0)                                                     \
	CALL(writev, WRITEV, TRANSFER_SENT, SHAPE_VECTOR, 0, 0)                                                       \
	CALL(recvfrom, RECVFROM, TRANSFER_RECEIVED, SHAPE_BUFFER, arguments[3], arguments[4])                         \
	CALL(sendto, SENDTO, TRANSFER_SENT, SHAPE_BUFFER, arguments[3], arguments[4])                                 \
	CALL(recvmsg, RECVMSG, TRANSFER_RECEIVED, SHAPE_MESSAGE, arguments[2], 0)                                     \
	CALL(sendmsg, SENDMSG, TRANSFER_SENT, SHAPE_MESSAGE, arguments[2], 0)                                         \
	CALL(recvmmsg, RECVMMSG, TRANSFER_RECEIVED, SHAPE_MESSAGES, arguments[3], 0)                                  \
	CALL(sendmmsg, SENDMMSG, TRANSFER_SENT, SHAPE_MESSAGES, arguments[3], 0)

/* Calls whose entry is told by a function of their own. */
#define OTHER_ENTRIES(CALL)                                                                                           \
	CALL(sendfile64)                                                                                              \
	CALL(splice)                                                                                                  \
	CALL(io_uring_enter)                                                                                          \
	CALL(connect)                                                                                                 \
	CALL(shutdown)                                                                                                \
	CALL(close)

/* Calls whose return is told: with one message, with several, or with a connection that was accepted. */
#define RETURNS(ONE, SEVERAL, ACCEPTED)                                                                               \
	ONE(read)                                                                                                     \
	ONE(write)                                                                                                    \
	ONE(readv)                                                                                                    \
	ONE(writev)                                                                                                   \
	ONE(recvfrom)                                                                                                 \
	ONE(sendto)                                                                                                   \
	ONE(recvmsg)                                                                                                  \
	ONE(sendmsg)                                                                                                  \
	ONE(sendfile64)                                                                                               \
	ONE(splice)                                                                                                   \
	ONE(connect)                                                                                                  \
	SEVERAL(recvmmsg)                                                                                             \
	SEVERAL(sendmmsg)                                                                                             \
	ACCEPTED(accept)                                                                                              \
	ACCEPTED(accept4)

/* `describe_read` and so on: what a call asks for. `enter_read` and so on: the call is entered. */
#define DESCRIBE_AND_ENTER(name, NAME, TRANSFER, SHAPE, FLAGS, ADDRESS)                                               \
	INLINE void describe_##name(struct call *asked, const u64 *arguments)                                         \
	{                                                                                                             \
		asked->descriptor = arguments[0];                                                                     \
		asked->buffer = arguments[1];                                                                         \
		asked->count = arguments[2];                                                                          \
		asked->flags = FLAGS;                                                                                 \
		asked->address = ADDRESS;                                                                             \
		asked->transfer = TRANSFER;                                                                           \
		asked->function = FUNCTION_##NAME;                                                                    \
		asked->shape = SHAPE;                                                                                 \
	}                                                                                                             \
	INLINE int enter_##name(void *context, const u64 *arguments)                                                  \
	{                                                                                                             \
		struct call asked = {};                                                                               \
                                                                                                                      \
		(void)context;                                                                                        \
		describe_##name(&asked, arguments);                                                                   \
		return enter_transfer(&asked);                                                                        \
	}

TRANSFERS(DESCRIBE_AND_ENTER)

/* Bytes that go from one file to another without passing through the process: they are counted, not copied. */
INLINE int enter_sendfile64(void *context, const u64 *arguments)
{
	struct call asked = {
		.descriptor = arguments[0],
		.transfer = TRANSFER_SENT,
		.function = FUNCTION_SENDFILE,
		.shape = SHAPE_NONE,
	};
	(void)context;
	note_mark(arguments[3]);
	return enter_transfer(&asked);
}

INLINE int enter_splice(void *context, const u64 *arguments)
{
	struct call asked = {
		.descriptor = arguments[2],
		.transfer = TRANSFER_SENT,
		.function = FUNCTION_SPLICE,
		.shape = SHAPE_NONE,
	};
	(void)context;
	if (!is_socket_descriptor(asked.descriptor)) {
		asked.descriptor = arguments[0];
		asked.transfer = TRANSFER_RECEIVED;
	}
	return enter_transfer(&asked);
}

/* What such a ring does with sockets is not seen: that it is used is. */
INLINE int enter_io_uring_enter(void *context, const u64 *arguments)
{
	(void)context;
	(void)arguments;
	count(COUNT_IO_URING);
	return 0;
}

INLINE int enter_connect(void *context, const u64 *arguments)
{
	struct call asked = { .descriptor = arguments[0], .function = FUNCTION_CONNECT };

	(void)context;
	return enter_transfer(&asked);
}

INLINE int enter_shutdown(void *context, const u64 *arguments)
{
	if (arguments[1] != SHUT_RDWR)
		return 0;
	enter_end(arguments[0], FUNCTION_SHUTDOWN);
	hand_over(context);
	return 0;
}

INLINE int enter_close(void *context, const u64 *arguments)
{
	enter_end(arguments[0], FUNCTION_CLOSE);
	hand_over(context);
	return 0;
}

/* Every call that `enter_transfer` noted. */
INLINE int return_one(void *context, s64 result)
{
	return leave_call(context, result, 1);
}

/* Calls that move several messages: programs of their own, since the verifier looks at every one of them. */
INLINE int return_several(void *context, s64 result)
{
	return leave_call(context, result, MAX_MESSAGES);
}

INLINE int return_accepted(void *context, s64 result)
{
	leave_accept(result, FUNCTION_ACCEPT4);
	hand_over(context);
	return 0;
}
