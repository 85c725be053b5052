/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that start, become another program, and end. */
#pragma once

#include "capture.h"

struct linux_binprm {
	const char *filename;
} RELOCATED;

static int emit_process(u8 kind, struct task_struct *task, const char *path);

#ifdef REDUCED

static int emit_started(const struct new_task *child);

/* What runs on this processor is the process that is told of. */
SEC("tracepoint/on_exec") int on_exec(struct program_change *context)
{
	u64 path = (u64)context + (context->path_at & 0xffff);

	emit_process(RECORD_EXEC, (void *)bpf_get_current_task(), (void *)path);
	hand_over(context);
	return 0;
}

SEC("tracepoint/on_fork") int on_fork(struct new_task *context)
{
	/* A thread is no process. */
	if (!(context->clone_flags & CLONE_THREAD))
		emit_started(context);
	hand_over(context);
	return 0;
}

SEC("tracepoint/on_exit") int on_exit(void *context)
{
	u64 task = bpf_get_current_pid_tgid();
	u32 tid = task;

	bpf_map_delete_elem(&threads, &tid);
	if (tid == task >> 32)
		emit_process(RECORD_EXIT, (void *)bpf_get_current_task(), NULL);
	hand_over(context);
	return 0;
}

#else

SEC("raw_tracepoint/sched_process_exec") int on_exec(u64 *arguments)
{
	struct linux_binprm *program = (void *)arguments[2];

	return emit_process(RECORD_EXEC, (void *)arguments[0], READ(program, filename));
}

SEC("raw_tracepoint/sched_process_fork") int on_fork(u64 *arguments)
{
	struct task_struct *child = (void *)arguments[1];

	/* A thread is no process. */
	if (READ(child, pid) != READ(child, tgid))
		return 0;
	return emit_process(RECORD_FORK, child, NULL);
}

SEC("raw_tracepoint/sched_process_exit") int on_exit(u64 *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	u32 tid = READ(task, pid);

	bpf_map_delete_elem(&threads, &tid);
	if (tid != READ(task, tgid))
		return 0;
	bpf_map_delete_elem(&tls_processes, &tid);
	bpf_map_delete_elem(&go_processes, &tid);
	return emit_process(RECORD_EXIT, task, NULL);
}

#endif

/* Of the clock that goes on while the machine sleeps. */
INLINE u64 started_at(struct task_struct *task)
{
#ifdef REDUCED
	struct task_struct___before_5_5 *older = (void *)task;

	if (!HAS_FIELD(struct task_struct, start_boottime))
		return READ(older, real_start_time);
#endif
	return READ(task, start_boottime);
}

INLINE int emit_process(u8 kind, struct task_struct *task, const char *path)
{
	struct task_struct *parent = READ(task, real_parent);
	struct process_details *details;
	struct record *record;
	void *ring = own_ring();

	if (!ring)
		return 0;
	record = RESERVE(ring, sizeof(*record) + sizeof(*details));
	if (!record) {
		count(COUNT_DROPPED_RECORDS);
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record) + sizeof(*details));
	details = (void *)(record + 1);
	record->kind = kind;
	record->pid = READ(task, tgid);
	record->tid = READ(task, pid);
	record->entry_ns = record->exit_ns = bpf_ktime_get_ns();
	record->payload_bytes = record->original_bytes = sizeof(*details);
	bpf_probe_read_kernel(record->command, sizeof(record->command), &task->comm);
	details->start_ns = started_at(task);
	details->parent_pid = READ(parent, tgid);
	details->exit_code = READ(task, exit_code);
	if (path)
		bpf_probe_read_kernel_str(details->path, sizeof(details->path), path);
	submit(ring, record, sizeof(*record) + sizeof(*details));
	return 0;
}

#ifdef REDUCED

/*
 * Tells of a process that begins. Only its number is known, so its start is the time of now: the clock that goes on while the
 * machine sleeps is as far ahead of the other one as it was when the parent began.
 */
INLINE int emit_started(const struct new_task *child)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *parent = READ(task, group_leader);
	struct process_details *details;
	struct record *record;
	void *ring = own_ring();

	if (!ring)
		return 0;
	if (child->clone_flags & CLONE_PARENT)
		parent = READ(task, real_parent);
	record = RESERVE(ring, sizeof(*record) + sizeof(*details));
	__builtin_memset(record, 0, sizeof(*record) + sizeof(*details));
	details = (void *)(record + 1);
	record->kind = RECORD_FORK;
	record->pid = record->tid = child->pid;
	record->entry_ns = record->exit_ns = bpf_ktime_get_ns();
	record->payload_bytes = record->original_bytes = sizeof(*details);
	bpf_get_current_comm(record->command, sizeof(record->command));
	details->start_ns = record->entry_ns + started_at(task) - READ(task, start_time);
	details->parent_pid = READ(parent, tgid);
	submit(ring, record, sizeof(*record) + sizeof(*details));
	return 0;
}

#endif
