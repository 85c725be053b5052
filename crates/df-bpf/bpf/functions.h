/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hooks at the entry and the return of the kernel's functions for single system calls. A program is made for one function, so
 * each call has two of its own.
 */
#pragma once

#include "calls.h"
#include "compat.h"
#include "registers.h"

/*
 * The registers of the process. The function has them as its argument, of which the verifier may know no more than that it is a
 * pointer: where a file of the kernel does not say what it points to. Since Linux 5.15 the kernel can be asked.
 */
#define REGISTERS_OF(context)                                                                                         \
	(has_task_registers() ? bpf_task_pt_regs(bpf_get_current_task_btf()) : (void *)(context)[0])

#define ENTER_AT_FUNCTION(name, ...)                                                                                  \
	SEC("fentry/" SYSTEM_CALL #name) int entry_##name(u64 *context)                                               \
	{                                                                                                             \
		const struct registers *registers = REGISTERS_OF(context);                                            \
		const u64 arguments[] = CALL_ARGUMENTS(registers);                                                    \
                                                                                                                      \
		return is_32_bit_function() ? 0 : enter_##name(context, arguments);                                   \
	}

TRANSFERS(ENTER_AT_FUNCTION)
OTHER_ENTRIES(ENTER_AT_FUNCTION)

/* The result follows the one argument. */
#define RETURN_FROM_FUNCTION(name, SORT)                                                                              \
	SEC("fexit/" SYSTEM_CALL #name) int exit_##name(u64 *context)                                                 \
	{                                                                                                             \
		return is_32_bit_function() ? 0 : return_##SORT(context, context[1]);                                 \
	}
#define ONE_FROM_FUNCTION(name) RETURN_FROM_FUNCTION(name, one)
#define SEVERAL_FROM_FUNCTION(name) RETURN_FROM_FUNCTION(name, several)
#define ACCEPTED_FROM_FUNCTION(name) RETURN_FROM_FUNCTION(name, accepted)

RETURNS(ONE_FROM_FUNCTION, SEVERAL_FROM_FUNCTION, ACCEPTED_FROM_FUNCTION)
