/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Workers: which thread or goroutine is at work, and what it has open. */
#pragma once

#include "kernel.h"
#include "maps.h"

#ifdef REDUCED

/* Goroutines are not told apart: a Go program's threads are its workers, and most of its calls have no cause. */
INLINE struct worker own_worker(struct thread *thread, u64 now)
{
	struct worker worker = { .id = bpf_get_current_pid_tgid() };

	(void)thread;
	(void)now;
	return worker;
}

INLINE struct open_requests *open_requests_of(const struct worker *worker, struct thread *current)
{
	u32 tid = worker->id;
	struct thread *thread;

	if (current && tid == (u32)bpf_get_current_pid_tgid())
		return &current->open;
	thread = bpf_map_lookup_elem(&threads, &tid);
	return thread ? &thread->open : NULL;
}

INLINE struct open_requests *new_open_requests(const struct worker *worker)
{
	(void)worker;
	return NULL;
}

#else

#include "registers.h"

enum { ASK_INTERVAL_NS = 1000 * 1000 * 1000 };

/* Where the goroutines of a process keep their numbers, in bytes from the start of a `g`: filled as Go programs are found. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 16384);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
} go_processes SEC(".maps");

/* By goroutine. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 65536);
	MAP_UINT(key_size, sizeof(struct worker));
	MAP_UINT(value_size, sizeof(struct open_requests));
} goroutines SEC(".maps");

static u64 own_goroutine(u64 number_offset);

/* Who is at work on this thread; nobody where it runs a goroutine that cannot be told. */
INLINE struct worker own_worker(struct thread *thread, u64 now)
{
	u64 task = bpf_get_current_pid_tgid();
	u32 pid = task >> 32;
	struct worker worker = {};

	if (!thread->asked_ns || now - thread->asked_ns > ASK_INTERVAL_NS) {
		u32 *offset = bpf_map_lookup_elem(&go_processes, &pid);

		thread->asked_ns = now;
		thread->goroutine_offset = offset ? *offset : 0;
	}
	if (!thread->goroutine_offset) {
		worker.id = task;
		return worker;
	}
	worker.goroutine = own_goroutine(thread->goroutine_offset);
	if (worker.goroutine)
		worker.id = pid;
	return worker;
}

/* What a worker has open; NULL: nothing. The current thread, where it is known, is not looked up again. */
INLINE struct open_requests *open_requests_of(const struct worker *worker, struct thread *current)
{
	struct thread *thread;
	u32 tid = worker->id;

	if (worker->goroutine)
		return bpf_map_lookup_elem(&goroutines, worker);
	if (current && tid == (u32)bpf_get_current_pid_tgid())
		return &current->open;
	thread = bpf_map_lookup_elem(&threads, &tid);
	return thread ? &thread->open : NULL;
}

/* Room for what a goroutine opens. */
INLINE struct open_requests *new_open_requests(const struct worker *worker)
{
	struct open_requests fresh = {};

	if (!worker->goroutine || bpf_map_update_elem(&goroutines, worker, &fresh, BPF_ANY))
		return NULL;
	return bpf_map_lookup_elem(&goroutines, worker);
}

#if defined(__TARGET_ARCH_x86)

/* Go keeps the `g` that a thread runs in the first word below its thread-local storage. */
INLINE u64 own_goroutine(u64 number_offset)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 storage = READ(task, thread.fsbase);
	u64 g = 0, number = 0;

	if (!storage || bpf_probe_read_user(&g, sizeof(g), (void *)(storage - 8)) || !g)
		return 0;
	bpf_probe_read_user(&number, sizeof(number), (void *)(g + number_offset));
	return number;
}

#else

/* What a `g` begins with. */
struct go_stack {
	u64 low;
	u64 high;
};

/*
 * Go keeps the `g` that a thread runs in a register. While the thread runs C code anything may be there, but then it is on another
 * stack: what is there is taken for a `g` only if the thread is on the stack that this `g` has. Without the registers nobody can be told.
 */
INLINE u64 own_goroutine(u64 number_offset)
{
	struct registers *registers;
	struct go_stack stack = {};
	u64 g, top, number = 0;

	if (!has_task_registers())
		return 0;
	registers = bpf_task_pt_regs(bpf_get_current_task_btf());
	g = READ(registers, x[28]);
	top = READ(registers, sp);
	if (!g || bpf_probe_read_user(&stack, sizeof(stack), (void *)g) || top < stack.low || top >= stack.high)
		return 0;
	bpf_probe_read_user(&number, sizeof(number), (void *)(g + number_offset));
	return number;
}

#endif

#endif

INLINE int is_same_worker(const struct worker *one, const struct worker *other)
{
	return one->id == other->id && one->goroutine == other->goroutine;
}
