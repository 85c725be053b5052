/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls of 32-bit programs: they have arguments and numbers of their own, and are left out. Tracepoints do that by themselves. */
#pragma once

#include "socket.h"

#if defined(__TARGET_ARCH_x86)
/* `TS_COMPAT`, as long as such a call lasts. */
#define TASK_WORD status
enum { IS_32_BIT = 1 << 1 };
#else
/* `_TIF_32BIT`. */
#define TASK_WORD flags
enum { IS_32_BIT = 1 << 22 };
#endif

SUBPROGRAM int is_32_bit_task(void)
{
	if (has_task_pointers()) {
		struct task_struct *task = bpf_get_current_task_btf();

		return (task->thread_info.TASK_WORD & IS_32_BIT) != 0;
	}
	struct task_struct *task = (void *)bpf_get_current_task();

	return (READ(task, thread_info.TASK_WORD) & IS_32_BIT) != 0;
}

/* On x86 their calls have functions of their own, on ARM many have not. */
INLINE int is_32_bit_function(void)
{
#if defined(__TARGET_ARCH_x86)
	return 0;
#else
	return is_32_bit_task();
#endif
}
