// oracle: no (from 2.4 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registrations of later kernels: what they do here, or their error where the kernel has not what they are for. */
#include <pthread.h>
#include <sys/socket.h>

#include "uring_check.h"

static struct io_uring ring;

/* -EINVAL of a kernel that does not know the operation. */
static int known(int op)
{
	struct io_uring_query_hdr head;
	struct io_uring_query_opcode answer;

	memset(&head, 0, sizeof(head));
	memset(&answer, 0, sizeof(answer));
	head.query_data = (uintptr_t)&answer;
	head.query_op = IO_URING_QUERY_OPCODES;
	head.size = sizeof(answer);
	if (io_uring_register_query(&head) != 0)
		return 0;
	return (unsigned)op < answer.nr_register_opcodes;
}

static void clocks(void)
{
	struct io_uring_clock_register arg;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(20);
	int ret;

	memset(&arg, 0, sizeof(arg));
	arg.clockid = CLOCK_BOOTTIME;
	ret = io_uring_register_clock(&ring, &arg);
	if (!known(IORING_REGISTER_CLOCK) && ret == -EINVAL)
		return;
	CHECK_EQ(ret, 0);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	arg.clockid = CLOCK_MONOTONIC;
	CHECK_EQ(io_uring_register_clock(&ring, &arg), 0);
	arg.clockid = CLOCK_REALTIME;
	CHECK_EQ(io_uring_register_clock(&ring, &arg), -EINVAL);
	arg.clockid = CLOCK_MONOTONIC;
	arg.__resv[0] = 1;
	CHECK_EQ(io_uring_register_clock(&ring, &arg), -EINVAL);
	CHECK_EQ(io_uring_register_clock(&ring, NULL), -EINVAL);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
}

static void messages(void)
{
	struct io_uring_sqe sqe;
	struct completion got;

	memset(&sqe, 0, sizeof(sqe));
	io_uring_prep_msg_ring(&sqe, ring.ring_fd, 10, 0x1234, 0);
	if (!known(IORING_REGISTER_SEND_MSG_RING) && io_uring_register_sync_msg(&sqe) == -EINVAL)
		return;
	CHECK_EQ(io_uring_register_sync_msg(&sqe), 0);
	got = take(&ring);
	CHECK_EQ(got.user_data, 0x1234);
	CHECK_EQ(got.res, 10);
	io_uring_prep_msg_ring(&sqe, 0, 10, 0x1234, 0);
	CHECK_EQ(io_uring_register_sync_msg(&sqe), -EBADFD);
	io_uring_prep_msg_ring(&sqe, 4711, 10, 0x1234, 0);
	CHECK_EQ(io_uring_register_sync_msg(&sqe), -EBADF);
	io_uring_prep_nop(&sqe);
	CHECK_EQ(io_uring_register_sync_msg(&sqe), -EINVAL);
	io_uring_prep_msg_ring(&sqe, ring.ring_fd, 10, 0x1234, 0);
	sqe.flags = IOSQE_ASYNC;
	CHECK_EQ(io_uring_register_sync_msg(&sqe), -EINVAL);
	CHECK_EQ(io_uring_register_sync_msg(NULL), -EINVAL);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
}

static void queries(void)
{
	struct io_uring_query_hdr head;
	struct io_uring_query_opcode answer;

	if (!known(IORING_REGISTER_QUERY))
		return;
	memset(&head, 0, sizeof(head));
	memset(&answer, 0xff, sizeof(answer));
	head.query_op = IO_URING_QUERY_OPCODES;
	head.query_data = (uintptr_t)&answer;
	/* Less room than the answer takes: its beginning. */
	head.size = 8;
	CHECK_EQ(io_uring_register_query(&head), 0);
	CHECK_EQ(head.result, 0);
	CHECK_EQ(answer.nr_register_opcodes > IORING_REGISTER_QUERY, 1);
	CHECK_EQ(answer.feature_flags, ~0ULL);
	head.query_op = 4711;
	CHECK_EQ(io_uring_register_query(&head), 0);
	CHECK_EQ(head.result, -EOPNOTSUPP);
	head.query_op = IO_URING_QUERY_OPCODES;
	head.query_data = (uintptr_t)hole();
	head.size = sizeof(answer);
	CHECK_EQ(io_uring_register_query(&head), -EFAULT);
	CHECK_EQ(io_uring_register_query((struct io_uring_query_hdr *)hole()), -EFAULT);
}

