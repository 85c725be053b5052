/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hooks at the entry and the return of every system call of the host: two programs that look at the call's number. Neither
 * tracefs nor names of functions are needed for them. Where sockets tell, these tell of what sockets do not know.
 */
#pragma once

#include "calls.h"
#include "compat.h"
#include "numbers.h"
#include "registers.h"

SEC("tp_btf/sys_enter") int on_any_enter(u64 *context)
{
	const struct registers *registers = (void *)context[0];
	struct call asked = {};

	const u64 arguments[] = CALL_ARGUMENTS(registers);

#define TRANSFER_OF_NUMBER(name, ...)                                                                                 \
	case NUMBER_##name:                                                                                           \
		describe_##name(&asked, arguments);                                                                   \
		break;
#define ENTRY_OF_NUMBER(name)                                                                                         \
	case NUMBER_##name:                                                                                           \
		return is_32_bit_task() || attached_to_sockets() ? 0 : enter_##name(context, arguments);

	switch (context[1]) {
		TRANSFERS(TRANSFER_OF_NUMBER)
		OTHER_ENTRIES(ENTRY_OF_NUMBER)
	default:
		return 0;
	}
	return is_32_bit_task() ? 0 : enter_transfer(&asked);
}

SEC("tp_btf/sys_exit") int on_any_exit(u64 *context)
{
	s64 result = context[1];

#define ONE_OF_NUMBER(name) case NUMBER_##name:
#define SEVERAL_OF_NUMBER(name) case NUMBER_##name:
#define ACCEPTED_OF_NUMBER(name)
	switch (CALL_NUMBER(context[0])) {
		RETURNS(ONE_OF_NUMBER, SEVERAL_OF_NUMBER, ACCEPTED_OF_NUMBER)
		return is_32_bit_task() ? 0 : return_several(context, result);
	case NUMBER_accept:
	case NUMBER_accept4:
		return is_32_bit_task() || attached_to_sockets() ? 0 : return_accepted(context, result);
	default:
		return 0;
	}
}
