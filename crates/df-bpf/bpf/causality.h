/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which request a thread or goroutine is working on when it sends.
 *
 * A request that is received on the socket of a server gets an id, and so do its answer, by the socket alone, and every
 * call that the same worker makes while this is the only request it has open. A thread with several open requests makes calls
 * without an id, and so does one that calls over a socket that is waited for by epoll: an event loop, which may be at work
 * on anything. None is better than a wrong one. The answer of a call has the call's id.
 *
 * nginx is known to run the handler of an event to its end before it looks at the next one. So what it sends belongs to what
 * it received last, and what it sends first over a connection to what it had received last when it began to connect.
 * Other event loops queue what an event woke, and nothing outside of them tells what comes out of the queue.
 */
#pragma once

#include "goroutine.h"

static u64 id_of_call(const struct open_requests *open, const struct worker *worker, const struct socket_state *state,
		      u8 last_transfer);
static void begin_request(struct open_requests *open, const struct worker *worker, struct socket_state *state);
static u64 new_causal_id(void);

/*
 * Ends the request that is open on a socket, if one is. Whoever interrupts this, or `begin_request`, finds a number that is
 * too high rather than an id that is of none.
 */
INLINE void end_request(struct socket_state *state, struct thread *current)
{
	struct worker worker = state->worker;
	struct open_requests *open;

	if (!worker.id)
		return;
	state->worker.id = 0;
	open = open_requests_of(&worker, current);
	if (!open || !open->number)
		return;
	open->ids ^= state->causal_id;
	ORDER();
	open->number -= 1;
	if (!open->number)
		open->ids = 0;
}

/* The one request that is open. 0: there is none, or more than one. */
INLINE u64 only_open_request(const struct open_requests *open)
{
	if (open->number > 1)
		count(COUNT_AMBIGUOUS_CAUSES);
	return open->number == 1 ? open->ids : 0;
}

#ifndef REDUCED

/* The id of what the current thread does between its calls. It only looks: the thread may be in the midst of a program. */
INLINE u64 causal_id_of_work(u64 task)
{
	u32 pid = task >> 32;
	u32 *number_offset = bpf_map_lookup_elem(&go_processes, &pid);
	struct worker worker = { .id = task };
	const struct open_requests *open;

	if (number_offset) {
		worker.goroutine = own_goroutine(*number_offset);
		worker.id = pid;
		if (!worker.goroutine)
			return 0;
	}
	open = open_requests_of(&worker, NULL);
	if (!open || !open->number)
		return 0;
	if (open->knows_handled)
		return open->handled;
	return open->number == 1 ? open->ids : 0;
}

#endif

/* The id of bytes that a worker moved. */
SUBPROGRAM u64 causal_id_of(struct worker *worker, struct socket_state *state, u8 transfer, struct thread *current)
{
	struct open_requests *open;
	u8 last_transfer;
	int is_datagram;

	if (!worker || !state)
		return 0;
	open = open_requests_of(worker, current);
	last_transfer = state->last_transfer;
	is_datagram = state->endpoints.protocol == IPPROTO_UDP;
	state->last_transfer = transfer;
	/* Of two that exchange datagrams, the one that hears first answers. */
	if (state->role == ROLE_UNKNOWN)
		state->role = transfer == TRANSFER_SENT ? ROLE_CLIENT : ROLE_SERVER;
	if (state->role == ROLE_CLIENT) {
		if (transfer == TRANSFER_SENT) {
			u64 id = open ? id_of_call(open, worker, state, last_transfer) : 0;

			/* What comes next over a connection with several calls at once may answer another one. */
			state->causal_id = open && open->knows_handled == HANDLES_ONE ? 0 : id;
			return id;
		}
		if (open)
			open->handled = is_datagram ? 0 : state->causal_id;
		return state->causal_id;
	}
	if (transfer == TRANSFER_SENT) {
		end_request(state, current);
		return state->causal_id;
	}
	if (is_datagram) {
		/* Two questions without an answer between them, perhaps of two clients. */
		state->causal_id = last_transfer == TRANSFER_RECEIVED ? 0 : new_causal_id();
		return state->causal_id;
	}
	if (last_transfer != TRANSFER_RECEIVED) {
		state->causal_id = new_causal_id();
		begin_request(open, worker, state);
	} else if (state->worker.id && !is_same_worker(&state->worker, worker)) {
		/* Who received the last of it works on it. */
		end_request(state, current);
		begin_request(open, worker, state);
	} else if (open) {
		open->handled = state->causal_id;
	}
	return state->causal_id;
}

/* A connection was begun. */
INLINE void note_connecting(const struct open_requests *open, struct socket_state *state)
{
	if (open->knows_handled && state->endpoints.protocol != IPPROTO_UDP)
		state->causal_id = open->handled;
}

/* Whether an event loop waits for what comes on a socket. */
INLINE int is_watched_by_loop(const struct socket_state *state)
{
	struct socket *socket = READ((struct sock *)state->socket, sk_socket);
	struct file *file = READ(socket, file);
	struct hlist_head *watchers;

	/* Before 5.0 the verifier sees that a way is never taken only where the newer field is asked for, and is missing. */
	if (!HAS_FIELD(struct file, f_ep)) {
		u64 links = (u64)file + FIELD_OFFSET(struct file___before_5_11, f_ep_links);

		return (u64)READ((struct file___before_5_11 *)file, f_ep_links.next) != links;
	}
	watchers = READ(file, f_ep);
	return watchers && READ(watchers, first);
}

/* The id of a call that is sent. */
INLINE u64 id_of_call(const struct open_requests *open, const struct worker *worker, const struct socket_state *state,
		      u8 last_transfer)
{
	if (!open->knows_handled) {
		u64 id = only_open_request(open);

		if (!id || worker->goroutine || !is_watched_by_loop(state))
			return id;
		count(COUNT_AMBIGUOUS_CAUSES);
		return 0;
	}
	if (open->knows_handled == HANDLES_ONE)
		return open->handled;
	if (state->causal_id && last_transfer != TRANSFER_RECEIVED && state->endpoints.protocol != IPPROTO_UDP)
		return state->causal_id;
	return open->handled;
}

INLINE void begin_request(struct open_requests *open, const struct worker *worker, struct socket_state *state)
{
	if (!open)
		open = new_open_requests(worker);
	if (!open)
		return;
	state->worker = *worker;
	open->number += 1;
	ORDER();
	open->ids ^= state->causal_id;
	open->handled = state->causal_id;
}

/* Never given before on this host, neither by this run nor, most likely, by an earlier one. */
INLINE u64 new_causal_id(void)
{
	u32 zero = 0;
	struct counters *counters = bpf_map_lookup_elem(&counts, &zero);

	if (!counters)
		return 0;
	counters->causal_ids += 1;
	return (u64)(df_seed & 0xffff) << 48 | (u64)(bpf_get_smp_processor_id() & 0x3ff) << 38 | counters->causal_ids;
}