/* With sockets that can be polled busily or not: the kernel may be built without. */
static void napi(void)
{
	struct io_uring_napi napi, old;
	int ret;

	memset(&napi, 0, sizeof(napi));
	napi.busy_poll_to = 100;
	napi.prefer_busy_poll = 1;
	old = napi;
	ret = io_uring_register_napi(&ring, &old);
	if (ret == -EOPNOTSUPP || ret == -EINVAL) {
		CHECK_EQ(io_uring_unregister_napi(&ring, &old), ret);
		CHECK(memcmp(&old, &napi, sizeof(old)) == 0);
		printf("no busy polling: %d\n", ret);
		return;
	}
	CHECK_EQ(ret, 0);
	CHECK_EQ(old.busy_poll_to, 0);
	CHECK_EQ(old.prefer_busy_poll, 0);
	old = napi;
	CHECK_EQ(io_uring_register_napi(&ring, &old), 0);
	CHECK_EQ(old.busy_poll_to, 100);
	CHECK_EQ(old.prefer_busy_poll, 1);
	memset(&old, 0, sizeof(old));
	CHECK_EQ(io_uring_unregister_napi(&ring, &old), 0);
	CHECK_EQ(old.busy_poll_to, 100);
	CHECK_EQ(old.prefer_busy_poll, 1);
	CHECK_EQ(io_uring_unregister_napi(&ring, NULL), 0);
	old = napi;
	old.pad[1] = 1;
	CHECK_EQ(io_uring_register_napi(&ring, &old), -EINVAL);
	old = napi;
	old.resv = 1ULL << 32;
	CHECK_EQ(io_uring_register_napi(&ring, &old), -EINVAL);
	CHECK_EQ(io_uring_register_napi(&ring, NULL), -EINVAL);
	CHECK_EQ(io_uring_register_napi(&ring, (struct io_uring_napi *)hole()), -EFAULT);
}

/* There is no network interface that gives its queue away; a kernel without the option has not the operation. */
static void zero_copy_receive(void)
{
	struct io_uring_zcrx_ifq_reg ifq;
	struct zcrx_ctrl ctrl;
	struct io_uring receiver;
	struct io_uring_params params;
	int ret;

	memset(&ifq, 0, sizeof(ifq));
	CHECK_EQ(io_uring_register_ifq(&ring, &ifq), -EINVAL);
	memset(&ctrl, 0, sizeof(ctrl));
	ret = io_uring_register_zcrx_ctrl(&ring, &ctrl);
	CHECK(known(IORING_REGISTER_ZCRX_CTRL) ? ret < 0 : ret == -EINVAL);

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQE32;
	make_params(&receiver, 8, &params);
	ret = io_uring_register_ifq(&receiver, &ifq);
	CHECK(ret == -EINVAL || ret == -EFAULT || ret == -EPERM || ret == -EOPNOTSUPP);
	/* The argument has to be there; a kernel that has not the operation does not look. */
	if (ret != -EINVAL)
		CHECK_EQ(io_uring_register_ifq(&receiver, (struct io_uring_zcrx_ifq_reg *)hole()), -EFAULT);
	CHECK_LE(io_uring_register_ifq(&receiver, NULL), -1);
	io_uring_queue_exit(&receiver);
}

static void filters(void)
{
	struct io_uring_bpf bpf;

	memset(&bpf, 0, sizeof(bpf));
	/* Not a known command. */
	bpf.cmd_type = 0xffff;
	CHECK_LE(io_uring_register_bpf_filter(&ring, &bpf), -1);
	CHECK_LE(io_uring_register_bpf_filter_task(&bpf), -1);
	if (!known(IORING_REGISTER_BPF_FILTER)) {
		CHECK_EQ(io_uring_register_bpf_filter(&ring, &bpf), -EINVAL);
		CHECK_EQ(io_uring_register_bpf_filter(&ring, NULL), -EINVAL);
		CHECK_EQ(io_uring_register_bpf_filter_task(&bpf), -EINVAL);
		CHECK_EQ(io_uring_register_bpf_filter_task(NULL), -EINVAL);
	}
}

/* Rules for all rings of a task, from Linux 7.0 on: in a child, as they are for good. */
static void task_restrictions(void)
{
	struct {
		struct io_uring_task_restriction head;
		struct io_uring_restriction rule;
	} rules;
	pid_t child = fork();

	if (child == 0) {
		int ret;

		watchdog();
		memset(&rules, 0, sizeof(rules));
		rules.head.nr_res = 1;
		rules.rule.opcode = IORING_RESTRICTION_SQE_OP;
		rules.rule.sqe_op = IORING_OP_NOP;
		ret = io_uring_register(-1U, IORING_REGISTER_RESTRICTIONS, &rules, 1);
		if (!known(IORING_REGISTER_BPF_FILTER))
			CHECK_EQ(ret, -EINVAL);
		_exit(0);
	}
	wait_exit(child, 0);
}

