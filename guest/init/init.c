// The first process of a container. It takes secrets from its standard input before the server starts, opens the only
// way out, which is one Unix socket of the host, starts the server, reaps what dies, and ends when the host lets go.
//
//   init [-u SOCKET] [-s] [-e ADDRESS:PORT]... [-i PORT] -- COMMAND [ARGUMENT...]
//   init -p [-u SOCKET]
//
//   -u  the host's socket. One connection, 'L', is kept open: its end is the end of this sandbox. 'R' tells on it that
//       the server runs.
//   -s  read secrets first: a length (4 bytes, little-endian), then records of type ('e' or 'f'), length of the name
//       (2 bytes), length of the value (4 bytes), name, value. 'e' is an environment variable, 'f' a file in /run/secrets.
//   -e  listen there, and hand each connection on: 'E' and the number of the option (from 0), then its bytes.
//   -i  let the host connect to this port: connections 'I' wait in the host; it writes 'G', the answer is 'C' or the end.
//   -p  say what this sandbox is allowed to do, and exit with 42.
//
// Without a C library: it runs in any image. Built by tools/guest-init.mjs.
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/poll.h>
#include <linux/signal.h>
#include <linux/signalfd.h>
#include <linux/types.h>
#include <linux/un.h>
#include <stddef.h>
#include <stdint.h>

enum {
  AF_UNIX_ = 1,
  AF_INET_ = 2,
  STREAM_CLOEXEC = 1 | 02000000,
  NONBLOCK = 04000,
  SHUT_WRITE = 1,
  LISTENERS = 256,
  PAIRS = 128,
  IDLE = 4,
  BUFFER = 16384,
  PAYLOAD = 1 << 20,
  VARIABLES = 1024,
};

