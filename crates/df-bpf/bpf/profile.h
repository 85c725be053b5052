/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where processors spend their time: a clock interrupts each of them so many times a second, and what it was at is counted.
 *
 * There are two of each map. The programs fill those that `profile_turn` names while the other two are read and emptied, so
 * that a stack which is read is never one that took the place of another meanwhile. The maps are put in when a profile
 * is asked for; without one, they cost nothing.
 */
#pragma once

#include "causality.h"
#include "socket.h"

enum { MAX_FRAMES = 127 };
enum { PROFILE_TURNS = 2 };
enum { EFAULT = 14 };

/* What is counted together. src/profile/abi.rs reads it. */
struct sample {
	u64 causal_id;
	u32 pid;
	u32 tid;
	/* Where the stack stands in its map; negative: there is none, or no room for it. */
	s32 kernel_stack;
	s32 user_stack;
	char command[16];
};

struct samples {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, sizeof(struct sample));
	MAP_UINT(value_size, sizeof(u64));
};

struct stacks {
	MAP_UINT(type, BPF_MAP_TYPE_STACK_TRACE);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, MAX_FRAMES * sizeof(u64));
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	MAP_UINT(max_entries, PROFILE_TURNS);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
	MAP_VALUES(struct samples);
} profile_samples SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	MAP_UINT(max_entries, PROFILE_TURNS);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
	MAP_VALUES(struct stacks);
} profile_stacks SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
} profile_turn SEC(".maps");

static s32 stack_of(void *context, void *stacks, u64 flags);
static void count_sample(void *samples, const struct sample *sample);

SEC("perf_event") int on_clock(void *context)
{
	u64 task = bpf_get_current_pid_tgid();
	struct sample sample = { .pid = task >> 32, .tid = task };
	void *samples, *stacks;
	u32 zero = 0, index, *turn;

	/* Number 0 is what a processor does when it has nothing to do. */
	if (!sample.pid || is_process_filtered())
		return 0;
	turn = bpf_map_lookup_elem(&profile_turn, &zero);
	if (!turn)
		return 0;
	index = *turn;
	samples = bpf_map_lookup_elem(&profile_samples, &index);
	stacks = bpf_map_lookup_elem(&profile_stacks, &index);
	if (!samples || !stacks)
		return 0;
	sample.causal_id = causal_id_of_work(task);
	sample.kernel_stack = stack_of(context, stacks, 0);
	sample.user_stack = stack_of(context, stacks, BPF_F_USER_STACK);
	bpf_get_current_comm(sample.command, sizeof(sample.command));
	count_sample(samples, &sample);
	return 0;
}

INLINE s32 stack_of(void *context, void *stacks, u64 flags)
{
	s64 stack = bpf_get_stackid(context, stacks, flags);

	/* There is none: the thread was not in the kernel, or is always there. */
	if (stack < 0 && stack != -EFAULT)
		count(COUNT_LOST_STACKS);
	return stack < 0 ? -1 : stack;
}

INLINE void count_sample(void *samples, const struct sample *sample)
{
	u64 *number = bpf_map_lookup_elem(samples, sample);
	u64 one = 1;

	if (number)
		__sync_fetch_and_add(number, 1);
	else if (bpf_map_update_elem(samples, sample, &one, BPF_NOEXIST))
		count(COUNT_LOST_SAMPLES);
}
