// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * workload.c - programs for the tests of tools/: each does a known amount of one thing, once a line comes on its standard
 * input, so that a test can begin to look at it before, and stays until its input ends, so that its functions can be
 * looked up after. Counts and sizes are arguments. It prints "waits" when nothing is left to do before that line, and
 * when it is done "done", and how many nanoseconds by the clock and of CPU time it took.
 *
 *	workload syscalls N             N times getppid(), N/2 times a close() that fails
 *	workload naps N MS              N sleeps of MS milliseconds in take_a_nap()
 *	workload busy MS                MS milliseconds of CPU time in burn_the_cpu()
 *	workload memory MB              touch so many megabytes
 *	workload tcp FAMILY SENT BACK   a server and a client (a child) on loopback: SENT bytes there, BACK bytes back;
 *	                                prints "server PID PORT" and "client PID PORT"
 *	workload refused FAMILY PORT    connect to a port where nobody listens
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Until the next line has come, or there is no more. */
static void wait_for_line(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

static void syscalls(long n)
{
	for (long i = 0; i < n; i++) {
		getppid();
		if (i % 2 && !close(-1))
			die("close");
	}
}

/* The system call stands in the function itself: libc's functions keep no frame pointer, and a stack walked by frame
 * pointers would miss their caller. */
__attribute__((noinline)) static void take_a_nap(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
#if defined(__x86_64__)
	long ret = SYS_nanosleep;

	asm volatile("syscall" : "+a"(ret) : "D"(&t), "S"(NULL) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long number asm("x8") = SYS_nanosleep;
	register void *first asm("x0") = &t;
	register void *second asm("x1") = NULL;

	asm volatile("svc 0" : "+r"(first) : "r"(number), "r"(second) : "memory");
#else
	nanosleep(&t, NULL);
#endif
}

static long now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

__attribute__((noinline)) static void burn_the_cpu(long ms)
{
	long end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ms * 1000000;

	do {
		for (volatile int i = 0; i < 1000000; i++)
			;
	} while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end);
}

static void memory(long mb)
{
	size_t size = (size_t)mb << 20;
	char *p = malloc(size);

	if (!p)
		die("malloc");
	memset(p, 1, size);
	printf("%d\n", p[size / 2]);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t loopback(union address *a, int family, int port)
{
	memset(a, 0, sizeof(*a));
	if (family == 6) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_addr = in6addr_loopback;
		a->v6.sin6_port = htons((uint16_t)port);
		return sizeof(a->v6);
	}
	a->v4.sin_family = AF_INET;
	a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a->v4.sin_port = htons((uint16_t)port);
	return sizeof(a->v4);
}

static int local_port(int fd)
{
	union address a;
	socklen_t n = sizeof(a);

	if (getsockname(fd, &a.any, &n))
		die("getsockname");
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static void send_all(int fd, long n)
{
	static char data[65536];

	while (n > 0) {
		ssize_t sent = send(fd, data, n < (long)sizeof(data) ? (size_t)n : sizeof(data), 0);

		if (sent <= 0)
			die("send");
		n -= sent;
	}
}

static void receive_all(int fd)
{
	static char data[65536];

	while (recv(fd, data, sizeof(data), 0) > 0)
		;
}

static void tcp(int family, long sent, long back)
{
	union address a;
	socklen_t n = loopback(&a, family, 0);
	int server = socket(a.any.sa_family, SOCK_STREAM, 0), fd;
	pid_t child;

	if (server < 0 || bind(server, &a.any, n) || listen(server, 1))
		die("listen");
	printf("server %d %d\n", (int)getpid(), local_port(server));
	fflush(stdout);
	n = loopback(&a, family, local_port(server));
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		fd = socket(a.any.sa_family, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, &a.any, n))
			die("connect");
		printf("client %d %d\n", (int)getpid(), local_port(fd));
		send_all(fd, sent);
		shutdown(fd, SHUT_WR);
		receive_all(fd);
		exit(0);
	}
	fd = accept(server, NULL, NULL);
	if (fd < 0)
		die("accept");
	receive_all(fd);
	send_all(fd, back);
	close(fd);
	waitpid(child, NULL, 0);
}

static void refused(int family, int port)
{
	union address a;
	socklen_t n = loopback(&a, family, port);
	int fd = socket(a.any.sa_family, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	if (!connect(fd, &a.any, n) || errno != ECONNREFUSED)
		die("connect");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long n[3] = {0}, wall, cpu;

	for (int i = 0; i < 3 && i + 2 < argc; i++)
		n[i] = atol(argv[i + 2]);
	puts("waits");
	fflush(stdout);
	wait_for_line();
	wall = now_ns(CLOCK_MONOTONIC);
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	if (!strcmp(what, "syscalls")) {
		syscalls(n[0]);
	} else if (!strcmp(what, "naps")) {
		for (long i = 0; i < n[0]; i++)
			take_a_nap(n[1]);
	} else if (!strcmp(what, "busy")) {
		burn_the_cpu(n[0]);
	} else if (!strcmp(what, "memory")) {
		memory(n[0]);
	} else if (!strcmp(what, "tcp")) {
		tcp((int)n[0], n[1], n[2]);
	} else if (!strcmp(what, "refused")) {
		refused((int)n[0], (int)n[1]);
	} else {
		fprintf(stderr, "workload: what?\n");
		return 2;
	}
	wall = now_ns(CLOCK_MONOTONIC) - wall;
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("done %ld %ld\n", wall, cpu);
	fflush(stdout);
	wait_for_line();
	return 0;
}