// ---- system calls

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call start\n hlt\n");
static long call6(long n, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n mov x29, xzr\n mov x30, xzr\n mov x0, sp\n and sp, x0, #-16\n b start\n");
static long call6(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#endif
#define CALL(n, a, b, c, d, e) call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static long sys_read(int fd, void *to, size_t size) { return CALL(__NR_read, fd, to, size, 0, 0); }
static long sys_write(int fd, const void *from, size_t size) { return CALL(__NR_write, fd, from, size, 0, 0); }
static void sys_close(int fd) { CALL(__NR_close, fd, 0, 0, 0, 0); }
static void sys_exit(int code) {
  for (;;) CALL(__NR_exit_group, code, 0, 0, 0, 0);
}
static int sys_open(const char *path, int flags, int mode) {
  return (int)CALL(__NR_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode, 0);
}
static void sys_kill(int pid, int signal) { CALL(__NR_kill, pid, signal, 0, 0, 0); }

// The compiler calls these by name.
void *memcpy(void *to, const void *from, size_t size) {
  for (size_t i = 0; i < size; i++) ((char *)to)[i] = ((const char *)from)[i];
  return to;
}
void *memset(void *to, int byte, size_t size) {
  for (size_t i = 0; i < size; i++) ((volatile char *)to)[i] = (char)byte;
  return to;
}
static size_t length(const char *text) {
  size_t size = 0;
  while (text[size] != 0) size++;
  return size;
}
static int starts(const char *text, const char *with, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (text[i] != with[i] || text[i] == 0) return 0;
  return 1;
}

static void say(int fd, const char *text) { sys_write(fd, text, length(text)); }
static void say_number(int fd, long number) {
  char digits[24];
  size_t at = sizeof digits;
  unsigned long rest = number < 0 ? (unsigned long)-number : (unsigned long)number;
  do digits[--at] = (char)('0' + rest % 10);
  while ((rest /= 10) != 0);
  if (number < 0) digits[--at] = '-';
  sys_write(fd, digits + at, sizeof digits - at);
}
static void fail(const char *what, long error) {
  say(2, "sandbox: ");
  say(2, what);
  say(2, " (");
  say_number(2, error);
  say(2, ")\n");
  sys_exit(125);
}

// ---- connections

static const char *host_path;

static int connect_host(int flags) {
  struct sockaddr_un address = {.sun_family = AF_UNIX_};
  size_t size = length(host_path);
  if (size >= sizeof address.sun_path) return -ENAMETOOLONG;
  memcpy(address.sun_path, host_path, size);
  int fd = (int)CALL(__NR_socket, AF_UNIX_, STREAM_CLOEXEC | flags, 0, 0, 0);
  if (fd < 0) return fd;
  long result = CALL(__NR_connect, fd, &address, sizeof address, 0, 0);
  if (result == 0) return fd;
  sys_close(fd);
  return (int)result;
}

static struct sockaddr_in internet(uint32_t address, int port) {
  struct sockaddr_in where = {.sin_family = AF_INET_};
  where.sin_port = (uint16_t)((port >> 8) | ((port & 255) << 8));
  where.sin_addr.s_addr = address;
  return where;
}
#define LOOPBACK 0x0100007fU

// A connection on loopback is made or refused at once.
static int connect_server(int port) {
  struct sockaddr_in where = internet(LOOPBACK, port);
  int fd = (int)CALL(__NR_socket, AF_INET_, STREAM_CLOEXEC, 0, 0, 0);
  if (fd < 0) return fd;
  long result = CALL(__NR_connect, fd, &where, sizeof where, 0, 0);
  if (result == 0) {
    CALL(__NR_fcntl, fd, F_SETFL, O_RDWR | NONBLOCK, 0, 0);
    return fd;
  }
  sys_close(fd);
  return (int)result;
}

// "ADDRESS:PORT" of IPv4.
static int listen_on(const char *text) {
  uint32_t address = 0;
  for (int part = 0; part < 4; part++) {
    uint32_t byte = 0;
    while (*text >= '0' && *text <= '9') byte = byte * 10 + (uint32_t)(*text++ - '0');
    address |= (byte & 255) << (8 * part);
    if (*text == '.' || *text == ':') text++;
  }
  int port = 0;
  while (*text >= '0' && *text <= '9') port = port * 10 + (*text++ - '0');
  struct sockaddr_in where = internet(address, port);
  int fd = (int)CALL(__NR_socket, AF_INET_, STREAM_CLOEXEC | NONBLOCK, 0, 0, 0);
  if (fd < 0) return fd;
  long result = CALL(__NR_bind, fd, &where, sizeof where, 0, 0);
  if (result == 0) result = CALL(__NR_listen, fd, 128, 0, 0, 0);
  if (result == 0) return fd;
  sys_close(fd);
  return (int)result;
}

struct pair {
  int fd[2]; // fd[0] < 0: free
  int size[2], offset[2];
  char ended[2], shut[2];
  char buffer[2][BUFFER]; // read from fd[i], for fd[1 - i]
};
static struct pair pairs[PAIRS];

static struct pair *free_pair(void) {
  for (int i = 0; i < PAIRS; i++)
    if (pairs[i].fd[0] < 0) return &pairs[i];
  return 0;
}
static void join(struct pair *pair, int one, int other) {
  pair->fd[0] = one;
  pair->fd[1] = other;
  for (int i = 0; i < 2; i++) pair->size[i] = pair->offset[i] = pair->ended[i] = pair->shut[i] = 0;
}
static void part(struct pair *pair) {
  sys_close(pair->fd[0]);
  sys_close(pair->fd[1]);
  pair->fd[0] = pair->fd[1] = -1;
}

// Moves what there is from side i to the other. False: the pair is over.
static int move(struct pair *pair, int i) {
  for (int turn = 0; turn < 8; turn++) {
    if (pair->size[i] == 0 && !pair->ended[i]) {
      long got = sys_read(pair->fd[i], pair->buffer[i], BUFFER);
      if (got == -EAGAIN || got == -EINTR) return 1;
      if (got < 0) return 0;
      if (got == 0) pair->ended[i] = 1;
      pair->size[i] = (int)got;
      pair->offset[i] = 0;
    }
    while (pair->size[i] > 0) {
      long put = sys_write(pair->fd[1 - i], pair->buffer[i] + pair->offset[i], (size_t)pair->size[i]);
      if (put == -EAGAIN || put == -EINTR) return 1;
      if (put <= 0) return 0;
      pair->size[i] -= (int)put;
      pair->offset[i] += (int)put;
    }
    if (pair->ended[i]) {
      if (!pair->shut[1 - i]) CALL(__NR_shutdown, pair->fd[1 - i], SHUT_WRITE, 0, 0, 0);
      pair->shut[1 - i] = 1;
      return !(pair->ended[0] && pair->ended[1] && pair->size[1 - i] == 0);
    }
  }
  return 1;
}

// ---- secrets

static char payload[PAYLOAD];
static char *variables[VARIABLES + 1];

static void read_exactly(char *to, size_t size) {
  while (size > 0) {
    long got = sys_read(0, to, size);
    if (got == -EINTR) continue;
    if (got <= 0) fail("secrets did not arrive", got);
    to += got;
    size -= (size_t)got;
  }
}

static uint32_t number(const char *bytes, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; i++) value |= (uint32_t)(unsigned char)bytes[i] << (8 * i);
  return value;
}

static void write_file(const char *name, size_t name_size, const char *value, size_t size) {
  static char path[300] = "/run/secrets/";
  if (name_size > 255) fail("a secret's name is too long", (long)name_size);
  memcpy(path + 13, name, name_size);
  path[13 + name_size] = 0;
  int fd = sys_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0400);
  if (fd < 0) fail("a secret's file cannot be made", fd);
  while (size > 0) {
    long put = sys_write(fd, value, size);
    if (put == -EINTR) continue;
    if (put <= 0) fail("a secret's file cannot be written", put);
    value += put;
    size -= (size_t)put;
  }
  sys_close(fd);
}