static void restrictions(void)
{
	struct io_uring_restriction rules[3];
	struct io_uring ring2;
	struct io_uring_sqe *sqe;
	int file = temp_file(10, 1), files[1];
	char byte;

	files[0] = file;
	make(&ring2, 8, IORING_SETUP_R_DISABLED);
	memset(rules, 0, sizeof(rules));
	CHECK_EQ(io_uring_register_restrictions(&ring2, NULL, 1), -EINVAL);
	CHECK_EQ(io_uring_register_restrictions(&ring2, rules, 100000), -EINVAL);
	CHECK_EQ(io_uring_register_restrictions(&ring2, (struct io_uring_restriction *)hole(), 1), -EFAULT);
	rules[0].opcode = IORING_RESTRICTION_LAST;
	CHECK_EQ(io_uring_register_restrictions(&ring2, rules, 1), -EINVAL);
	io_uring_queue_exit(&ring2);

	make(&ring2, 8, IORING_SETUP_R_DISABLED);
	CHECK_EQ(io_uring_register_files(&ring2, files, 1), 0);
	rules[0].opcode = IORING_RESTRICTION_SQE_OP;
	rules[0].sqe_op = IORING_OP_READ;
	rules[1].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	rules[1].sqe_flags = IOSQE_FIXED_FILE | IOSQE_ASYNC;
	rules[2].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	rules[2].sqe_flags = IOSQE_FIXED_FILE;
	CHECK_EQ(io_uring_register_restrictions(&ring2, rules, 3), 0);
	CHECK_EQ(io_uring_register_restrictions(&ring2, rules, 3), -EBUSY);
	CHECK_EQ(io_uring_enable_rings(&ring2), 0);
	CHECK_EQ(io_uring_enable_rings(&ring2), -EACCES);
	sqe = next(&ring2);
	io_uring_prep_read(sqe, 0, &byte, 1, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	CHECK_EQ(run_one(&ring2, sqe), 1);
	sqe = next(&ring2);
	io_uring_prep_read(sqe, file, &byte, 1, 0);
	CHECK_EQ(run_one(&ring2, sqe), -EACCES);
	sqe = next(&ring2);
	io_uring_prep_read(sqe, 0, &byte, 1, 0);
	sqe->flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK;
	CHECK_EQ(run_one(&ring2, sqe), -EACCES);
	sqe = next(&ring2);
	io_uring_prep_nop(sqe);
	sqe->flags = IOSQE_FIXED_FILE;
	CHECK_EQ(run_one(&ring2, sqe), -EACCES);
	CHECK_EQ(io_uring_unregister_files(&ring2), -EACCES);
	io_uring_queue_exit(&ring2);

	/* Without rules, and when it runs, it is too late. */
	make(&ring2, 8, IORING_SETUP_R_DISABLED);
	CHECK_EQ(io_uring_enable_rings(&ring2), 0);
	CHECK_EQ(io_uring_enable_rings(&ring2), -EBADFD);
	CHECK_EQ(io_uring_register_restrictions(&ring2, rules, 3), -EBADFD);
	io_uring_queue_exit(&ring2);
}

/* Only the thread that starts a ring of one issuer may submit. */
static void *starts(void *of)
{
	struct io_uring *started = (struct io_uring *)of;

	CHECK_EQ(io_uring_enable_rings(started), 0);
	nops(started, 1, 0);
	CHECK_EQ(io_uring_submit(started), 1);
	return NULL;
}

static void issuer(void)
{
	struct io_uring single;
	pthread_t thread;

	make(&single, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED);
	CHECK_EQ(pthread_create(&thread, NULL, starts, &single), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	take(&single);
	nops(&single, 1, 0);
	CHECK_EQ(io_uring_submit(&single), -EEXIST);
	CHECK_EQ(io_uring_unregister_files(&single), -EEXIST);
	io_uring_queue_exit(&single);
}

static void iowait(void)
{
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(1);
	int ret = io_uring_set_iowait(&ring, false);

	if (!(ring.features & IORING_FEAT_NO_IOWAIT)) {
		CHECK_EQ(ret, -EOPNOTSUPP);
		return;
	}
	CHECK_EQ(ret, 0);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	nops(&ring, 1, 1);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	take(&ring);
	CHECK_EQ(io_uring_set_iowait(&ring, false), 0);
	CHECK_EQ(io_uring_set_iowait(&ring, true), 0);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
}

int main(void)
{
	make(&ring, 8, 0);
	clocks();
	messages();
	queries();
	napi();
	zero_copy_receive();
	filters();
	task_restrictions();
	restrictions();
	issuer();
	iowait();
	io_uring_queue_exit(&ring);
	return 0;
}
