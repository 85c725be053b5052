/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that start, become another program, and end. */
#pragma once

#include "capture.h"

struct linux_binprm {
	const char *filename;
} RELOCATED;

static int emit_process(u8 kind, struct task_struct *task, const char *path);

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

INLINE int emit_process(u8 kind, struct task_struct *task, const char *path)
{
	struct task_struct *parent = READ(task, real_parent);
	struct process_details *details;
	struct record *record;
	void *ring = own_ring();

	if (!ring)
		return 0;
	record = bpf_ringbuf_reserve(ring, sizeof(*record) + sizeof(*details), 0);
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
	details->start_ns = READ(task, start_boottime);
	details->parent_pid = READ(parent, tgid);
	details->exit_code = READ(task, exit_code);
	if (path)
		bpf_probe_read_kernel_str(details->path, sizeof(details->path), path);
	submit(ring, record, sizeof(*record) + sizeof(*details));
	return 0;
}