static void set_variable(char *entry, size_t name_size) {
  size_t at = 0;
  for (; variables[at] != 0; at++)
    if (starts(variables[at], entry, name_size + 1)) break;
  if (at >= VARIABLES) fail("there are too many variables", (long)at);
  if (variables[at] == 0) variables[at + 1] = 0;
  variables[at] = entry;
}

static void take_secrets(void) {
  static char head[4];
  read_exactly(head, 4);
  size_t size = number(head, 4), at = 0;
  if (size > PAYLOAD - 1) fail("there are too many secrets", (long)size);
  read_exactly(payload, size);
  while (at + 7 <= size) {
    char type = payload[at];
    size_t name_size = number(payload + at + 1, 2), value_size = number(payload + at + 3, 4);
    char *name = payload + at + 7;
    if (value_size > size || at + 7 + name_size + value_size > size) fail("the secrets are malformed", (long)at);
    at += 7 + name_size + value_size;
    if (type == 'f') {
      write_file(name, name_size, name + name_size, value_size);
    } else {
      // NAME=VALUE, moved onto the record's own head, so that there is room for both signs.
      char *entry = name - 2;
      memcpy(entry, name, name_size);
      entry[name_size] = '=';
      for (size_t i = 0; i < value_size; i++) entry[name_size + 1 + i] = name[name_size + i];
      entry[name_size + 1 + value_size] = 0;
      set_variable(entry, name_size);
    }
  }
}

// ---- the server

static void run(char **command, int report) {
  const char *name = command[0];
  int has_slash = 0;
  for (size_t i = 0; name[i] != 0; i++) has_slash |= name[i] == '/';
  if (has_slash) {
    CALL(__NR_execve, name, command, variables, 0, 0);
  } else {
    const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (size_t i = 0; variables[i] != 0; i++)
      if (starts(variables[i], "PATH=", 5)) path = variables[i] + 5;
    static char full[4096];
    size_t size = length(name);
    while (*path != 0) {
      size_t at = 0;
      while (path[at] != 0 && path[at] != ':') at++;
      if (at + size + 2 < sizeof full) {
        memcpy(full, path, at);
        full[at] = '/';
        memcpy(full + at + 1, name, size + 1);
        CALL(__NR_execve, full, command, variables, 0, 0);
      }
      path += path[at] == ':' ? at + 1 : at;
    }
  }
  say(2, "sandbox: cannot run ");
  say(2, name);
  say(2, "\n");
  sys_write(report, "X", 1);
  sys_exit(127);
}

static void print_file(const char *path) {
  static char text[8192];
  int fd = sys_open(path, O_RDONLY, 0);
  if (fd < 0) return;
  for (long got; (got = sys_read(fd, text, sizeof text)) > 0;) sys_write(1, text, (size_t)got);
  sys_close(fd);
}

