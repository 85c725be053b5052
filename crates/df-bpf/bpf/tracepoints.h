/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hooks at the tracepoints of single system calls: a program for each entry, one for returns of the same sort. */
#pragma once

#include "calls.h"

#define ENTER_AT_TRACEPOINT(name, ...)                                                                                \
	SEC("tracepoint/on_" #name) int on_##name(struct syscall_enter *context)                                      \
	{                                                                                                             \
		return enter_##name(context, context->arguments);                                                     \
	}

TRANSFERS(ENTER_AT_TRACEPOINT)
OTHER_ENTRIES(ENTER_AT_TRACEPOINT)

SEC("tracepoint/on_leave") int on_leave(struct syscall_exit *context)
{
	return return_one(context, context->result);
}

SEC("tracepoint/on_leave_messages") int on_leave_messages(struct syscall_exit *context)
{
	return return_several(context, context->result);
}

SEC("tracepoint/on_accepted") int on_accepted(struct syscall_exit *context)
{
	return return_accepted(context, context->result);
}