static void probe(void) {
  print_file("/proc/self/status");
  say(1, "UidMap:");
  print_file("/proc/self/uid_map");
  // An address of TEST-NET-1 (RFC 5737): with no route to anywhere it is refused by the kernel itself.
  struct sockaddr_in away = internet(0x010200c0U, 9);
  int fd = (int)CALL(__NR_socket, AF_INET_, 2, 0, 0, 0);
  say(1, "Away:\t");
  say_number(1, CALL(__NR_connect, fd, &away, sizeof away, 0, 0));
  say(1, "\nHost:\t");
  say_number(1, host_path == 0 ? 0 : connect_host(0) < 0 ? -1 : 1);
  say(1, "\n");
  sys_exit(42);
}

// ---- the life of it

static int listeners[LISTENERS], listener_count, idle[IDLE], life = -1, ingress_port, server;
static struct pollfd polled[2 + LISTENERS + IDLE + 2 * PAIRS];

// The first process of a container takes all others with it; anywhere else this ends the server alone.
static void all_end(int code) {
  sys_kill(server, SIGKILL);
  sys_exit(code);
}

static void wait_idle(int at) {
  idle[at] = connect_host(NONBLOCK);
  if (idle[at] >= 0 && sys_write(idle[at], "I", 1) != 1) {
    sys_close(idle[at]);
    idle[at] = -1;
  }
}

static void take_idle(int at) {
  char go = 0;
  long got = sys_read(idle[at], &go, 1);
  if (got == -EAGAIN || got == -EINTR) return;
  struct pair *pair = free_pair();
  int inside = got == 1 && go == 'G' && pair != 0 ? connect_server(ingress_port) : -1;
  if (inside >= 0 && sys_write(idle[at], "C", 1) == 1) {
    join(pair, idle[at], inside);
  } else {
    if (inside >= 0) sys_close(inside);
    sys_close(idle[at]);
  }
  wait_idle(at);
}

static void accept_at(int at) {
  struct pair *pair = free_pair();
  if (pair == 0) return;
  int inside = (int)CALL(__NR_accept4, listeners[at], 0, 0, STREAM_CLOEXEC - 1 + NONBLOCK, 0);
  if (inside < 0) return;
  int host = connect_host(NONBLOCK);
  char head[2] = {'E', (char)at};
  if (host >= 0 && sys_write(host, head, 2) == 2) {
    join(pair, inside, host);
    return;
  }
  if (host >= 0) sys_close(host);
  sys_close(inside);
}

static void supervise(int signals) {
  for (;;) {
    int count = 0, has_room = free_pair() != 0, is_short = 0;
    polled[count++] = (struct pollfd){.fd = signals, .events = POLLIN};
    polled[count++] = (struct pollfd){.fd = life, .events = POLLIN};
    for (int i = 0; i < listener_count; i++)
      polled[count++] = (struct pollfd){.fd = has_room ? listeners[i] : -1, .events = POLLIN};
    for (int i = 0; i < IDLE; i++) {
      if (ingress_port != 0 && idle[i] < 0) wait_idle(i);
      is_short |= ingress_port != 0 && idle[i] < 0;
      polled[count++] = (struct pollfd){.fd = has_room ? idle[i] : -1, .events = POLLIN};
    }
    int first = count;
    for (int p = 0; p < PAIRS; p++)
      for (int i = 0; i < 2; i++) {
        struct pair *pair = &pairs[p];
        short events = 0;
        if (pair->fd[0] >= 0) {
          if (!pair->ended[i] && pair->size[i] == 0) events |= POLLIN;
          if (pair->size[1 - i] > 0) events |= POLLOUT;
        }
        // What nothing is expected of is left out: its end would wake us again and again.
        polled[count++] = (struct pollfd){.fd = events == 0 ? -1 : pair->fd[i], .events = events};
      }
    struct { int64_t seconds, nanoseconds; } soon = {0, 100 * 1000 * 1000};
    long ready = CALL(__NR_ppoll, polled, count, is_short ? &soon : 0, 0, 0);
    if (ready < 0 && ready != -EINTR) all_end(125);
    if (ready <= 0) continue;

    if (polled[0].revents != 0) {
      struct signalfd_siginfo info;
      while (sys_read(signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD) sys_kill(server, (int)info.ssi_signo);
      int status = 0;
      for (long pid; (pid = CALL(__NR_wait4, -1, &status, 1, 0, 0)) > 0;)
        if (pid == server) all_end((status & 127) == 0 ? (status >> 8) & 255 : 128 + (status & 127));
    }
    if (polled[1].revents != 0) all_end(143);
    for (int i = 0; i < listener_count; i++)
      if (polled[2 + i].revents != 0) accept_at(i);
    for (int i = 0; i < IDLE; i++)
      if (polled[2 + listener_count + i].revents != 0) take_idle(i);
    for (int p = 0; p < PAIRS; p++) {
      struct pair *pair = &pairs[p];
      struct pollfd *at = &polled[first + 2 * p];
      // One that has just been joined was not polled.
      if (pair->fd[0] < 0 || (at[0].revents | at[1].revents) == 0) continue;
      if (!move(pair, 0) || !move(pair, 1)) part(pair);
    }
  }
}

__attribute__((used, noreturn)) void start(long *stack) {
  long count = stack[0];
  char **arguments = (char **)(stack + 1), **environment = arguments + count + 1;
  int wants_secrets = 0, is_probe = 0;
  long at = 1;
  for (size_t i = 0; environment[i] != 0 && i < VARIABLES; i++) variables[i] = environment[i];
  for (int i = 0; i < PAIRS; i++) pairs[i].fd[0] = -1;
  for (int i = 0; i < IDLE; i++) idle[i] = -1;
  for (; at < count && arguments[at][0] == '-' && arguments[at][1] != '-'; at++) {
    char option = arguments[at][1];
    if (option == 's') {
      wants_secrets = 1;
    } else if (option == 'p') {
      is_probe = 1;
    } else {
      char *value = ++at < count ? arguments[at] : 0;
      if (value == 0) fail("an option has no value", option);
      if (option == 'u') host_path = value;
      if (option == 'i')
        for (char *digit = value; *digit >= '0' && *digit <= '9'; digit++)
          ingress_port = ingress_port * 10 + (*digit - '0');
      if (option == 'e') {
        if (listener_count == LISTENERS) fail("there are too many listeners", listener_count);
        int fd = listen_on(value);
        if (fd < 0) fail("a listener cannot be opened", fd);
        listeners[listener_count++] = fd;
      }
    }
  }
  if (is_probe) probe();
  if (at + 1 >= count) fail("there is no command", count);
  if (host_path != 0) {
    life = connect_host(0);
    if (life < 0) fail("the host's socket does not answer", life);
    if (sys_write(life, "L", 1) != 1) fail("the host's socket does not answer", -EPIPE);
  }
  if (wants_secrets) take_secrets();

  uint64_t every = ~(uint64_t)0, before = 0;
  CALL(__NR_rt_sigprocmask, 0, &every, &before, sizeof every, 0);
  int signals = (int)CALL(__NR_signalfd4, -1, &every, sizeof every, O_CLOEXEC | O_NONBLOCK, 0);
  if (signals < 0) fail("signals cannot be taken", signals);
  // It closes when the server's own program runs, and says something when that cannot be.
  int report[2];
  long piped = CALL(__NR_pipe2, report, O_CLOEXEC, 0, 0, 0);
  if (piped < 0) fail("there is no pipe", piped);
  server = (int)CALL(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (server < 0) fail("the server cannot be started", server);
  if (server == 0) {
    CALL(__NR_rt_sigprocmask, 2, &before, 0, sizeof before, 0);
    run(arguments + at + 1, report[1]);
  }
  memset(payload, 0, sizeof payload);
  sys_close(report[1]);
  char word = 0;
  if (sys_read(report[0], &word, 1) == 0 && life >= 0) sys_write(life, "R", 1);
  sys_close(report[0]);
  for (int fd = 0; fd < 3; fd++) sys_close(fd);
  supervise(signals);
  sys_exit(125);
  __builtin_unreachable();
}
